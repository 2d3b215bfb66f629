"""Foreign JSON: values by path, with the type checked, since any of it may be missing or wrong."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

JsonObject: TypeAlias = Mapping[str, object]
# Numbers of fewer digits fit into 64 bits.
_MAX_DIGITS = 19


def read_object(path: Path) -> JsonObject:
    """The JSON object in a file; NaN and Infinity are read as numbers. Raises ValueError or OSError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_int=_whole)
    except RecursionError as error:
        raise ValueError(f"is nested too deeply: {error}") from error
    if not isinstance(content, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - wrong content, not a wrong argument
    return content


def _whole(digits: str) -> float:
    """A number that any other can be compared with: as a float where it has more digits than one holds."""
    return int(digits) if len(digits) < _MAX_DIGITS else float(digits)


def member(content: JsonObject, key: str) -> JsonObject:
    """The object under `key`; empty if there is none."""
    value = content.get(key)
    return value if isinstance(value, dict) else {}


def members(content: JsonObject, key: str) -> list[JsonObject]:
    """The objects in the list under `key`."""
    value = content.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def number(content: JsonObject, *keys: str) -> float | None:
    """The first of `keys` that holds a number."""
    for key in keys:
        value = content.get(key)
        # JSON's true and false are whole numbers to Python.
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def text(content: JsonObject, *keys: str) -> str | None:
    """The first of `keys` that holds text."""
    return next((value for key in keys if isinstance(value := content.get(key), str) and value), None)


def texts(content: JsonObject, key: str) -> list[str]:
    """The texts in the list under `key`."""
    value = content.get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
