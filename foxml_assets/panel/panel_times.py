"""The time column as people write it: timestamps, dates, ISO 8601 text, whole numbers of a named unit, or
dates written as whole numbers."""

import numpy as np
import pandas as pd

from foxml_assets.core.errors import Problem
from foxml_assets.panel.raw_panel import TimeUnit

_ZONE = r"(?:[Zz]|[+-]\d{2}:?\d{2})$"
_UNIT_MISSING = "holds whole numbers: say what they count since 1970, as `time_unit: ms` (or s, us, ns)"
_ISO = "ISO 8601, as 2024-01-31 or 2024-01-31T16:00:00Z"
# First, last and format: as counts of any unit since 1970 these are some days of that year.
_DATES = ((19_000_101, 21_001_231, "%Y%m%d"), (190_001, 210_012, "%Y%m"))
_DATES_WORDS = "dates as 20240131 or months as 202401"


def as_times(column: pd.Series, unit: TimeUnit | None) -> tuple[pd.Series, Problem | None]:
    """The column as timestamps, in UTC where it names a zone; missing values stay missing.

    With a problem, if it holds what is no time, whole numbers without a `unit`, or dates with one.
    """
    name = f"column {column.name}"
    if (written := date_format(column)) is not None:
        if unit is not None:
            what = f"holds {_DATES_WORDS}, and no {unit} since 1970: leave out `time_unit`"
            return column, Problem(name, what, int(column.iloc[0]))
        dates: pd.Series = pd.to_datetime(column.astype(str), format=written, errors="coerce")
        return dates, _not_a_time(column, dates, _DATES_WORDS)
    if pd.api.types.is_integer_dtype(column):
        if unit is None:
            return column, Problem(name, _UNIT_MISSING, int(column.iloc[0]) if len(column) else None)
        times: pd.Series = pd.to_datetime(column, unit=unit, errors="coerce")
        return times, _not_a_time(column, times, f"{unit} since 1970")
    if unit is not None:
        return column, Problem(name, "holds no whole numbers, so `time_unit` says nothing", str(column.dtype))
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC"), None
    if pd.api.types.is_datetime64_dtype(column):
        return column, None
    if pd.api.types.is_string_dtype(column):
        return _from_text(column)
    return column, Problem(name, "is not a timestamp, a date or their text", str(column.dtype))


def date_format(column: pd.Series) -> str | None:
    """How the whole numbers of a column are written, if all are in the range of dates, or of months."""
    if not pd.api.types.is_integer_dtype(column) or column.empty:
        return None
    low, high = int(column.min()), int(column.max())
    return next((written for first, last, written in _DATES if first <= low and high <= last), None)


def usual_bar_minutes(times: pd.Series) -> float:
    """The median distance of distinct `times`; 0 where they are fewer than two.

    Nights and weekends are longer than a bar, and do not move it.
    """
    bars = np.unique(times.astype("int64").to_numpy())
    if len(bars) < 2:
        return 0.0
    return float(np.median(np.diff(bars))) / float(np.timedelta64(1, "m") / np.timedelta64(1, times.dt.unit))


def _from_text(column: pd.Series) -> tuple[pd.Series, Problem | None]:
    known = column.dropna()
    has_zone = known.str.contains(_ZONE)
    if has_zone.any() and not has_zone.all():
        what = "names a zone in some times and not in others"
        return column, Problem(f"column {column.name}", what, known[~has_zone].iloc[0])
    # One parser for both: times without a zone pass for UTC, and lose it again.
    times: pd.Series = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    problem = _not_a_time(column, times, _ISO)
    return (times if has_zone.any() else times.dt.tz_localize(None)), problem


def _not_a_time(column: pd.Series, times: pd.Series, wanted: str) -> Problem | None:
    wrong = column[times.isna() & column.notna()]
    if wrong.empty:
        return None
    # A plain number, which is shown as such.
    first = wrong.head(1).tolist()[0]
    return Problem(f"column {column.name}", f"holds {len(wrong)} values that are not {wanted}", first)
