"""Tables as JSON records and back: null and false values are left out, text keeps its categories."""

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Annotated, Any, cast

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.routing.candidates.table_columns import Column, Kind, Values, counts, decode, frame

_PYTHON_TYPE: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.FLOAT: float | None,
    # As many as a float holds without a gap.
    Kind.COUNT: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None,
    Kind.FLAG: bool,
}


def record_type(name: str, columns: Sequence[Column]) -> type[msgspec.Struct]:
    """A struct to write, with a field per column; null and false are left out."""
    fields = [(column.name, _PYTHON_TYPE[column.kind], _default(column)) for column in columns]
    return msgspec.defstruct(name, fields, frozen=True, omit_defaults=True)


def strict_record_type(
    name: str, columns: Sequence[Column], *, nested: str | None = None
) -> type[msgspec.Struct]:
    """A struct to read what `record_type` wrote: no field is unknown, and those of `always` are there.

    `nested` adds a field of undecoded JSON.
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        (column.name, str) if column.always else (column.name, _PYTHON_TYPE[column.kind], _default(column))
        for column in columns
    ]
    if nested is not None:
        fields.append((nested, msgspec.Raw))
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


def _default(column: Column) -> bool | None:
    return False if column.kind is Kind.FLAG else None


def to_records(
    struct: type[msgspec.Struct], columns: Sequence[Column], table: pd.DataFrame
) -> list[msgspec.Struct]:
    """The rows of `table` as structs of a type from `record_type`."""
    construct = cast("Callable[..., msgspec.Struct]", struct)
    return list(map(construct, *(_values(table[column.name], column.kind) for column in columns)))


def _values(column: pd.Series, kind: Kind) -> Sequence[object]:
    if kind is Kind.TEXT:
        # Code -1 picks the None at the end.
        words = np.array([*column.cat.categories, None], dtype=object)
        return cast("list[object]", words[column.cat.codes.to_numpy()].tolist())
    if kind is Kind.FLAG:
        return column.tolist()
    missing = column.isna().to_numpy()
    if missing.all():
        return list(repeat(None, len(column)))
    if not missing.any():
        return column.to_numpy(dtype=np.int64 if kind is Kind.COUNT else np.float64).tolist()
    filled = column.fillna(0).to_numpy(dtype=np.int64 if kind is Kind.COUNT else np.float64).astype(object)
    filled[missing] = None
    return cast("list[object]", filled.tolist())


class TableBuilder:
    """Collects records batch by batch into the columns of one table."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._words: dict[str, dict[str, int]] = {column.name: {} for column in columns}
        self._parts: dict[str, list[npt.NDArray[Any]]] = {column.name: [] for column in columns}

    def add(self, records: Sequence[msgspec.Struct]) -> None:
        """Append the rows of `records`."""
        for column in self._columns:
            values = list(map(attrgetter(column.name), records))
            self._parts[column.name].append(self._encoded(column, values))

    def build(self) -> pd.DataFrame:
        """The table of everything added."""
        return frame(self._columns, {column.name: self._joined(column) for column in self._columns})

    def _encoded(self, column: Column, values: list[Any]) -> npt.NDArray[Any]:
        if column.kind is Kind.FLAG:
            return np.array(values, dtype=np.bool_)
        if column.kind is not Kind.TEXT:
            # None becomes NaN. Counts are floats until they are joined, as integers know no NaN.
            return np.array(values, dtype=np.float64)
        # Words are numbered over all batches, as uniting a category of each batch takes twice as long.
        words = self._words[column.name]
        codes, found = pd.factorize(np.array([*values, None], dtype=object)[:-1])
        # From the batch's codes to those of all batches; -1, for None, picks the -1 at the end.
        table = np.array([*(words.setdefault(word, len(words)) for word in found), -1], dtype=np.int64)
        return table[codes]

    def _joined(self, column: Column) -> Values:
        values = np.concatenate(self._parts[column.name] or [self._encoded(column, [])])
        if column.kind is Kind.TEXT:
            return decode(values, self._words[column.name])
        return counts(values) if column.kind is Kind.COUNT else values
