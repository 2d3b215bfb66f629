"""The rows of one job: read from the panel, split, without missing labels."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.errors import PanelError, Problem, TrainingError
from foxml_assets.families.model import Vector
from foxml_assets.families.sharing import SharedFeatures
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.shared_rows import SharedRows
from foxml_assets.training.split import Flags, Timeline, split_rows, timeline_of
from foxml_assets.training.training_config import TrainingConfig


@dataclass(frozen=True)
class Rows:
    """Labelled rows: the features as columns, one label a row, its symbol (a position) and its time."""

    X: SharedFeatures
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


def share_panel(jobs: Sequence[Job], context: TrainingContext) -> SharedRows:
    """The rows of the panel under the root, for `jobs` on threads. Raises PanelError."""
    info, ahead = context.info, defaultdict[str, set[str]](set)
    known = set(info.columns)
    for job in jobs:
        if job.symbol is not None:
            # A job that asks for more than the panel holds fails alone.
            ahead[job.symbol] |= known & {*job_features(job, info), job.target}
    read = partial(read_panel, context.layout)
    return SharedRows(info, panel_timeline(context), read, context.config.threads, ahead)


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
    info = context.info
    features, symbols = job_features(job, info), job_symbols(job, info)
    if not features or not symbols:
        what = "no features" if not features else "every symbol is excluded"
        raise TrainingError(f"there is nothing to train on: {what}", problems=[Problem("job", job.job_id)])
    horizon = _horizon(job, context)
    categorical = symbol_feature(job, info, context.config)
    table = shared.table(symbols)
    # Times and symbols, which the rest goes by, come with them in one reading.
    table.columns(features)
    labels = table.labels(job.target)
    train, holdout = split_rows(
        table.symbol,
        table.bar,
        holdout_bar=shared.timeline.holdout_bar,
        horizon_bars=horizon,
        n_bars=len(shared.timeline.times),
    )

    def rows(chosen: Flags) -> Rows:
        kept = chosen & ~np.isnan(labels)
        return Rows(
            table.features(features, categorical, kept), labels[kept], table.symbol[kept], table.time[kept]
        )

    return JobData(rows(train), rows(holdout), symbols, categorical)


def symbol_feature(job: Job, info: PanelInfo, config: TrainingConfig) -> tuple[str, ...]:
    """The feature, if any, that is the symbol as its position in `job_symbols`: pooled models may have it."""
    return (info.symbol_column,) if job.symbol is None and config.symbol_as_feature else ()


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
