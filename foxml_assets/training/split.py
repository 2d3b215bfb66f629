"""The training window and the untouched hold-out behind it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.panel.folds import holdout_start

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Timeline:
    """The distinct timestamps of the whole panel (bars), in order; the hold-out begins at a bar."""

    times: pd.DatetimeIndex
    holdout_bar: int

    def bar_of(self, times: pd.Series) -> Ints:
        """Shape (n,): the bar of each row."""
        return self.times.get_indexer(pd.DatetimeIndex(times)).astype(np.int64)


def timeline_of(times: pd.Series, holdout_fraction: float) -> Timeline:
    """The timeline of a panel with these row times."""
    distinct = pd.DatetimeIndex(times.unique()).sort_values()
    return Timeline(distinct, holdout_start(len(distinct), holdout_fraction))


def split_rows(
    symbol: Ints, bar: Ints, *, holdout_bar: int, horizon_bars: int, n_bars: int
) -> tuple[Flags, Flags]:
    """Which rows train, and which are held out; rows are sorted by (symbol, bar).

    A symbol's last `horizon_bars` rows before the hold-out do neither: their labels look into it. They
    are counted in the symbol's own rows, so that gaps in its series cannot bring a label across. Without
    a hold-out every row trains.
    """
    before = bar < holdout_bar
    if holdout_bar == n_bars:
        return before, ~before
    own = symbol[before]
    # How many rows of its symbol follow each row before the hold-out: up to where those of the next begin.
    later = np.searchsorted(own, own, side="right") - 1 - np.arange(len(own))
    train = before.copy()
    train[before] = later >= horizon_bars
    return train, ~before
