"""Target and symbol names as path segments and partition keys. Names are hostile input."""

import hashlib
import re
from enum import Enum
from functools import lru_cache
from urllib.parse import quote

from foxml_assets.core.errors import Problem, UnsafeNameError

_MAX_SEGMENT = 120
_MAX_KEPT = 1 << 16
# One of the few signs that the Dagster UI reads as text in a typed selection of partitions and in its links.
_SEPARATOR = "@"
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


class NativeCase(Enum):
    """The case in which a kind of name is normally written; other letters are marked with a hash."""

    LOWER = "lower"
    UPPER = "upper"


@lru_cache(_MAX_KEPT)
def target_segment(target: str) -> str:
    """`target` as one path segment: unique, also where the file system folds case.

    Raises UnsafeNameError if the name is not encodable as UTF-8.
    """
    return _segment(target, NativeCase.LOWER)


@lru_cache(_MAX_KEPT)
def symbol_segment(symbol: str) -> str:
    """`symbol` as one path segment: unique, also where the file system folds case.

    Raises UnsafeNameError if the name is not encodable as UTF-8.
    """
    return _segment(symbol, NativeCase.UPPER)


def short_hash(name: str) -> str:
    """The first 8 hex digits of the SHA-256 of `name`."""
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def check_target_name(target: str) -> str:
    """`target`, if it can stand in a partition key.

    Raises UnsafeNameError for an empty name, `@`, `|`, control characters, blanks at either end, or
    text that UTF-8 cannot encode.
    """
    if _SEPARATOR in target:
        raise _unusable("target", f"holds '{_SEPARATOR}', which separates target and symbol in keys", target)
    return _check_key_part(target, "target")


def check_symbol_name(symbol: str) -> str:
    """`symbol`, if it can stand in a partition key. It may hold `@`: the first one of a key separates.

    Raises UnsafeNameError otherwise as `check_target_name`.
    """
    return _check_key_part(symbol, "symbol")


def pair_key(target: str, symbol: str) -> str:
    """The partition key `<target>@<symbol>`, unique to the pair. Raises UnsafeNameError."""
    return f"{check_target_name(target)}{_SEPARATOR}{check_symbol_name(symbol)}"


def pair_of(key: str) -> tuple[str, str | None]:
    """The target and symbol of a partition key; no symbol where it is a target alone."""
    target, separator, symbol = key.partition(_SEPARATOR)
    return target, symbol if separator else None


def _check_key_part(name: str, field: str) -> str:
    what = ""
    if not name:
        what = "is empty"
    elif name != name.strip():
        what = "begins or ends with a blank"
    elif "|" in name:
        what = "holds '|', at which the Dagster UI splits partition keys"
    elif not name.isprintable():
        what = "holds control or unprintable characters"
    if what:
        raise _unusable(field, what, name)
    return name


def _unusable(field: str, what: str, name: str) -> UnsafeNameError:
    problem = Problem(field, what, name)
    return UnsafeNameError("a name cannot be used", problems=[problem], fix="rename it in the panel")


def _segment(name: str, native: NativeCase) -> str:
    try:
        encoded = quote(name, safe="")
    except UnicodeEncodeError as error:
        problem = Problem("name", "is not valid Unicode text", name)
        raise UnsafeNameError("a name cannot become a path", problems=[problem], fix="rename it") from error
    # quote() leaves dots and tildes alone: dots could make `..`, tildes mark our own suffix.
    encoded = encoded.replace("~", "%7E")
    encoded = re.sub(r"^\.|\.$", "%2E", encoded)
    canonical = name.lower() if native is NativeCase.LOWER else name.upper()
    if name == canonical and 0 < len(encoded) <= _MAX_SEGMENT and not _WINDOWS_DEVICE.fullmatch(encoded):
        return encoded
    return f"{encoded[:_MAX_SEGMENT]}~{short_hash(name)}"
