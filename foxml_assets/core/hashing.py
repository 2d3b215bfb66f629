"""Content hashes: the same value gives the same hash on every machine, in every order of insertion."""

import hashlib
from pathlib import Path

import msgspec

_CHUNK = 1 << 20


def canonical_json(value: object) -> bytes:
    """`value` (builtins, dataclasses, msgspec structs, enums) as compact JSON with sorted keys."""
    return msgspec.json.encode(value, order="sorted")


def content_hash(value: object) -> str:
    """SHA-256 (hex) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def bytes_hash(data: bytes) -> str:
    """SHA-256 (hex) of `data`."""
    return hashlib.sha256(data).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
