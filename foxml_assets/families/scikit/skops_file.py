"""Objects of scikit-learn as bytes: the format of skops, the same bytes every time, the listed types alone.

A file is a zip archive of `schema.json`, a tree of nodes that each name their type, and of the arrays that
nodes name. Neither it nor what reads it can execute anything: a type is looked up by name, and all names are
held against a list before.
"""

import json
import threading
import zlib
from collections.abc import Iterator
from io import BytesIO
from tokenize import TokenError
from typing import TypeAlias
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

# What reading bytes that are no such file, or not whole, raises; zipfile does not implement every packing.
UNREADABLE = (
    AttributeError,
    BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    TokenError,
    TypeError,
    ValueError,
    zlib.error,
)

_SCHEMA = "schema.json"
# numpy parses the head of each array as Python, which CPython 3.11 does not do soundly on several threads at
# once (its issue 106905): a SystemError, once in thousands of models.
_ONE_AT_A_TIME = threading.Lock()


def to_bytes(value: object) -> bytes:
    """`value` as a file.

    skops names objects and arrays by their addresses, and puts the time into the archive. Here arrays are
    named in the order of their appearance, equal ones alike, and every time is that of an empty archive.
    """
    import skops.io

    arrays: dict[bytes, str] = {}
    whole = BytesIO()
    with ZipFile(BytesIO(skops.io.dumps(value))) as written, ZipFile(whole, "w") as archive:
        schema = _without_addresses(json.loads(written.read(_SCHEMA)), written, arrays)
        _add(archive, _SCHEMA, json.dumps(schema, separators=(",", ":")).encode())
        for content, name in arrays.items():
            _add(archive, name, content)
    return whole.getvalue()


def from_bytes(content: bytes, types: frozenset[str]) -> object:
    """What `to_bytes` wrote. Raises one of UNREADABLE, for a type that is not among `types` ValueError."""
    import skops.io

    with ZipFile(BytesIO(content)) as archive:
        others = set(_types(json.loads(archive.read(_SCHEMA)))) - types
    if others:
        raise ValueError(f"it holds types that no such model has: {', '.join(sorted(others)[:5])}")
    with _ONE_AT_A_TIME:
        return skops.io.loads(content, trusted=sorted(types))


def _add(archive: ZipFile, name: str, content: bytes) -> None:
    archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)


def _without_addresses(node: Json, written: ZipFile, arrays: dict[bytes, str]) -> Json:
    if isinstance(node, list):
        return [_without_addresses(child, written, arrays) for child in node]
    if not isinstance(node, dict):
        return node
    kept: dict[str, Json] = {}
    for key, child in node.items():
        if key == "file" and isinstance(child, str):
            # Named by how many there are before; equal content has the name it already has.
            kept[key] = arrays.setdefault(written.read(child), f"{len(arrays)}.npy")
        elif key != "__id__":
            kept[key] = _without_addresses(child, written, arrays)
    return kept


def _types(node: Json) -> Iterator[str]:
    children: Iterator[Json] = iter(())
    if isinstance(node, dict):
        if "__class__" in node:
            yield f"{node.get('__module__')}.{node['__class__']}"
        children = iter(node.values())
    elif isinstance(node, list):
        children = iter(node)
    for child in children:
        yield from _types(child)
