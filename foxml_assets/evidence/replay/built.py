"""Rows that a feature builder takes and returns, found by the panel's time and symbol."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.core.errors import BuilderError, Problem
from foxml_assets.evidence.arrays import Floats, Ints, PanelArrays
from foxml_assets.panel.data_config import FeatureBuilder
from foxml_assets.panel.files.columns import is_from_the_future
from foxml_assets.panel.files.reading import read_source, source_columns
from foxml_assets.panel.panel_info import PanelInfo

_RETURN_FIX = "return a frame with a row per time and symbol, these as columns, and numeric features"


@dataclass(frozen=True)
class Built:
    """A frame whose rows can be looked up by row of the panel. `keys` are sorted, `order` sorts the rows."""

    frame: pd.DataFrame
    panel: PanelArrays
    keys: Ints
    order: Ints
    last: pd.Timestamp | None

    def locate(self, rows: Ints) -> Ints:
        """Where the panel's `rows` stand in the frame, -1 for one that it lacks."""
        if not len(self.keys):
            return np.full(len(rows), -1)
        # The key of a row: symbol and bar as one number, symbol first, so keys sort as the panel does.
        wanted = (self.panel.code * len(self.panel.times) + self.panel.bar)[rows]
        # A key beyond the last one is looked up at the last, where it does not match.
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[at] == wanted, self.order[at], -1)

    def values(self, name: str, located: Ints) -> Floats:
        """The column at rows from `locate`, NaN for a row or a column that is not there."""
        out: Floats = np.full(len(located), np.nan)
        if name in self.frame.columns:
            values = self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            out[located >= 0] = values[located[located >= 0]]
        return out

    def numeric(self) -> tuple[str, ...]:
        """The columns that hold numbers or truth values."""
        return tuple(str(name) for name in self.frame.select_dtypes(["number", "bool"]).columns)


@dataclass(frozen=True)
class Rows:
    """A builder's source, with the times of its rows in UTC."""

    frame: pd.DataFrame
    times: pd.DatetimeIndex
    symbols: pd.Series

    def placed(self, panel: PanelArrays) -> Built | None:
        """The source by row of the panel; None if it has several rows for a time and symbol."""
        keys = _keys(self.times, self.symbols, panel)
        known = keys[keys >= 0]
        return None if len(np.unique(known)) < len(known) else _sorted(self.frame, panel, keys, None)


def label_problems(builder: FeatureBuilder, info: PanelInfo) -> tuple[Problem, ...]:
    """Columns of the source that hold the future: replay would call what is made of them proven."""
    targets = {spec.name for spec in info.targets}
    return tuple(
        Problem(f"column {name}", "is a target of the panel" if name in targets else "comes from the future")
        for name in source_columns(builder.source, info.symbol_column)
        if name in targets or is_from_the_future(name)
    )


def source_rows(builder: FeatureBuilder, panel: PanelArrays, info: PanelInfo) -> Rows:
    """Read the source of `builder`. Raises PanelError, and BuilderError for keys that are not the panel's."""
    frame = read_source(builder.source, info.time_column, info.symbol_column)
    what = f"the source of the feature builder {builder.function} cannot be used"
    return Rows(frame, *_checked_keys(frame, panel, info, what, "mend the source"))


def as_built(result: object, builder: FeatureBuilder, panel: PanelArrays, info: PanelInfo) -> Built:
    """What a builder returned. Raises BuilderError for anything but a frame of rows with numeric features."""
    what = f"the feature builder {builder.function} returns what cannot be used"
    if not isinstance(result, pd.DataFrame):
        problem = Problem("its result", "is no pandas.DataFrame", type(result).__name__)
        raise BuilderError(what, problems=[problem], fix=_RETURN_FIX)
    times, symbols = _checked_keys(result, panel, info, what, _RETURN_FIX)
    built = _sorted(result, panel, _keys(times, symbols, panel), times.max() if len(times) else None)
    repeated = np.flatnonzero(np.diff(built.keys) == 0)
    if len(repeated):
        at = int(built.order[repeated[0]])
        problem = Problem("rows", "stand twice for a time and symbol", f"{times[at]}, {symbols.iloc[at]}")
        raise BuilderError(what, problems=[problem], fix=_RETURN_FIX)
    numeric = built.numeric()
    text = [name for name in panel.features if name in result.columns and name not in numeric]
    if text:
        problems = [Problem(f"column {name}", "is not numeric", str(result[name].dtype)) for name in text]
        raise BuilderError(what, problems=problems, fix=_RETURN_FIX)
    return built


def _checked_keys(
    frame: pd.DataFrame, panel: PanelArrays, info: PanelInfo, what: str, fix: str
) -> tuple[pd.DatetimeIndex, pd.Series]:
    keys = (info.time_column, info.symbol_column)
    problems = [Problem(f"column {name}", "is missing") for name in keys if name not in frame.columns]
    problems += [
        Problem(f"column {name}", "stands there twice")
        for name in frame.columns[frame.columns.duplicated()].unique()
    ]
    if not problems:
        empty = [name for name in keys if frame[name].isna().any()]
        problems = [Problem(f"column {name}", "has empty values") for name in empty]
        if frame[keys[0]].dtype.kind != "M":
            dtype = str(frame[keys[0]].dtype)
            problems.append(Problem(f"column {keys[0]}", "is not a timestamp", dtype))
        elif (pd.DatetimeIndex(frame[keys[0]]).tz is None) != (panel.times.tz is None):
            zones = "has a time zone, and the panel none" if panel.times.tz is None else "has no time zone"
            problems.append(Problem(f"column {keys[0]}", zones))
    if problems:
        raise BuilderError(what, problems=problems, fix=fix)
    times = pd.DatetimeIndex(frame[keys[0]])
    times = times if times.tz is None else times.tz_convert(panel.times.tz)
    return times.as_unit("ns"), frame[keys[1]].astype(str)


def _keys(times: pd.DatetimeIndex, symbols: pd.Series, panel: PanelArrays) -> Ints:
    """The panel's key of every row, -1 for a time or symbol that the panel lacks."""
    bar = panel.times.get_indexer(times)
    code = pd.Index(panel.symbols).get_indexer(pd.Index(symbols))
    return np.where((bar >= 0) & (code >= 0), code.astype(np.int64) * len(panel.times) + bar, -1)


def _sorted(frame: pd.DataFrame, panel: PanelArrays, keys: Ints, last: pd.Timestamp | None) -> Built:
    order = np.argsort(keys, kind="stable")
    # Rows the panel lacks have key -1 and sort first; they are cut off.
    order = order[np.searchsorted(keys[order], 0) :]
    return Built(frame, panel, keys[order], order, last)
