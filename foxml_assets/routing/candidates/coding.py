"""Words as small integers: an enum's members in order, so that rules run on whole columns."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.vocabulary import SignalState

Bools: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int8]
Index: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

NULL = -1
UNREADABLE = -2

# Ascending, so that a higher code is a better state.
LEVELS: tuple[SignalState, ...] = (
    SignalState.DISALLOWED,
    SignalState.EXPERIMENTAL,
    SignalState.WEAK_BUT_OK,
    SignalState.STRONG,
)


def level(state: SignalState) -> int:
    """The code of a signal state: 0 (DISALLOWED) to 3 (STRONG)."""
    return LEVELS.index(state)


def code(word: StrEnum) -> int:
    """The position of `word` in its enum."""
    return list(type(word)).index(word)


def encode(column: pd.Series, vocabulary: type[StrEnum]) -> Codes:
    """Codes of a categorical column: NULL where it is null, UNREADABLE where the word is not known."""
    members = [str(word) for word in vocabulary]
    of_category = [members.index(word) if word in members else UNREADABLE for word in column.cat.categories]
    return np.array([*of_category, NULL], dtype=np.int8)[column.cat.codes.to_numpy()]


def decode(codes: npt.NDArray[np.integer], words: Sequence[str]) -> pd.Categorical:
    """A categorical column from codes; negative codes become null. Categories are plain strings."""
    clean = np.where(codes < 0, -1, codes)
    return pd.Categorical.from_codes(clean, categories=pd.Index([str(word) for word in words], dtype=object))


def tidy(column: pd.Categorical) -> pd.Categorical:
    """The same column with the words in use as its categories, as plain strings, sorted."""
    words = [str(word) for word in column.categories]
    used = np.bincount(np.asarray(column.codes, dtype=np.int64) + 1, minlength=len(words) + 1)[1:] > 0
    kept = sorted({word for word, is_used in zip(words, used.tolist(), strict=True) if is_used})
    if kept == list(column.categories) and column.categories.dtype == object:
        return column
    place = {word: at for at, word in enumerate(kept)}
    table = np.array([*(place.get(word, NULL) for word in words), NULL], dtype=np.int64)
    return decode(table[column.codes], kept)


def take_codes(column: pd.Series, rows: Index) -> Index:
    """Category codes of `column` at `rows`; -1 where the row is -1."""
    codes = column.cat.codes.to_numpy()
    return np.append(codes, codes.dtype.type(NULL))[rows].astype(np.int64)


def take_floats(column: pd.Series, rows: Index) -> Floats:
    """Values of a numeric column at `rows` as floats; NaN where the row is -1."""
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if not len(values):
        return np.full(len(rows), np.nan)
    taken = values[rows]
    taken[rows < 0] = np.nan
    return taken
