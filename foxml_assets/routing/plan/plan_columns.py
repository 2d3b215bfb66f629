"""Whole columns of the plan's tables, whoever makes them: a router, or a reader of the files."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.routing.candidates.candidates import Column
from foxml_assets.routing.candidates.coding import Floats, decode, tidy

PlanColumn = pd.Categorical | npt.NDArray[np.generic] | pd.arrays.IntegerArray


def counts(values: Floats) -> pd.arrays.IntegerArray:
    """Whole numbers held as floats, NaN for null, as nullable integers."""
    missing = np.isnan(values)
    return pd.arrays.IntegerArray(np.where(missing, 0, values).astype(np.int64), missing)


def category(texts: Sequence[str | None]) -> pd.Categorical:
    """A category column of `texts`; null for None."""
    codes, words = pd.factorize(np.array(texts, dtype=object))
    return decode(codes, words)


def merged_category(positions: npt.NDArray[np.integer], texts: Sequence[str | None]) -> pd.Categorical:
    """A category column from positions in `texts`, which may repeat; null for None, and for position -1."""
    # Position -1 picks the None at the end.
    return category([*texts, None])[positions]


def frame(columns: tuple[Column, ...], values: dict[str, PlanColumn]) -> pd.DataFrame:
    """The table of `columns` in their order.

    Categories are the words in use, sorted, so that equal tables are equal in every form.
    """
    ordered = {column.name: values[column.name] for column in columns}
    tidied = {
        name: tidy(value) if isinstance(value, pd.Categorical) else value for name, value in ordered.items()
    }
    return pd.DataFrame(tidied, copy=False)
