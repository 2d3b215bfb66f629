"""Durable writes of single files: a reader sees the old file or the new one, never a part of either."""

import errno
import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from foxml_assets.core.errors import LinkError, Problem, StorageError

_TEMPORARY_PREFIX, _TOKEN_BYTES = ".tmp-", 8
# A file is also written where the user says, and what else has such a prefix there is not ours.
_TEMPORARIES = _TEMPORARY_PREFIX + 2 * _TOKEN_BYTES * "[0-9a-f]"
_ADVICE = {errno.ENOSPC: "free some space", errno.EDQUOT: "free some space", errno.EROFS: "mount it writable"}


def refuse_links(path: Path) -> None:
    """Raise LinkError if `path` or a folder on the way to it is a link.

    The root may be one: it is resolved where a command or server begins (`current_workspace`).
    """
    absolute = path.absolute()
    if os.path.realpath(absolute) == str(absolute):
        return
    at = next(part for part in (*reversed(absolute.parents), absolute) if part.is_symlink())
    raise LinkError(
        "is a link, and nothing below the root may be one",
        file=at,
        problems=[Problem("", "it leads to", str(at.readlink()))],
        fix="put the folder or file itself in its place; only the root as a whole may be a link or a mount",
    )


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path`: beside it first, fsynced, then renamed over it.

    Raises OSError (disk full, read-only, ...) or LinkError, and then leaves what was there before.
    """
    write_chunks_atomic(path, (data,))


def write_chunks_atomic(path: Path, chunks: Iterable[bytes]) -> None:
    """`write_atomic` of the concatenated `chunks`, of which only one is held at a time."""
    refuse_links(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(path.parent) as (descriptor, temporary):
        # Closing the stream flushes its buffer; the descriptor stays open for fsync, and holds the lock.
        with os.fdopen(descriptor, "wb", closefd=False) as stream:
            stream.writelines(chunks)
        os.fsync(descriptor)
        temporary.replace(path)
    sync_directory(path.parent)


def write_within(path: Path, data: bytes) -> None:
    """Write a file of a folder that takes its place as a whole (`replacing_directory`), and fsync it.

    Its name becomes durable with the folder's. Raises OSError or LinkError.
    """
    refuse_links(path)
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def write_if_changed(path: Path, data: bytes) -> bool:
    """`write_atomic`, unless `path` already holds exactly `data`. True if it was written."""
    if holds(path, (data,)):
        return False
    write_atomic(path, data)
    return True


def remove_file(path: Path) -> None:
    """Remove `path`, durably, if it is there. Raises OSError, LinkError."""
    refuse_links(path)
    if path.exists():
        path.unlink(missing_ok=True)
        sync_directory(path.parent)


def holds(path: Path, chunks: Iterable[bytes]) -> bool:
    """Whether `path` is a file of exactly the concatenated `chunks`; none is asked for after a difference."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        # One more byte is asked for, as the file may go on after the last chunk.
        return all(stream.read(len(chunk)) == chunk for chunk in chunks) and not stream.read(1)


def sync_directory(directory: Path) -> None:
    """Make renames inside `directory` durable."""
    # POSIX makes a rename durable only by an fsync of the folder that holds the name.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block, which writes `path`, into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        problem = Problem("", error.strerror or str(error), str(error.filename or path))
        fix = _ADVICE.get(error.errno or 0, "check the folder and its permissions")
        raise StorageError("could not be written", file=path, problems=[problem], fix=fix) from error


def locked_temporary(folder: Path) -> tuple[int, Path]:
    """A new file in `folder`, open for writing, and locked until its descriptor is closed.

    What killed writers left there is removed.
    """
    _sweep(folder)
    while True:
        path = folder / f"{_TEMPORARY_PREFIX}{secrets.token_hex(_TOKEN_BYTES)}"
        # Not mkstemp, whose files nobody else may read whatever the umask says.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, path
        # Another writer took it for a dead one's before it was locked.
        os.close(descriptor)


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[int, Path]]:
    """`locked_temporary`; what still has its name in the end is removed."""
    descriptor, path = locked_temporary(folder)
    try:
        yield descriptor, path
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove what killed writers left in `folder`: a living writer holds the lock of its file."""
    for path in folder.glob(_TEMPORARIES):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except (FileNotFoundError, PermissionError):
            continue
        try:
            # The kernel frees the lock of a dead writer: what can be locked belongs to nobody.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except (BlockingIOError, PermissionError):
            continue
        finally:
            os.close(descriptor)
