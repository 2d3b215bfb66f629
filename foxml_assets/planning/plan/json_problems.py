"""Everything that is wrong with a JSON document of a known type, each problem with its JSON path.

The fast decoder stops at the first problem, and passes over duplicate keys. This is the slow reader
that runs once a document is known to be bad.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

import msgspec.inspect as mi

from foxml_assets.core.errors import Problem

MAX_PROBLEMS = 1_000

# Where a value stands: its container's place and its key or index there; None is the document.
# Most values are right, so that only few places are ever written out.
_Place = tuple["_Place", str | int] | None
_SCALARS = (mi.StrType, mi.EnumType, mi.LiteralType, mi.IntType, mi.FloatType)


class _Repeating(dict[str, object]):
    """An object of JSON in which a key stands more than once."""

    repeated: tuple[str, ...] = ()


@dataclass(frozen=True)
class _NotANumber:
    literal: str


def find_problems(raw: bytes, expected: mi.Type) -> tuple[Problem, ...]:
    """The problems of `raw` against `expected`, at most MAX_PROBLEMS; empty if it is valid.

    It takes up to a third of a second, and thirty times the size in memory, per megabyte.
    """
    try:
        document = json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_NotANumber)
    except UnicodeDecodeError as error:
        return (Problem("$", f"is not UTF-8 text from byte {error.start} on"),)
    except json.JSONDecodeError as error:
        what = f"is not JSON: {error.msg} at byte {error.pos} of {len(raw)}; the file may be cut off"
        return (Problem("$", what, line=error.lineno),)
    except (ValueError, RecursionError) as error:
        return (Problem("$", f"cannot be read: {error}"),)
    return tuple(islice(_check(document, expected, None), MAX_PROBLEMS))


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    repeating = _Repeating(values)
    repeating.repeated = tuple(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return repeating


def _check(value: object, expected: mi.Type, at: _Place) -> Iterable[Problem]:
    if isinstance(expected, _SCALARS):
        what = _scalar_problem(value, expected)
        return (_problem(at, what, value),) if what else ()
    if isinstance(expected, mi.UnionType):
        # The model has no unions but with None.
        options = [option for option in expected.types if not isinstance(option, mi.NoneType)]
        return () if value is None else _check(value, options[0], at)
    if isinstance(expected, mi.Metadata):
        return chain(_check(value, expected.type, at), _check_name(value, expected, at))
    if isinstance(expected, mi.VarTupleType):
        return _check_array(value, expected.item_type, at)
    if isinstance(expected, mi.StructType):
        return _check_struct(value, expected, at)
    if isinstance(expected, mi.DictType):
        return _check_dict(value, expected, at)
    raise TypeError(f"no rule for {expected}")


def _check_array(value: object, item_type: mi.Type, at: _Place) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _problem(at, "must be an array", value)
        return
    for index, item in enumerate(value):
        yield from _check(item, item_type, (at, index))


def _check_struct(value: object, expected: mi.StructType, at: _Place) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _problem(at, "must be an object", value)
        return
    yield from _duplicates(value, at)
    fields = {field.encode_name: field for field in expected.fields}
    for name in value:
        if name not in fields:
            yield Problem(_path((at, name)), "is not a known field")
    for name, field in fields.items():
        if name in value:
            yield from _check(value[name], field.type, (at, name))
        elif field.required:
            yield Problem(_path((at, name)), "is missing")


def _check_dict(value: object, expected: mi.DictType, at: _Place) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _problem(at, "must be an object", value)
        return
    yield from _duplicates(value, at)
    for key, item in value.items():
        for problem in _check(key, expected.key_type, (at, key)):
            yield replace(problem, field=f"{problem.field} (key)")
        yield from _check(item, expected.value_type, (at, key))


def _check_name(value: object, expected: mi.Metadata, at: _Place) -> Iterator[Problem]:
    """A name that must be `known`, if the type says by what."""
    if isinstance(value, str) and expected.extra and "known" in expected.extra:
        try:
            expected.extra["known"](value)
        except ValueError as error:
            yield _problem(at, str(error), value)


def _scalar_problem(value: object, expected: mi.Type) -> str:
    if isinstance(expected, mi.StrType):
        return _string_problem(value, expected.pattern)
    if isinstance(expected, mi.EnumType):
        words = [str(member.value) for member in expected.cls]
        return "" if value in words else f"must be one of {', '.join(words)}"
    if isinstance(expected, mi.LiteralType):
        is_equal = any(value == option and type(value) is type(option) for option in expected.values)
        return "" if is_equal else f"must be {' or '.join(map(str, expected.values))}"
    if isinstance(expected, mi.IntType):
        return _integer_problem(value, expected.ge)
    return "" if _is_finite(value) else "must be a finite number"


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


def _duplicates(value: dict[str, object], at: _Place) -> Iterator[Problem]:
    if isinstance(value, _Repeating):
        for key in value.repeated:
            yield Problem(_path((at, key)), "stands twice")


def _problem(at: _Place, what: str, value: object) -> Problem:
    return Problem(_path(at), what, _shown(value))


def _path(at: _Place) -> str:
    if at is None:
        return "$"
    container, name = at
    if isinstance(name, int):
        return f"{_path(container)}[{name}]"
    child = f".{name}" if re.fullmatch(r"\w+", name) else f"[{json.dumps(name)}]"
    return f"{_path(container)}{child}"


def _shown(value: object) -> object:
    if isinstance(value, _NotANumber):
        return value.literal
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else "null" if value is None else value
