"""Everything that is wrong with a JSON document of a known type, each problem with its JSON path.

The fast decoder stops at the first problem, and passes over duplicate keys. This is the slow reader
that runs once a document is known to be bad.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec.inspect as mi

from foxml_assets.core.errors import Problem

MAX_PROBLEMS = 1_000


@dataclass(frozen=True)
class _Object:
    values: dict[str, object]
    duplicates: tuple[str, ...]


@dataclass(frozen=True)
class _NotANumber:
    literal: str


def find_problems(raw: bytes, expected: mi.Type) -> tuple[Problem, ...]:
    """The problems of `raw` against `expected`, at most MAX_PROBLEMS; empty if it is valid."""
    try:
        document = json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_NotANumber)
    except UnicodeDecodeError as error:
        return (Problem("$", f"is not UTF-8 text from byte {error.start} on"),)
    except json.JSONDecodeError as error:
        what = f"is not JSON: {error.msg} at byte {error.pos} of {len(raw)}; the file may be cut off"
        return (Problem("$", what, line=error.lineno),)
    except (ValueError, RecursionError) as error:
        return (Problem("$", f"cannot be read: {error}"),)
    return tuple(islice(_check(document, expected, "$"), MAX_PROBLEMS))


def _object(pairs: Sequence[tuple[str, object]]) -> _Object:
    values = dict(pairs)
    if len(values) == len(pairs):
        return _Object(values, ())
    counts = Counter(key for key, _ in pairs)
    return _Object(values, tuple(key for key, count in counts.items() if count > 1))


def _check(value: object, expected: mi.Type, path: str) -> Iterator[Problem]:
    if isinstance(expected, mi.Metadata):
        yield from _check(value, expected.type, path)
        yield from _check_name(value, expected, path)
    elif isinstance(expected, mi.UnionType):
        options = [option for option in expected.types if not isinstance(option, mi.NoneType)]
        if value is not None:
            yield from _check(value, options[0], path)
    elif isinstance(expected, mi.StructType):
        yield from _check_struct(value, expected, path)
    elif isinstance(expected, mi.DictType):
        yield from _check_dict(value, expected, path)
    elif isinstance(expected, mi.VarTupleType):
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _check(item, expected.item_type, f"{path}[{index}]")
        else:
            yield Problem(path, "must be an array", _shown(value))
    else:
        yield from _check_scalar(value, expected, path)


def _check_struct(value: object, expected: mi.StructType, path: str) -> Iterator[Problem]:
    if not isinstance(value, _Object):
        yield Problem(path, "must be an object", _shown(value))
        return
    yield from _duplicates(value, path)
    fields = {field.encode_name: field for field in expected.fields}
    for name in value.values.keys() - fields.keys():
        yield Problem(_child(path, name), "is not a known field")
    for name, field in fields.items():
        if name in value.values:
            yield from _check(value.values[name], field.type, _child(path, name))
        elif field.required:
            yield Problem(_child(path, name), "is missing")


def _check_dict(value: object, expected: mi.DictType, path: str) -> Iterator[Problem]:
    if not isinstance(value, _Object):
        yield Problem(path, "must be an object", _shown(value))
        return
    yield from _duplicates(value, path)
    for key, item in value.values.items():
        yield from _check(key, expected.key_type, f"{_child(path, key)} (key)")
        yield from _check(item, expected.value_type, _child(path, key))


def _check_name(value: object, expected: mi.Metadata, path: str) -> Iterator[Problem]:
    """A name that must be `known`, if the type says by what."""
    if isinstance(value, str) and expected.extra and "known" in expected.extra:
        try:
            expected.extra["known"](value)
        except ValueError as error:
            yield Problem(path, str(error), value)


def _check_scalar(value: object, expected: mi.Type, path: str) -> Iterator[Problem]:
    what = ""
    if isinstance(expected, mi.StrType):
        what = _string_problem(value, expected.pattern)
    elif isinstance(expected, mi.EnumType):
        words = [str(member.value) for member in expected.cls]
        what = "" if value in words else f"must be one of {', '.join(words)}"
    elif isinstance(expected, mi.LiteralType):
        is_equal = any(value == option and type(value) is type(option) for option in expected.values)
        what = "" if is_equal else f"must be {' or '.join(map(str, expected.values))}"
    elif isinstance(expected, mi.IntType):
        what = _integer_problem(value, expected.ge)
    elif isinstance(expected, mi.FloatType):
        what = "" if _is_finite(value) else "must be a finite number"
    else:
        raise TypeError(f"no rule for {expected}")
    if what:
        yield Problem(path, what, _shown(value))


def _string_problem(value: object, pattern: str | None) -> str:
    if not isinstance(value, str):
        return "must be a string"
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return "holds half of a surrogate pair"
    return f"must match {pattern}" if pattern is not None and not re.search(pattern, value) else ""


def _integer_problem(value: object, minimum: int | None) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        return "must be an integer"
    if abs(value) >= 2**63:
        return "is out of range"
    return f"must be at least {minimum}" if minimum is not None and value < minimum else ""


def _is_finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _duplicates(value: _Object, path: str) -> Iterator[Problem]:
    for key in value.duplicates:
        yield Problem(_child(path, key), "stands twice")


def _child(path: str, name: str) -> str:
    return f"{path}.{name}" if re.fullmatch(r"\w+", name) else f"{path}[{json.dumps(name)}]"


def _shown(value: object) -> object:
    if isinstance(value, _NotANumber):
        return value.literal
    if isinstance(value, _Object):
        return "an object"
    return "an array" if isinstance(value, list) else "null" if value is None else value
