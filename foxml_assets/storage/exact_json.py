"""JSON files of this project's own: decoded into their type, with no field lost, added or misspelt."""

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import msgspec

from foxml_assets.core.errors import Problem
from foxml_assets.core.hashing import canonical_json

Content = TypeVar("Content")


def decode_json(raw: bytes | str, kind: type[Content]) -> Content:
    """The value in `raw`. Raises msgspec.DecodeError, also for bytes that are no text and endless nesting."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def decode_exactly(raw: bytes, kind: type[Content]) -> tuple[Content, tuple[Problem, ...]]:
    """The value in `raw`, and every field that its records have and `raw` lacks, or the other way round.

    A dataclass would be decoded with its defaults for lost fields, and without unknown ones. Raises
    msgspec.DecodeError.
    """
    value = decode_json(raw, kind)
    # Nearly every file is as this project wrote it, which is seen in a third of the time of a comparison.
    if msgspec.json.format(raw, indent=-1) == canonical_json(value):
        return value, ()
    problems: list[Problem] = []
    _compare(decode_json(raw, object), value, "$", problems)
    return value, tuple(problems)


def _compare(found: object, value: object, path: str, problems: list[Problem]) -> None:
    # Evidence has a record per pair: only what holds records is looked into.
    if isinstance(found, dict):
        names = _fields(type(value))  # type: ignore[arg-type]
        if names is not None and names != found.keys():
            lost = set() if _omits_defaults(type(value)) else names - found.keys()
            # A field that may be unset is absent on purpose.
            lost = {name for name in lost if getattr(value, name) is not msgspec.UNSET}
            problems += [Problem(f"{path}.{name}", "is missing") for name in sorted(lost)]
            unknown = sorted(found.keys() - names)
            problems += [Problem(f"{path}.{name}", "is not a known field") for name in unknown]
        for name, item in found.items():
            if isinstance(item, dict | list):
                inner = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
                _compare(item, inner, f"{path}.{name}", problems)
    elif isinstance(found, list) and isinstance(value, Sequence):
        for at, (one, other) in enumerate(zip(found, value, strict=True)):
            if isinstance(one, dict | list):
                _compare(one, other, f"{path}[{at}]", problems)


@cache
def _fields(kind: type) -> frozenset[str] | None:
    """The names of a record's fields; None for what is no record."""
    if dataclasses.is_dataclass(kind):
        return frozenset(field.name for field in dataclasses.fields(kind))
    return frozenset(kind.__struct_fields__) if issubclass(kind, msgspec.Struct) else None


def _omits_defaults(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct) and kind.__struct_config__.omit_defaults
