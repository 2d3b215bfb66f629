"""The columns of routing's tables: how they are held and hashed, and words as small integers, so that rules
run on whole columns. The code of a word is its position in its enum."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.hashing import canonical_json

Bools: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int8]
Index: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = pd.Categorical | npt.NDArray[Any] | pd.arrays.IntegerArray

NULL = -1
UNREADABLE = -2


class Kind(Enum):
    """How a column is held: categories of strings, floats, nullable integers, or booleans."""

    TEXT = "category"
    FLOAT = "float64"
    COUNT = "Int64"
    FLAG = "bool"


@dataclass(frozen=True)
class Column:
    """`holds`: the words that its texts may be, or the type that they are JSON of. `always`: it is null in no
    row, so a record without it is damaged."""

    name: str
    meaning: str
    holds: object = None
    always: bool = False
    kind: Kind = Kind.TEXT


real, count, flag = (partial(Column, kind=kind) for kind in (Kind.FLOAT, Kind.COUNT, Kind.FLAG))
# They stand so in every table.
FAMILY_COLUMNS = (
    Column("successful_families", "model families that fitted, joined by a vertical bar"),
    Column("failed_families", "model families that failed, joined by a vertical bar"),
    Column("families", "model families whose mean the evidence found best, joined by a vertical bar"),
)
FAMILY_NAMES = tuple(column.name for column in FAMILY_COLUMNS)


def frame(columns: Sequence[Column], values: dict[str, Values]) -> pd.DataFrame:
    """The table of `columns` in their order; counts may be given as numbers with NaN for null.

    Categories are the words in use, sorted, so that equal tables are equal in every form.
    """
    return pd.DataFrame({one.name: _held(values[one.name], one.kind) for one in columns}, copy=False)


def _held(values: Values, kind: Kind) -> Values:
    if isinstance(values, pd.Categorical):
        return tidy(values)
    if kind is not Kind.COUNT or isinstance(values, pd.arrays.IntegerArray):
        return values
    missing = np.isnan(values)
    return pd.arrays.IntegerArray(np.where(missing, 0, values).astype(np.int64), missing)


def code(word: StrEnum) -> int:
    """The position of `word` in its enum."""
    return list(type(word)).index(word)


def plain(words: Iterable[str]) -> pd.Index:
    """`words` as categories of plain strings, whatever enum they are of."""
    return pd.Index([str(word) for word in words], dtype=object)


def positions(column: pd.Series, words: Iterable[str]) -> Index:
    """The position in `words` of each row of a categorical column: NULL where it is null or another word."""
    return np.asarray(column.cat.set_categories(plain(words)).cat.codes, dtype=np.int64)


def codes_of(column: pd.Series, vocabulary: type[StrEnum]) -> Codes:
    """Codes of a categorical column: NULL where it is null, UNREADABLE where the word is not known."""
    # `positions` gives NULL to unknown words as well; they are told apart by what the column held.
    codes = positions(column, vocabulary)
    return np.where((codes == NULL) & column.notna(), UNREADABLE, codes).astype(np.int8)


def decode(codes: npt.NDArray[np.integer], words: Iterable[str]) -> pd.Categorical:
    """A categorical column from codes; negative codes become null."""
    return pd.Categorical.from_codes(np.where(codes < 0, NULL, codes), categories=plain(words))


def category(texts: Sequence[str | None], at: npt.NDArray[np.integer] | None = None) -> pd.Categorical:
    """A category column of `texts`, which may repeat, or of those at the positions `at`.

    Null for None, and for position -1.
    """
    # Position -1 picks the None at the end.
    codes, words = pd.factorize(np.array([*texts, None], dtype=object))
    return decode(codes[:-1] if at is None else codes[at], words)


def tidy(column: pd.Categorical) -> pd.Categorical:
    """The same column with the words in use as its categories, as plain strings, sorted."""
    names, codes = [str(word) for word in column.categories], column.codes
    # Null, code -1, is counted at 0, so the words at 1 and after.
    counts = np.bincount(np.asarray(codes, dtype=np.int64) + 1, minlength=len(names) + 1)
    used = sorted(np.flatnonzero(counts[1:]).tolist(), key=names.__getitem__)
    # The new position of each word; one place more, so that null finds itself at the end.
    place = np.full(len(names) + 1, NULL)
    place[used] = np.arange(len(used))
    return decode(place[codes], (names[at] for at in used))


def floats(column: pd.Series) -> Floats:
    """A numeric column as floats, NaN for null."""
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def frame_hash(table: pd.DataFrame, columns: Sequence[str]) -> str:
    """SHA-256 (hex) of the named columns, in this order, row order included.

    It is the same for categories, plain strings and any category order.
    """
    digest = hashlib.sha256()
    for name in columns:
        # Name and length before the values: no value can be taken for one of another column.
        digest.update(canonical_json([name, len(table)]))
        for part in _column_parts(table[name]):
            digest.update(part)
    return digest.hexdigest()


def _column_parts(column: pd.Series) -> list[bytes | memoryview]:
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column.dtype):
        return _text_parts(column)
    if column.dtype == np.bool_:
        return [column.to_numpy(dtype=np.uint8).data]
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype="<f8") + 0.0  # makes -0.0 and 0.0 one value
        missing = np.isnan(values)
        # NaN has many bit patterns, of which one is hashed.
        return [b"null"] if missing.all() else [np.where(missing, np.nan, values).astype("<f8").data]
    missing = column.isna().to_numpy()
    # A null counts as 0 here and as a bit of the mask behind: 0 and null differ.
    integers = column.fillna(0).to_numpy(dtype="<i8")
    return [integers.data, np.packbits(missing).data]


def _text_parts(column: pd.Series) -> list[bytes | memoryview]:
    text = tidy(pd.Categorical(column))
    # The codes of 127 words at most, -1 for null included, fit into a byte.
    width = "<i1" if len(text.categories) < 2**7 else "<i4"
    return [canonical_json(list(text.categories)), text.codes.astype(width).data]
