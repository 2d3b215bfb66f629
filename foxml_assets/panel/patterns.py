"""Names chosen by exact name, glob or regular expression."""

import difflib
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

from foxml_assets.core.errors import PanelError, Problem

_REGEX = "re:"

Value = TypeVar("Value")


def matches(name: str, pattern: str) -> bool:
    """Whether `pattern` chooses `name`. An exact name always chooses itself.

    Raises PanelError for a regular expression that does not compile.
    """
    if name == pattern:
        return True
    if not pattern.startswith(_REGEX):
        return fnmatchcase(name, pattern)
    try:
        return re.fullmatch(pattern.removeprefix(_REGEX), name) is not None
    except re.error as error:
        problem = Problem("pattern", f"is not a regular expression: {error}", pattern)
        raise PanelError("a column pattern is wrong", problems=[problem]) from error


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of `patterns` chooses `name`."""
    return any(matches(name, pattern) for pattern in patterns)


def unmatched(patterns: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """The patterns that choose none of `names`."""
    known = tuple(names)
    return tuple(pattern for pattern in patterns if not any(matches(name, pattern) for name in known))


def lookup(name: str, by_pattern: Mapping[str, Value]) -> Value | None:
    """The value of the exact name, else of the first pattern that chooses `name`, else None."""
    if name in by_pattern:
        return by_pattern[name]
    return next((value for pattern, value in by_pattern.items() if matches(name, pattern)), None)


def nearest(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """The few of `names` that `pattern` may have been meant to choose, the nearest first."""
    plain = re.sub(r"[^\w.]", "", pattern.removeprefix(_REGEX))
    return tuple(difflib.get_close_matches(plain, list(names), n=3, cutoff=0.5))
