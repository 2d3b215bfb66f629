"""Who works on a root. A process holds a lock of the kernel on a file below it, which ends with the process.

A file is named by what is claimed: a run, by the process that executes it, or the process itself.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from foxml_assets.core.hashing import content_hash
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import locked_temporary, refuse_links, remove_file

_FOLDER = ".claims"


class Role(StrEnum):
    """What a claimant does."""

    COMMAND = "command"
    SERVER = "server"
    RUN = "run"


class _Note(msgspec.Struct, frozen=True):
    role: Role
    purpose: str
    pid: int
    settings: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim as it was found. `settings` tells servers apart; `is_held`: the process that made it lives."""

    key: str
    role: Role
    purpose: str
    pid: int
    settings: str
    is_held: bool

    def __str__(self) -> str:
        return f"`{self.purpose}` (process {self.pid})"


def root_id(root: Path) -> str:
    """What tells this root from any other, its copies included: its name, and a hash of path and inode."""
    real = root.resolve()
    real.mkdir(parents=True, exist_ok=True)
    return f"{real.name}-{content_hash([str(real), real.stat().st_ino])[:12]}"


def hold_claim(root: Path, key: str, role: Role, purpose: str, settings: str = "") -> int:
    """Claim `key` until this process ends or closes the descriptor that is returned.

    The file takes its name when it is locked already, so that nobody ever sees it free. Raises LinkError and
    OSError, and then leaves nothing.
    """
    folder = _folder(root)
    refuse_links(folder)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = locked_temporary(folder)
    try:
        os.write(descriptor, msgspec.json.encode(_Note(role, purpose, os.getpid(), settings)))
        temporary.replace(folder / key)
    except OSError:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def claimed(root: Path, key: str, role: Role, purpose: str) -> Iterator[None]:
    """Claim `key` for the block."""
    descriptor = hold_claim(root, key, role, purpose)
    try:
        yield
    finally:
        # While it is still held, so that nobody takes it for the claim of a process that died.
        forget_claim(root, key)
        os.close(descriptor)


def find_claims(root: Path) -> dict[str, Claim]:
    """Every claim on the root by its key, also those whose process is gone. Raises LinkError."""
    folder = _folder(root)
    refuse_links(folder)
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    # What has not taken its name yet begins with a dot.
    found = (_read(path) for path in paths if not path.name.startswith("."))
    return {claim.key: claim for claim in found if claim is not None}


def forget_claim(root: Path, key: str) -> None:
    """Remove the file of a claim. Raises LinkError."""
    remove_file(_folder(root) / key)


def _folder(root: Path) -> Path:
    return root / _FOLDER


def _read(path: Path) -> Claim | None:
    """The claim in a file; None if the file is gone by now, or is none of ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        note = decode_json(path.read_bytes(), _Note)
        is_held = _is_locked(descriptor)
        return Claim(path.name, note.role, note.purpose, note.pid, note.settings, is_held)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    """Whether another holds it. A shared lock is tried, so that those who look do not see each other."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
