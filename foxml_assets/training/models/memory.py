"""What an earlier look has verified, kept in one file below the root: a hint, which may be lost or wrong.

It may be missing, damaged or not ours to write. What it says of a model counts only while both files of
the model have the stamps that they had then.
"""

import stat
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from foxml_assets.core.errors import LinkError
from foxml_assets.core.hashing import content_hash
from foxml_assets.storage.files import refuse_links, write_atomic
from foxml_assets.training.context import ModelContext

_MAX_BYTES = 1 << 28


class Stamp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What changes with the content of a file."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Verified(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A model that was read and found to be trained for the spec of that hash.

    `stamps` are those of its manifest and its file before they were read. `is_settled`: they were old enough
    that another change would have given others. Without a `spec_hash`, only the hashes are known.
    """

    spec_hash: str
    manifest_sha256: str
    model_sha256: str
    stamps: tuple[Stamp, Stamp]
    is_settled: bool


class Memory(msgspec.Struct, frozen=True):
    """Models by their folder. `basis` is the hash of the settings and the panel they were held against."""

    # Raised when a model that was found trained before might not be found so any more.
    version: Literal[1]
    basis: str
    models: dict[str, Verified]


_DECODER = msgspec.json.Decoder(Memory)


def recall(context: ModelContext) -> Memory:
    """What is remembered; under other settings or another panel than then, only the hashes of files."""
    basis = content_hash([context.info, context.training_hashes])
    memory = _read(context.layout.model_memory)
    if memory is None:
        return Memory(1, basis, {})
    if memory.basis == basis:
        return memory
    models = {folder: msgspec.structs.replace(one, spec_hash="") for folder, one in memory.models.items()}
    return Memory(1, basis, models)


def remember(memory: Memory, context: ModelContext) -> None:
    """Keep `memory`, but for models that are gone, if it can be written."""
    models = context.layout.models
    there = {folder: one for folder, one in memory.models.items() if (models / folder).is_dir()}
    with suppress(OSError, LinkError):
        write_atomic(
            context.layout.model_memory, msgspec.json.encode(Memory(1, memory.basis, there), order="sorted")
        )


def _read(path: Path) -> Memory | None:
    try:
        refuse_links(path)
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            return None
        return _DECODER.decode(path.read_bytes())
    except (OSError, LinkError, msgspec.DecodeError, UnicodeDecodeError):
        return None
