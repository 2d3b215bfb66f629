"""A panel that nobody has described yet: what its columns seem to be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.panel.files.columns import is_numeric, is_text
from foxml_assets.panel.files.other_columns import described
from foxml_assets.panel.files.reading import read_all, to_frame, unified_schema
from foxml_assets.panel.files.table_files import PANEL, TableFile, kind_of, open_tables, panel_files
from foxml_assets.panel.horizons import Horizon, infer_horizon, too_short
from foxml_assets.panel.panel_times import as_times, date_format, usual_bar_minutes
from foxml_assets.panel.panel_values import is_like_classes
from foxml_assets.panel.patterns import matches_any
from foxml_assets.panel.raw_panel import TimeUnit
from foxml_assets.storage.tables import is_pandas_index

_TIMES = ("timestamp", "time", "datetime", "date", "ts", "t", "day", "as_of")
_SYMBOLS = (
    "symbol",
    "ticker",
    "instrument",
    "asset",
    "sym",
    "secid",
    "permno",
    "isin",
    "id",
    "stock",
    "pair",
)
_LABEL = re.compile(r"(y|target|label|fwd|future)(_.*)?", re.IGNORECASE)
# Of any word of a name, whatever stands around it.
_LATER = re.compile(r"(.*[^a-z])?(fwd|forward|future|next|label|target)([^a-z].*)?", re.IGNORECASE)
_LEVEL = re.compile(r"(adj_?)?(open|high|low|close|price|vwap|volume|turnover|bid|ask|mid)", re.IGNORECASE)
# Seconds, milliseconds, ... since 1970 of the years 1971 to 2286 do not overlap.
_UNITS: tuple[tuple[float, TimeUnit], ...] = ((1e10, "s"), (1e13, "ms"), (1e16, "us"), (1e19, "ns"))
_LOOKED_AT = 1_000


@dataclass(frozen=True)
class Wish:
    """What the user says of the columns; None and empty where it is to be guessed."""

    time_column: str | None = None
    symbol_column: str | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class PanelGuess:
    """What the columns seem to be. `levels` are prices and volumes, which are better left out, and `later`
    columns whose names say that they are labels, or tell of what comes, and that are no targets. What else
    is left out, since it is not numeric, `not_numeric` says in words.

    `without_horizon` and `like_classes` are targets of which something must be said before they can be used.
    """

    kind: str
    path: str
    time_column: str
    time_unit: TimeUnit | None
    symbol_column: str
    targets: tuple[str, ...]
    features: tuple[str, ...]
    levels: tuple[str, ...]
    later: tuple[str, ...]
    not_numeric: str
    without_horizon: tuple[str, ...]
    like_classes: tuple[str, ...]
    n_rows: int
    n_symbols: int


def guess_panel(path: str, wish: Wish) -> PanelGuess:
    """Look at the files that `path` stands for: their columns, and the values of keys and labels.

    Raises PanelError where there is no data, or no column that could be time, symbol or label.
    """
    kind, tables = _open(path, wish.symbol_column)
    schema = unified_schema(tables, PANEL)
    named = [name for name in schema.names if not is_pandas_index(name)]
    in_first = [name for name in named if name in tables[0].schema.names]
    # All columns are read as keys are, since any may be the time and hold dates.
    head = to_frame(tables[0].read(in_first).slice(0, _LOOKED_AT), keys=in_first)
    time = wish.time_column or _time_column(head)
    symbol = wish.symbol_column or _symbol_column(schema, tables, named)
    values = [name for name in named if name not in (time, symbol)]
    others = [name for name in values if is_numeric(schema.field(name).type)]
    words = [name for name in values if name not in others]
    targets = tuple(name for name in others if _is_target(name, wish))
    if time is None or symbol is None or not targets:
        labels = described([name for name in words if _is_target(name, wish)], tables)
        times = [] if time is not None else _not_times(head)
        raise _unknown(path, time, symbol, named, labels, times)
    rows = read_all(tables, list(dict.fromkeys([time, symbol, *targets])), PANEL)
    data = rows.select([symbol, *targets]).to_pandas()
    bar_minutes = _bar_minutes(to_frame(rows.select([time]), keys=[time])[time])
    levels = tuple(name for name in others if name not in targets and _LEVEL.fullmatch(name))
    later = tuple(name for name in others if name not in targets and _is_later(name))
    left_out = {*targets, *levels, *later}
    return PanelGuess(
        kind=kind,
        path=path,
        time_column=time,
        time_unit=_time_unit(head[time]),
        symbol_column=symbol,
        targets=targets,
        features=tuple(name for name in others if name not in left_out),
        levels=levels,
        later=later,
        not_numeric=described(words, tables),
        without_horizon=tuple(name for name in targets if not _says_horizon(name, bar_minutes)),
        like_classes=tuple(name for name in targets if is_like_classes(data[name].dropna().unique())),
        n_rows=len(data),
        n_symbols=data[symbol].nunique(),
    )


def _open(path: str, symbol_column: str | None) -> tuple[str, tuple[TableFile, ...]]:
    kind = kind_of(path)
    files = panel_files(path, kind)
    # A folder such as ticker=AAPL names the column and gives its value.
    in_path = [part.partition("=")[0] for part in files[0].parts[:-1] if "=" in part]
    column = symbol_column or next(iter(in_path), _SYMBOLS[0])
    return kind, open_tables(files, kind, column, PANEL)


def _time_column(head: pd.DataFrame) -> str | None:
    """The best named column of times; else the first one that needs no unit."""
    possible = [str(name) for name in head.columns if as_times(head[name], _time_unit(head[name]))[1] is None]
    named = _best_named(possible, _TIMES)
    typed = [name for name in possible if not pd.api.types.is_integer_dtype(head[name])]
    return named or next(iter(typed), None)


def _not_times(head: pd.DataFrame) -> list[Problem]:
    """Why the column that is named as one of times is none."""
    name = _best_named(list(map(str, head.columns)), _TIMES)
    problem = None if name is None else as_times(head[name], _time_unit(head[name]))[1]
    return [] if problem is None else [problem]


def _time_unit(column: pd.Series) -> TimeUnit | None:
    if not pd.api.types.is_integer_dtype(column) or column.empty or date_format(column) is not None:
        return None
    largest = float(column.abs().max())
    return next((unit for limit, unit in _UNITS if largest < limit), "ns")


def _bar_minutes(column: pd.Series) -> float:
    """The usual length of a bar; 0 where the column holds what is no time, as building the panel will say."""
    times, problem = as_times(column.drop_duplicates(), _time_unit(column))
    return usual_bar_minutes(times.dropna()) if problem is None else 0.0


def _says_horizon(target: str, bar_minutes: float) -> bool:
    """Whether the name says how far the label looks ahead, and that fits the bars."""
    horizon = infer_horizon(target)
    return isinstance(horizon, Horizon) and too_short(target, horizon, bar_minutes) is None


def _symbol_column(schema: pa.Schema, tables: Sequence[TableFile], named: Sequence[str]) -> str | None:
    """The best named column; else the one that folders name; else the only text."""
    in_path = [
        part.partition("=")[0] for part in tables[0].path.parts[:-1] if part.partition("=")[0] in named
    ]
    types = {name: schema.field(name).type for name in named}
    texts = [name for name, type_ in types.items() if is_text(type_) or pa.types.is_dictionary(type_)]
    alone = texts[0] if len(texts) == 1 and texts[0].lower() not in _TIMES else None
    return _best_named(named, _SYMBOLS) or next(iter(in_path), alone)


def _best_named(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    # In reverse, so that of names that differ in case alone the first one stays.
    by_name = {name.lower(): name for name in reversed(names)}
    return next((by_name[word] for word in wanted if word in by_name), None)


def _is_target(name: str, wish: Wish) -> bool:
    return matches_any(name, wish.targets) if wish.targets else _LABEL.fullmatch(name) is not None


def _is_later(name: str) -> bool:
    return bool(_LABEL.fullmatch(name) or _LATER.fullmatch(name))


def _unknown(
    path: str,
    time: str | None,
    symbol: str | None,
    names: Sequence[str],
    labels: str,
    not_times: Sequence[Problem],
) -> PanelError:
    """`labels` names the columns that would be labels if they were numeric, `not_times` says what keeps the
    column that may be meant from being one of times."""
    unlabelled = "no numeric column looks like a label"
    if labels:
        unlabelled = f"{unlabelled}; not numeric: {labels}"
    lacking = [
        (time is None, "time", "no column looks like a time", "--time-column"),
        (symbol is None, "symbol", "no column looks like an instrument", "--symbol-column"),
        (
            time is not None and symbol is not None,
            "labels",
            unlabelled,
            "--target",
        ),
    ]
    problems = [Problem(what, said) for is_lacking, what, said, _ in lacking if is_lacking] + [*not_times]
    options = ", ".join(option for is_lacking, _, _, option in lacking if is_lacking)
    mend = "mend that column, or " if not_times else ""
    return PanelError(
        f"the panel {path} cannot be described",
        problems=problems,
        fix=f"{mend}name it with {options}; its columns: {', '.join(names[:40])}",
    )
