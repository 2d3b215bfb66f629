"""The hold-out rows of one target, read once for all its models, and what the models say on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.families.model import Vector
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.data import job_features, job_symbols, model_inputs
from foxml_assets.training.models.serving import load_job_model
from foxml_assets.training.split import Timeline

Ints = npt.NDArray[np.int64]

CHUNK_ROWS = 500_000


@dataclass(frozen=True)
class Holdout:
    """Labelled rows of the hold-out, sorted by symbol and time. `symbol` is a position in `info.symbols`;
    the rows of symbol k are [starts[k], starts[k + 1])."""

    frame: pd.DataFrame
    y: Vector
    bar: Ints
    symbol: Ints
    starts: Ints

    def rows_of(self, code: int) -> slice:
        """The rows of one symbol."""
        return slice(int(self.starts[code]), int(self.starts[code + 1]))


def read_holdout(
    target: str,
    jobs: Sequence[Job],
    context: TrainingContext,
    timeline: Timeline,
    *,
    chunk_rows: int = CHUNK_ROWS,
) -> Holdout:
    """The rows on which `jobs`, all of `target`, can be scored. Raises PanelError.

    About `chunk_rows` rows of the panel are in memory at a time, before all but the hold-out is dropped.
    """
    info = context.info
    features = sorted({name for job in jobs for name in job_features(job, info)})
    step = max(1, chunk_rows * len(info.symbols) // max(1, info.n_rows))
    parts = []
    for first in range(0, len(info.symbols), step):
        frame = read_panel(context.layout, info, [*features, target], info.symbols[first : first + step])
        bar = timeline.bar_of(frame[info.time_column])
        kept = (bar >= timeline.holdout_bar) & frame[target].notna().to_numpy()
        parts.append(frame[kept].assign(**{info.time_column: bar[kept]}))
    frame = pd.concat(parts, ignore_index=True)
    symbol = pd.Categorical(frame[info.symbol_column], categories=list(info.symbols)).codes.astype(np.int64)
    return Holdout(
        frame=frame,
        y=frame[target].to_numpy(dtype=np.float64),
        bar=frame[info.time_column].to_numpy(dtype=np.int64),
        symbol=symbol,
        starts=np.searchsorted(symbol, np.arange(len(info.symbols) + 1)).astype(np.int64),
    )


def predict_pooled(job: Job, layout: Layout, held: Holdout, context: TrainingContext) -> Vector:
    """One prediction a row of `held`; NaN for symbols that the job excludes. Raises TrainingError."""
    position = {symbol: at for at, symbol in enumerate(job_symbols(job, context.info))}
    # A symbol's code in the model is its place among the symbols it was trained on, not in the panel.
    code_of = np.array([position.get(symbol, -1) for symbol in context.info.symbols], dtype=np.int64)
    code = code_of[held.symbol]
    known = code >= 0
    said = np.full(len(code), np.nan)
    if known.any():
        X = model_inputs(held.frame[known], code[known], job, context)
        said[known] = load_job_model(job, replace(context, layout=layout)).predict(X)
    return said


def predict_own(job: Job, layout: Layout, held: Holdout, rows: slice, context: TrainingContext) -> Vector:
    """One prediction a row of `rows`, which are those of the job's symbol. Raises TrainingError."""
    frame = held.frame.iloc[rows]
    X = model_inputs(frame, np.zeros(len(frame), dtype=np.int64), job, context)
    return load_job_model(job, replace(context, layout=layout)).predict(X)
