"""Checks on a panel's values, before any work starts: every problem found is named in one error."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.errors import PanelError, Problem, UnsafeNameError
from foxml_assets.core.names import check_symbol_name
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.panel.horizons import too_short
from foxml_assets.panel.panel_info import TargetSpec
from foxml_assets.panel.panel_times import as_times, usual_bar_minutes
from foxml_assets.panel.raw_panel import RawPanel, RawTarget

# A label of so few whole values is hardly a number that was measured.
_MOST_CLASSES = 10
_FIX = "mend the panel, or choose other columns in data_config.yaml"


@dataclass(frozen=True)
class ValidPanel:
    """A panel sorted by (symbol, time) with unique keys, and the specs of its targets."""

    frame: pd.DataFrame
    targets: tuple[TargetSpec, ...]
    symbols: tuple[str, ...]
    n_bars: int


def validate(raw: RawPanel) -> ValidPanel:
    """Check and sort `raw`.

    Raises PanelError naming null or unusable keys, duplicate (time, symbol) rows, infinite values,
    constant targets, labels that do not fit their task, horizons that do not fit the bars, and unsafe symbol
    names.
    """
    frame, problems = _sorted_rows(raw)
    bars = frame[raw.time_column].drop_duplicates()
    bar_minutes = usual_bar_minutes(bars)
    if bar_minutes == 0.0:
        problems.append(Problem(f"column {raw.time_column}", "holds a single time"))
    horizons = [too_short(target.name, target.horizon, bar_minutes) for target in raw.targets]
    problems += [problem for problem in horizons if problem is not None]
    specs: list[TargetSpec] = []
    for target in raw.targets:
        frame[target.name] = _zero_or_one(frame[target.name], target)
        task_type, problem = _task_type(frame[target.name], target)
        if problem is not None:
            problems.append(problem)
        elif bar_minutes > 0.0:
            specs.append(_spec(target, task_type, bar_minutes))
    _raise(problems, raw)
    symbols = tuple(str(symbol) for symbol in frame[raw.symbol_column].unique())
    return ValidPanel(frame=frame, targets=tuple(specs), symbols=symbols, n_bars=len(bars))


def validate_rows(raw: RawPanel) -> pd.DataFrame:
    """The rows of `raw`, which may lie at a single time, sorted by (symbol, time). Raises PanelError."""
    frame, problems = _sorted_rows(raw)
    _raise(problems, raw)
    return frame


def _sorted_rows(raw: RawPanel) -> tuple[pd.DataFrame, list[Problem]]:
    """The rows by (symbol, time), and what is wrong with their values."""
    keys = _keys(raw)
    frame = raw.frame.assign(**{raw.time_column: keys.time, raw.symbol_column: keys.symbol})
    frame = frame.sort_values([raw.symbol_column, raw.time_column], kind="stable", ignore_index=True)
    problems = _duplicates(frame, raw)
    problems += _infinities(frame, [*raw.features, *(target.name for target in raw.targets)])
    return frame, problems


@dataclass(frozen=True)
class _Keys:
    time: pd.Series
    symbol: pd.Series


def _keys(raw: RawPanel) -> _Keys:
    time, symbol = raw.frame[raw.time_column], raw.frame[raw.symbol_column]
    problems: list[Problem] = []
    if raw.frame.empty:
        problems.append(Problem("", "holds no rows"))
    time, problem = as_times(time, raw.time_unit)
    if problem is not None:
        problems.append(problem)
    if not pd.api.types.is_string_dtype(symbol) and not pd.api.types.is_integer_dtype(symbol):
        problems.append(Problem(f"column {raw.symbol_column}", "is not text or integer", str(symbol.dtype)))
    for name, column in ((raw.time_column, time), (raw.symbol_column, symbol)):
        if missing := int(column.isna().sum()):
            problems.append(Problem(f"column {name}", "has empty values", missing))
    _raise(problems, raw)
    text = symbol.astype(str)
    for name in text.unique():
        try:
            check_symbol_name(name)
        except UnsafeNameError as error:
            problems += error.problems
    _raise(problems, raw)
    try:
        return _Keys(time=time.dt.as_unit("ns"), symbol=text)
    except pd.errors.OutOfBoundsDatetime as error:
        problem = Problem(f"column {raw.time_column}", f"is out of range: {error}")
        raise PanelError(
            f"the panel from {raw.origin} cannot be used", problems=[problem], fix=_FIX
        ) from error


def _duplicates(frame: pd.DataFrame, raw: RawPanel) -> list[Problem]:
    repeated = frame.duplicated([raw.time_column, raw.symbol_column])
    if not repeated.any():
        return []
    first = frame[repeated].iloc[0]
    example = f"{first[raw.time_column]}, {first[raw.symbol_column]}"
    what = f"has {int(repeated.sum())} duplicate (time, symbol) rows, the first"
    return [Problem("the panel", what, example)]


def _infinities(frame: pd.DataFrame, columns: list[str]) -> list[Problem]:
    counts = {
        name: int(np.isinf(frame[name].to_numpy(dtype=float, na_value=np.nan)).sum()) for name in columns
    }
    return [
        Problem(f"column {name}", "has infinite values", count) for name, count in counts.items() if count
    ]


def _zero_or_one(values: pd.Series, target: RawTarget) -> pd.Series:
    """Labels of -1 and 1 as 0 and 1, if they are not to be learned as numbers; all others as they are."""
    signs = target.task_type is not TaskType.REGRESSION and set(values.dropna().unique()) == {-1, 1}
    return (values + 1) / 2 if signs else values


def _task_type(values: pd.Series, target: RawTarget) -> tuple[TaskType, Problem | None]:
    distinct = values.dropna().unique()
    binary = bool(np.isin(distinct, (0, 1)).all())
    task_type = target.task_type or (TaskType.CLASSIFICATION if binary else TaskType.REGRESSION)
    if len(distinct) < 2:
        found = distinct[0].item() if len(distinct) else None
        return task_type, Problem(
            f"target {target.name}", "is constant" if len(distinct) else "is empty", found
        )
    if task_type is TaskType.CLASSIFICATION and not binary:
        found = sorted(distinct.tolist())[:5]
        return task_type, Problem(f"target {target.name}", "is not 0 or 1, as classification needs", found)
    if target.task_type is None and not binary and is_like_classes(distinct):
        what = (
            f"has {len(distinct)} whole values and may be a class: make a label of 0 and 1 of each class, or"
            f" say `task_types: {{{target.name}: regression}}`"
        )
        return task_type, Problem(f"target {target.name}", what, sorted(distinct.tolist())[:5])
    return task_type, None


def is_like_classes(distinct: npt.NDArray[np.generic]) -> bool:
    """Whether a label's distinct values are so few and so round that they may be classes, yet are none of the
    two pairs that are read as classes: 0 and 1, or -1 and 1."""
    values = distinct.astype(float)
    is_read = set(values) in ({0.0, 1.0}, {-1.0, 1.0})
    return 2 <= len(values) <= _MOST_CLASSES and not is_read and bool((values == np.round(values)).all())


def _spec(target: RawTarget, task_type: TaskType, bar_minutes: float) -> TargetSpec:
    return TargetSpec(
        name=target.name,
        task_type=task_type,
        horizon_bars=target.horizon.in_bars(bar_minutes),
        horizon_minutes=target.horizon.in_minutes(bar_minutes),
    )


def _raise(problems: list[Problem], raw: RawPanel) -> None:
    if problems:
        raise PanelError(f"the panel from {raw.origin} cannot be used", problems=problems, fix=_FIX)
