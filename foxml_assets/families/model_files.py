"""Model files: written durably, and verified before a library may parse them."""

from pathlib import Path

from foxml_assets.core.errors import Problem, TrainingError
from foxml_assets.core.hashing import bytes_hash
from foxml_assets.storage.files import write_within


def write_model(path: Path, content: bytes) -> str:
    """Write `content` into a model's folder and return its SHA-256 (hex). Raises OSError and LinkError."""
    write_within(path, content)
    return bytes_hash(content)


def read_model(path: Path, sha256: str) -> bytes:
    """The bytes of `path`, if they have that SHA-256. Raises TrainingError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"the model cannot be read: {error}", file=path, fix="train it again") from error
    found = bytes_hash(content)
    if found != sha256:
        raise TrainingError(
            "the model file is not the one that was trained",
            file=path,
            problems=[Problem("sha256", f"should be {sha256}", found)],
            fix="train it again",
        )
    return content
