"""The rows of one job: read from the panel, split, without missing labels."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.errors import PanelError, Problem, TrainingError
from foxml_assets.families.model import Vector
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import ReadRows, read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.split import Flags, Timeline, split_rows, timeline_of
from foxml_assets.training.training_config import TrainingConfig


@dataclass(frozen=True)
class Rows:
    """Labelled rows: the features as columns, one label a row, its symbol (a position) and its time."""

    X: pd.DataFrame
    y: Vector
    symbol: npt.NDArray[np.int64]
    time: pd.Series

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class JobData:
    """What a job trains on and is scored on. `categorical` names the feature that holds symbol codes."""

    train: Rows
    holdout: Rows
    symbols: tuple[str, ...]
    categorical: tuple[str, ...]


@dataclass(frozen=True)
class SharedRows:
    """What the jobs of a batch read: the panel's bars, and the rows of a symbol once for its jobs.

    `columns` are those that the jobs of each symbol take together, which `read_symbol` reads; `read_rows`
    reads any columns of any symbols.
    """

    timeline: Timeline
    columns: Mapping[str, frozenset[str]]
    read_symbol: Callable[[str], pd.DataFrame]
    read_rows: ReadRows

    def read(self, job: Job, symbols: Sequence[str], context: TrainingContext) -> pd.DataFrame:
        """The job's time, symbol, features and label, beside columns of other jobs. Raises PanelError."""
        info = context.info
        wanted = [*job_features(job, info), job.target]
        if job.symbol is None or not self.columns[job.symbol].issuperset(wanted):
            return self.read_rows(info, wanted, symbols)
        return self.read_symbol(job.symbol)


def share_rows(
    jobs: Sequence[Job], context: TrainingContext, timeline: Timeline, read_rows: ReadRows | None = None
) -> SharedRows:
    """What `jobs` read of the panel with the bars `timeline`: by `read_rows`, or of that under the root."""
    read = partial(read_panel, context.layout) if read_rows is None else read_rows
    info, found = context.info, defaultdict[str, set[str]](set)
    known = set(info.columns)
    for job in jobs:
        if job.symbol is not None:
            # A job that asks for more than the panel holds fails alone.
            found[job.symbol] |= known & {*job_features(job, info), job.target}
    columns = {symbol: frozenset(names) for symbol, names in found.items()}

    # A plan has the jobs of a symbol side by side.
    @lru_cache(maxsize=context.config.threads)
    def read_symbol(symbol: str) -> pd.DataFrame:
        return read(info, sorted(columns[symbol]), [symbol])

    return SharedRows(timeline, columns, read_symbol, read)


def panel_timeline(context: TrainingContext) -> Timeline:
    """The bars of the panel, and where its hold-out begins. Raises PanelError."""
    times = read_panel(context.layout, context.info, [])[context.info.time_column]
    return timeline_of(times, context.holdout_fraction)


def job_symbols(job: Job, info: PanelInfo) -> tuple[str, ...]:
    """The symbols a job's model is trained on and may serve; a row's code is the position in it."""
    if job.symbol is not None:
        return (job.symbol,)
    excluded = {item.symbol for item in job.excluded_symbols}
    return tuple(symbol for symbol in info.symbols if symbol not in excluded)


def job_features(job: Job, info: PanelInfo) -> tuple[str, ...]:
    """The panel columns a job's model learns from."""
    return info.features if job.features is None else job.features


def load_job_data(job: Job, context: TrainingContext, shared: SharedRows) -> JobData:
    """Read the job's rows and split them. Raises TrainingError and PanelError."""
    timeline = shared.timeline
    info = context.info
    features, symbols = job_features(job, info), job_symbols(job, info)
    if not features or not symbols:
        what = "no features" if not features else "every symbol is excluded"
        raise TrainingError(f"there is nothing to train on: {what}", problems=[Problem("job", job.job_id)])
    horizon = _horizon(job, context)
    frame = shared.read(job, symbols, context)
    code = _symbol_codes(frame[info.symbol_column], symbols)
    train, holdout = split_rows(
        code,
        timeline.bar_of(frame[info.time_column]),
        holdout_bar=timeline.holdout_bar,
        horizon_bars=horizon,
        n_bars=len(timeline.times),
    )
    X = model_inputs(frame, code, job, context)
    labels = frame[job.target].to_numpy(dtype=np.float64, na_value=np.nan)

    def rows(chosen: Flags) -> Rows:
        kept = chosen & ~np.isnan(labels)
        return Rows(X[kept], labels[kept], code[kept], frame[info.time_column][kept])

    return JobData(rows(train), rows(holdout), symbols, symbol_feature(job, info, context.config))


def symbol_feature(job: Job, info: PanelInfo, config: TrainingConfig) -> tuple[str, ...]:
    """The feature, if any, that is the symbol as its position in `job_symbols`: pooled models may have it."""
    return (info.symbol_column,) if job.symbol is None and config.symbol_as_feature else ()


def model_inputs(
    frame: pd.DataFrame, code: npt.NDArray[np.int64], job: Job, context: TrainingContext
) -> pd.DataFrame:
    """What the job's model learns and predicts from: rows of the panel with each row's symbol code."""
    X = frame[list(job_features(job, context.info))]
    added = symbol_feature(job, context.info, context.config)
    # To assign nothing would copy all columns, for each of thousands of jobs.
    return X.assign(**dict.fromkeys(added, code)) if added else X


def _symbol_codes(names: pd.Series, symbols: Sequence[str]) -> npt.NDArray[np.int64]:
    """The position in `symbols` of each of `names`, which are of no other symbol."""
    # Thousands of jobs have one symbol, whose name need not be looked up in every row.
    if len(symbols) == 1:
        return np.zeros(len(names), dtype=np.int64)
    return pd.Categorical(names, categories=list(symbols)).codes.astype(np.int64)


def _horizon(job: Job, context: TrainingContext) -> int:
    known = {spec.name: spec.horizon_bars for spec in context.info.targets}
    if job.target not in known:
        raise PanelError(
            "the panel does not hold the target",
            file=context.layout.panel,
            problems=[Problem("target", "is not a target of the panel", job.target)],
            fix="name it under panel.targets in data_config.yaml, or leave it out of the imported candidates",
        )
    return known[job.target]
