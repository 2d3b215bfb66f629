"""Classic honest features and forward labels of a wide frame: bars x symbols, sorted by time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.panels.panel import Wide


def past_features(
    x: pd.DataFrame,
    *,
    lags: Sequence[int],
    windows: Sequence[int],
    season: int | None = None,
    name: str = "x",
) -> Wide:
    """Changes, lags, gaps to means, swings and places in ranges, and with a `season` (bars) what it did then.

    What the season says of the step to come is the change over the next bars one season ago.
    """
    step = x.diff()
    found: Wide = {f"{name}": x, f"{name}_step": step, f"{name}_step_lag1": step.shift(1)}
    for lag in lags:
        found[f"{name}_change_{lag}"] = x.diff(lag)
    for window in windows:
        rolling = x.rolling(window, min_periods=max(2, window // 2))
        low, high = rolling.min(), rolling.max()
        found[f"{name}_mean_{window}"] = rolling.mean()
        found[f"{name}_gap_{window}"] = x - rolling.mean()
        found[f"{name}_place_{window}"] = (x - low) / (high - low).where(high > low)
        found[f"{name}_swing_{window}"] = step.rolling(window, min_periods=max(2, window // 2)).std()
    if season is not None:
        found[f"{name}_season_change"] = x.diff(season)
        found[f"{name}_season_next"] = x.shift(season - 1) - x.shift(season)
        found[f"{name}_season_gap"] = x - x.shift(1).rolling(4 * season, min_periods=season).mean()
    return found


def panel_features(x: pd.DataFrame, *, window: int, name: str = "x") -> Wide:
    """What all symbols do together, and where a symbol stands among them."""
    step = x.diff()
    together = step.mean(axis=1)
    return {
        f"all_{name}_step": spread(together, x),
        f"all_{name}_step_{window}": spread(together.rolling(window).sum(), x),
        f"all_{name}_swing_{window}": spread(together.rolling(window).std(), x),
        f"rank_{name}_step": step.rank(axis=1, pct=True),
        f"rank_{name}_change_{window}": x.diff(window).rank(axis=1, pct=True),
        f"own_{name}_step": step.sub(together, axis=0),
    }


def calendar(like: pd.DataFrame, *, hour: bool = False, weekday: bool = False, year: bool = True) -> Wide:
    """Hour, day of the week and time of the year of each row, as sine and cosine; the day ahead as flags."""
    times = pd.DatetimeIndex(like.index)
    found: Wide = {}
    if hour:
        found |= _circle("hour", times.hour.to_numpy() / 24, like)
    if weekday:
        found |= _circle("weekday", times.day_of_week.to_numpy() / 7, like)
        found["is_weekend"] = spread(pd.Series(times.day_of_week >= 5, like.index, dtype=float), like)
        tomorrow = (times + pd.Timedelta(days=1)).day_of_week
        found["weekend_tomorrow"] = spread(pd.Series(tomorrow >= 5, like.index, dtype=float), like)
    if year:
        found |= _circle("year", times.day_of_year.to_numpy() / 366, like)
    return found


def forward_change(x: pd.DataFrame, bars: int) -> pd.DataFrame:
    """The change over the next `bars`."""
    return x.shift(-bars) - x


def rises(x: pd.DataFrame, bars: int) -> pd.DataFrame:
    """1 where `x` is higher in `bars`, else 0."""
    change = forward_change(x, bars)
    return (change > 0).astype(float).where(change.notna())


def forward_mean(x: pd.DataFrame, bars: int, window: int) -> pd.DataFrame:
    """The mean of the next `bars` less that of the last `window`."""
    ahead = x.iloc[::-1].rolling(bars).mean().iloc[::-1].shift(-1)
    return ahead - x.rolling(window, min_periods=max(2, window // 2)).mean()


def forward_swing(x: pd.DataFrame, bars: int) -> pd.DataFrame:
    """Logarithm of the root mean square of the next `bars` steps; NaN where nothing moves."""
    power = x.diff().pow(2).iloc[::-1].rolling(bars).mean().iloc[::-1].shift(-1)
    return pd.DataFrame(0.5 * np.log(power.where(power > 1e-12)))


def exceeds(x: pd.DataFrame, bars: int, window: int) -> pd.DataFrame:
    """1 where the highest of the next `bars` is above the highest of the last `window`, else 0."""
    ahead = x.iloc[::-1].rolling(bars).max().iloc[::-1].shift(-1)
    known = ahead.notna() & x.notna()
    return (ahead > x.rolling(window, min_periods=window // 2).max()).astype(float).where(known)


def spread(values: pd.Series, like: pd.DataFrame) -> pd.DataFrame:
    """A series of the whole panel as a frame of the shape of `like`."""
    wide = np.repeat(np.asarray(values, dtype=float)[:, None], like.shape[1], axis=1)
    return pd.DataFrame(wide, index=like.index, columns=like.columns)


def pivot(frame: pd.DataFrame, time: str, symbol: str, value: str) -> pd.DataFrame:
    """A long frame as bars x symbols, sorted both ways; of repeated keys the mean."""
    wide = frame.pivot_table(index=time, columns=symbol, values=value, aggfunc="mean", observed=True)
    return wide.sort_index().sort_index(axis=1)


def _circle(name: str, share: npt.NDArray[np.float64], like: pd.DataFrame) -> Wide:
    angle = 2 * np.pi * share
    return {
        f"{name}_sin": spread(pd.Series(np.sin(angle), like.index), like),
        f"{name}_cos": spread(pd.Series(np.cos(angle), like.index), like),
    }
