"""A lock between processes that ends with its holder, however it dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from foxml_assets.core.errors import LockHeldError, Problem
from foxml_assets.storage.files import refuse_links


@contextmanager
def hold_lock(path: Path, *, purpose: str) -> Iterator[None]:
    """Hold the lock file `path` for the block. The kernel frees it when the process ends.

    The file stays, empty and unchanged; only the lock on it means anything. Raises LockHeldError at once if
    another holder lives, LinkError, and OSError if the file cannot be opened or the file system has no locks.
    """
    refuse_links(path)
    try:
        # Were the file removed, one process could hold the old inode and another a new one.
        lock = FileLock(path, blocking=False, preserve_lock_file=True).acquire()
    except Timeout as error:
        raise LockHeldError(
            f"another process is {purpose}",
            file=path,
            problems=[Problem("", "the lock is held by process", _holder(path.stat().st_ino))],
            fix="wait until it has finished; a lock of a dead process is free by itself",
        ) from error
    with lock:
        yield


def _holder(inode: int) -> str:
    """The process that locks the file of this inode, as far as the kernel tells."""
    table = Path("/proc/locks")
    lines = table.read_text(encoding="ascii").splitlines() if table.exists() else []
    # For example `1: FLOCK  ADVISORY  WRITE 1234 08:01:56789 0 EOF`.
    entries = [line.split() for line in lines]
    held = [entry[4] for entry in entries if len(entry) > 5 and entry[5].rpartition(":")[2] == str(inode)]
    return held[0] if held else "unknown"
