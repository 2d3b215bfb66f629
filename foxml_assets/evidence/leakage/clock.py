"""Features that date and time of day tell: what is known in advance looks ahead in no way that matters."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.evidence.arrays import Ints, PanelArrays

# Bars that a group of the calendar has on average, so that agreement within groups means something.
_BARS_A_GROUP = 3
# Share of the variance that may be left within groups: what rounding to 32 bits leaves, and no more.
_SPREAD_LEFT = 1e-6


def told_by_clock(panel: PanelArrays) -> frozenset[str]:
    """The features that are the same whenever the calendar says the same, on all symbols.

    By weekday, time of day or both, by month, day of the month or both. A feature without any
    variation is told by nothing.
    """
    sizes = np.diff(panel.starts)
    if not sizes.any():
        return frozenset()
    longest = panel.rows_of(int(np.argmax(sizes)))
    groups = list(_groups(panel.times))
    return frozenset(
        name
        for at, name in enumerate(panel.features)
        if any(
            # Most features are settled by one symbol.
            _agrees(panel.X[longest, at], group[panel.bar[longest]])
            and _agrees(panel.X[:, at], group[panel.bar])
            for group in groups
        )
    )


def _groups(times: pd.DatetimeIndex) -> Iterator[Ints]:
    """The group of every bar, for each calendar that has few enough."""
    of_day = (times - times.normalize()).asi8
    month, day, weekday = (np.asarray(part) for part in (times.month, times.day, times.day_of_week))
    for parts in ((weekday, of_day), (weekday,), (of_day,), (month, day), (month,), (day,)):
        # Numbers the distinct combinations of the parts (columns of parts x bars); the group of each bar.
        _, group = np.unique(np.stack(parts), axis=1, return_inverse=True)
        if len(times) >= _BARS_A_GROUP * (int(group.max(initial=0)) + 1):
            yield group.ravel().astype(np.int64)


def _agrees(values: npt.NDArray[np.floating], group: Ints) -> bool:
    """Whether known values hardly differ within groups, and do between them."""
    known = np.isfinite(values)
    x, group = np.asarray(values[known], dtype=np.float64), group[known]
    spread = float(np.square(x - x.mean()).sum()) if len(x) else 0.0
    if spread <= 0.0:
        return False
    # Sums by group over counts by group; mean[group] is then each row's group mean.
    mean = np.bincount(group, x) / np.maximum(np.bincount(group), 1)
    return float(np.square(x - mean[group]).sum()) <= _SPREAD_LEFT * spread
