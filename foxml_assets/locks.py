"""A lock between processes that ends with its holder, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foxml_assets.errors import LockHeldError, Problem


@contextmanager
def hold_lock(path: Path, *, purpose: str) -> Iterator[None]:
    """Hold the lock file `path` for the block. The kernel frees it when the process ends.

    The file stays; only the lock on it means anything. Raises LockHeldError at once if another holder
    lives, and OSError if the file cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 100, 0).decode("ascii", "replace").strip() or "unknown"
            raise LockHeldError(
                f"another process is {purpose}",
                file=path,
                problems=[Problem("", "the lock is held by process", holder)],
                fix="wait until it has finished; a lock of a dead process is free by itself",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
