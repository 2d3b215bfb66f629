"""Target and symbol names as path segments and partition keys. Names are hostile input."""

import hashlib
import re
from enum import Enum
from urllib.parse import quote

from foxml_assets.errors import Problem, UnsafeNameError

_MAX_SEGMENT = 120
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


class NativeCase(Enum):
    """The case in which a kind of name is normally written; other letters are marked with a hash."""

    LOWER = "lower"
    UPPER = "upper"


def target_segment(target: str) -> str:
    """`target` as one path segment: unique, also where the file system folds case.

    Raises UnsafeNameError if the name is not encodable as UTF-8.
    """
    return _segment(target, NativeCase.LOWER)


def symbol_segment(symbol: str) -> str:
    """`symbol` as one path segment: unique, also where the file system folds case.

    Raises UnsafeNameError if the name is not encodable as UTF-8.
    """
    return _segment(symbol, NativeCase.UPPER)


def short_hash(name: str) -> str:
    """The first 8 hex digits of the SHA-256 of `name`."""
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def check_partition_name(name: str, *, field: str) -> str:
    """`name`, if it can stand in a Dagster partition key.

    Raises UnsafeNameError for an empty name, `|`, control characters, blanks at either end, or
    text that UTF-8 cannot encode.
    """
    what = ""
    if not name:
        what = "is empty"
    elif name != name.strip():
        what = "begins or ends with a blank"
    elif "|" in name:
        what = "holds '|', which separates target and symbol in partition keys"
    elif not name.isprintable():
        what = "holds control or unprintable characters"
    if what:
        problem = Problem(field, what, name)
        raise UnsafeNameError("a name cannot be used", problems=[problem], fix="rename it in the panel")
    return name


def pair_key(target: str, symbol: str) -> str:
    """The partition key `<target>|<symbol>`. Raises UnsafeNameError as `check_partition_name`."""
    return f"{check_partition_name(target, field='target')}|{check_partition_name(symbol, field='symbol')}"


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
