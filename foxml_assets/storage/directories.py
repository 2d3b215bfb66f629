"""Folders that are replaced as a whole: a reader sees the old one or the new one, never a mixture."""

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from foxml_assets.core.errors import FoxmlError, LockHeldError
from foxml_assets.storage.files import refuse_links, sync_directory

# Of Linux's fcntl.h and fs.h: relative paths start at the working directory, and both names change hands.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# What a kernel, or a file system, without the exchange answers.
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV}
_REMOVERS = 8
_READS = 10
_PAUSE_SECONDS = 0.02

_T = TypeVar("_T")


@contextmanager
def replacing_directory(final: Path, *, staging: Path | None = None) -> Iterator[Path]:
    """Yield an empty directory, in `staging` or beside `final`; when the block ends well it takes its place.

    A kill at any moment leaves the old directory or the new one, whole. What the block writes must be fsynced
    by the block. Where the file system cannot exchange two directories (NFS, for one) there is a moment
    between two renames in which `final` is absent; the next call, or `recover_directory`, then brings the old
    one back. Raises LinkError, and LockHeldError while another process replaces the same directory.
    """
    recover_directory(final)
    staged = _staged(final) if staging is None else staging / secrets.token_hex(8)
    refuse_links(staged)
    staged.mkdir(parents=True)
    try:
        with _locked(staged):
            yield staged
            # The names in the folder must be durable before the folder takes its place.
            sync_directory(staged)
            final.parent.mkdir(parents=True, exist_ok=True)
            _switch(staged, final)
    finally:
        # After an exchange it is the old directory that has this name.
        _remove(staged)


def recover_directory(final: Path) -> bool:
    """Undo a switch of `final` that a kill interrupted, and remove what it staged. True if there was one.

    For whoever may replace `final`. Raises LinkError, and LockHeldError while another process does.
    """
    retired, staged = _retired(final), _staged(final)
    for path in (final, retired, staged):
        refuse_links(path)
    if staged.exists():
        # A living writer holds the lock: what can be locked was left by a kill.
        with _locked(staged):
            shutil.rmtree(staged)
    if not retired.exists():
        return False
    # The new folder stands, so only the removal of the old one was missed.
    if final.exists():
        shutil.rmtree(retired)
        return False
    retired.rename(final)
    sync_directory(final.parent)
    return True


def sweep_staged(staging: Path, *, older_than: float = 0.0) -> None:
    """Remove what killed processes left in a staging folder. Raises LinkError.

    `older_than`, in seconds, is for a folder in which other machines work: no lock tells of their processes.
    """
    refuse_links(staging)
    for staged in sorted(staging.iterdir()) if staging.is_dir() else ():
        with suppress(LockHeldError, FileNotFoundError), _locked(staged):
            if max(time.time() - staged.stat().st_mtime, 0.0) >= older_than:
                _remove(staged)


def move_directory(source: Path, final: Path, *, staging: Path) -> None:
    """Rename `source` to `final`, durably; what has that name is discarded first.

    After a kill one of the two stands, whole. Raises OSError and LinkError.
    """
    refuse_links(source)
    if final.exists():
        discard_directory(final, staging=staging)
    _make_durable(final.parent)
    source.rename(final)
    sync_directory(final.parent)
    sync_directory(source.parent)


def discard_directory(folder: Path, *, staging: Path) -> None:
    """Delete `folder`: in one step for whoever looks, and what a kill leaves in `staging` is swept.

    Raises OSError and LinkError.
    """
    refuse_links(folder)
    _make_durable(staging)
    discarded = staging / secrets.token_hex(8)
    folder.rename(discarded)
    sync_directory(folder.parent)
    _remove(discarded)


def _make_durable(folder: Path) -> None:
    """Make `folder` and those on the way to it, and their names durable. Raises LinkError."""
    refuse_links(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_directory(path.parent)


@contextmanager
def _locked(staged: Path) -> Iterator[None]:
    """Hold the kernel's lock on a staged directory, which ends with the process. Raises LockHeldError."""
    descriptor = os.open(staged, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise LockHeldError(
            "another process replaces the folder", file=staged, fix="wait until it has finished"
        ) from error
    finally:
        os.close(descriptor)


def is_switch_interrupted(final: Path) -> bool:
    """Whether `final` is absent between the two renames of a switch, which a kill may have made for long."""
    return not final.exists() and _retired(final).exists()


def read_version(folder: Path, read: Callable[[], _T]) -> _T:
    """What `read` finds in `folder`, all of it in one version: asked again if it was replaced meanwhile.

    Raises what `read` raises of a version that stands, and LockHeldError if none stands long enough.
    """
    for _ in range(_READS):
        with _held(folder) as version:
            try:
                found = read()
            except (FoxmlError, OSError):
                # The version stands, so the error is the file's own and not that of a switch.
                if _version(folder) == version and not is_switch_interrupted(folder):
                    raise
            else:
                if _version(folder) == version:
                    return found
        time.sleep(_PAUSE_SECONDS)
    # Absent for longer than a switch takes: a kill left it so, and what `read` says of no folder holds.
    if is_switch_interrupted(folder):
        return read()
    raise LockHeldError(
        "is replaced again and again while it is read", file=folder, fix="wait until the writer has finished"
    )


@contextmanager
def _held(folder: Path) -> Iterator[tuple[int, int] | None]:
    """The version of `folder`. While it is open its inode cannot be given to another folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        status = os.fstat(descriptor)
        yield status.st_dev, status.st_ino
    finally:
        os.close(descriptor)


def _version(folder: Path) -> tuple[int, int] | None:
    with _held(folder) as version:
        return version


def _switch(staged: Path, final: Path) -> None:
    """Put `staged` in the place of `final`, durably. Raises OSError, and then `final` is what it was."""
    undo = _put_in_place(staged, final)
    try:
        sync_directory(final.parent)
    except OSError:
        undo()
        raise
    # Only there without the exchange. What is left of it the next writer removes.
    shutil.rmtree(_retired(final), ignore_errors=True)


def _put_in_place(staged: Path, final: Path) -> Callable[[], object]:
    """Rename `staged` to `final`. Returns what takes that back."""
    retired = _retired(final)
    if not final.exists():
        staged.rename(final)
        return lambda: final.rename(staged)
    if _exchange(staged, final):
        return lambda: _exchange(staged, final)
    final.rename(retired)
    try:
        staged.rename(final)
    except OSError:
        retired.rename(final)
        raise
    return lambda: (final.rename(staged), retired.rename(final))


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
