"""Durable writes: a reader sees the old file or directory or the new one, never a part of either."""

import ctypes
import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from foxml_assets.core.errors import LinkError, Problem, StorageError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_REMOVERS = 8
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV}
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
    temporary = path.with_name(f".tmp-{secrets.token_hex(8)}")
    # Not mkstemp, whose files nobody else may read whatever the umask says.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)


def write_if_changed(path: Path, data: bytes) -> bool:
    """`write_atomic`, unless `path` already holds exactly `data`. True if it was written."""
    if holds(path, (data,)):
        return False
    write_atomic(path, data)
    return True


def holds(path: Path, chunks: Iterable[bytes]) -> bool:
    """Whether `path` is a file of exactly the concatenated `chunks`; none is asked for after a difference."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return all(stream.read(len(chunk)) == chunk for chunk in chunks) and not stream.read(1)


def sync_directory(directory: Path) -> None:
    """Make renames inside `directory` durable."""
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


@contextmanager
def replacing_directory(final: Path) -> Iterator[Path]:
    """Yield an empty directory beside `final`; when the block ends well it takes its place at once.

    A kill at any moment leaves the old directory or the new one, whole. Only one process at a time may
    replace the same directory. What the block writes must be fsynced by the block. Where the file
    system cannot exchange two directories (NFS, for one) there is a moment between two renames in
    which `final` is absent; the next call, or `recover_directory`, then brings the old one back.
    Raises LinkError.
    """
    recover_directory(final)
    staged = _staged(final)
    staged.mkdir(parents=True)
    try:
        yield staged
        sync_directory(staged)
        _switch(staged, final)
    finally:
        _remove(staged)


def recover_directory(final: Path) -> bool:
    """Undo a switch of `final` that a kill interrupted, and remove what it staged. True if there was one.

    For whoever may replace `final`. Raises LinkError.
    """
    retired, staged = _retired(final), _staged(final)
    for path in (final, retired, staged):
        refuse_links(path)
    if staged.exists():
        shutil.rmtree(staged)
    if not retired.exists():
        return False
    if final.exists():
        shutil.rmtree(retired)
        return False
    retired.rename(final)
    sync_directory(final.parent)
    return True


def is_switch_interrupted(final: Path) -> bool:
    """Whether `final` is absent because a kill hit between the two renames of a switch."""
    return not final.exists() and _retired(final).exists()


def _switch(staged: Path, final: Path) -> None:
    if not final.exists():
        staged.rename(final)
    elif not _exchange(staged, final):
        retired = _retired(final)
        final.rename(retired)
        try:
            staged.rename(final)
        except OSError:
            retired.rename(final)
            raise
        sync_directory(final.parent)
        shutil.rmtree(retired, ignore_errors=True)
    sync_directory(final.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two directories in one step; False where the system or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _remove(directory: Path) -> None:
    """Remove a tree; what cannot be removed now is removed by the next call.

    To unlink a file that was fsynced waits for the journal, so many are unlinked at a time.
    """
    files = [path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir()]
    with suppress(OSError), ThreadPoolExecutor(_REMOVERS) as removers:
        for _ in removers.map(Path.unlink, files):
            pass
    shutil.rmtree(directory, ignore_errors=True)


def _staged(final: Path) -> Path:
    return final.with_name(f".{final.name}.staged")


def _retired(final: Path) -> Path:
    return final.with_name(f".{final.name}.retired")
