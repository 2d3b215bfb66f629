"""pages.json: what the pages of a plan were made from, so that none is drawn only to see that it stands."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec

import foxml_assets
from foxml_assets.core.hashing import bytes_hash, canonical_json, content_hash, file_hash
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.storage.exact_json import decode_json

NOTE_NAME = "pages.json"


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    made_from: str
    sha256: Mapping[str, str]


def pages_source(json_sha256: str, output: Output) -> str:
    """Hash of what makes the pages: the plan's JSON, how much of it they may show, and the program itself."""
    return content_hash([json_sha256, output.model_dump(mode="json"), _program_hash()])


def pages_note(made_from: str, pages: Mapping[str, bytes]) -> bytes:
    """The file for `pages`, by name."""
    return canonical_json(_Note(made_from, {name: bytes_hash(page) for name, page in pages.items()})) + b"\n"


def standing_pages(folder: Path, made_from: str) -> frozenset[str]:
    """The files of `folder` that are note and pages; none where a page is another than was made from that."""
    try:
        note = decode_json((folder / NOTE_NAME).read_bytes(), _Note)
        if note.made_from != made_from or not all(
            file_hash(folder / name) == digest for name, digest in note.sha256.items()
        ):
            return frozenset()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, msgspec.DecodeError):
        return frozenset()
    return frozenset({NOTE_NAME, *note.sha256})


@cache
def _program_hash() -> str:
    """Of all modules and templates of this package, as any may have a word in a page, and of what draws."""
    package = Path(foxml_assets.__file__).parent
    files = (path for kind in ("*.py", "*.md.j2") for path in package.rglob(kind))
    program = {path.relative_to(package).as_posix(): file_hash(path) for path in files}
    return content_hash([program, version("jinja2"), version("matplotlib")])
