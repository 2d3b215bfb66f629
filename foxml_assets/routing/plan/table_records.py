"""Tables as JSON records and back: null and false values are left out, text keeps its categories."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Any, cast

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.errors import Problem
from foxml_assets.routing.candidates.table_columns import Column, Kind, Values, category, frame
from foxml_assets.storage.exact_json import decode_json

_PYTHON_TYPE: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.FLOAT: float | None,
    # As many as a float holds without a gap.
    Kind.COUNT: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None,
    Kind.FLAG: bool,
}


def record_type(
    name: str, columns: Sequence[Column], *more: tuple[str, Any], strict: bool = False
) -> type[msgspec.Struct]:
    """A struct with a field per column, of which null and false are left out, and the fields `more`.

    A `strict` one is to read: no field is unknown, and those of columns that are never null are there.
    """
    fields: list[Any] = [
        (column.name, str)
        if strict and column.always
        else (column.name, _PYTHON_TYPE[column.kind], False if column.kind is Kind.FLAG else None)
        for column in columns
    ]
    return msgspec.defstruct(
        name,
        [*fields, *more],
        frozen=True,
        omit_defaults=True,
        # Fields that must be there may then stand behind those that need not.
        kw_only=strict,
        forbid_unknown_fields=strict,
        # A record holds no other that holds it, so nothing need look for cycles in a million of them.
        gc=False,
    )


def to_records(
    struct: type[msgspec.Struct], columns: Sequence[Column], table: pd.DataFrame
) -> list[msgspec.Struct]:
    """The rows of `table` as structs of a type from `record_type`."""
    construct = cast("Callable[..., msgspec.Struct]", struct)
    return list(map(construct, *(_objects(table[column.name]) for column in columns)))


def _objects(column: pd.Series) -> list[object]:
    missing = column.isna().to_numpy()
    if not missing.any():
        return column.tolist()
    objects = column.to_numpy(dtype=object, copy=True)
    objects[missing] = None
    return cast("list[object]", objects.tolist())


def from_records(columns: Sequence[Column], records: Sequence[msgspec.Struct]) -> pd.DataFrame:
    """The table of `records`, which have a field per column."""
    values: dict[str, Values] = {}
    for column in columns:
        held = list(map(attrgetter(column.name), records))
        # None becomes NaN, also in counts, which are floats until they stand in the table.
        dtype = np.bool_ if column.kind is Kind.FLAG else np.float64
        values[column.name] = category(held) if column.kind is Kind.TEXT else np.array(held, dtype=dtype)
    return frame(columns, values)


def unreadable_texts(table: pd.DataFrame, columns: Sequence[Column]) -> tuple[Problem, ...]:
    """The texts in `table` that no router writes, and nulls where there is always one."""
    problems: list[Problem] = []
    for column in columns:
        if column.kind is not Kind.TEXT:
            continue
        held = table[column.name]
        missing = int(held.isna().sum()) if column.always else 0
        problems += [Problem(column.name, "has empty values", missing)] if missing else []
        # Each distinct text is read once, however many rows share it.
        wrong = ((text, _wrong(column.holds, text)) for text in held.cat.categories)
        problems += [Problem(column.name, what, text) for text, what in wrong if what]
    return tuple(problems)


def _wrong(holds: object, text: str) -> str:
    """What keeps a text from being what its column holds: a word of a vocabulary, or JSON of a type."""
    if isinstance(holds, type) and issubclass(holds, StrEnum):
        return "" if text in set(holds) else f"must be one of {', '.join(holds)}"
    try:
        if holds is not None:
            decode_json(text, cast("type[object]", holds))
    except msgspec.DecodeError as error:
        return f"cannot be read: {error}"
    return ""
