"""The hold-out rows of the panel, which neither decisions nor fits have seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.families.model import Vector
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.serving.panel_rows import Ints, PanelRows, panel_rows
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.data import job_features, panel_timeline
from foxml_assets.training.split import Timeline

CHUNK_ROWS = 500_000


@dataclass(frozen=True)
class Holdout:
    """The labelled rows of one target: a label and a bar for each of `rows`."""

    rows: PanelRows
    y: Vector
    bar: Ints


def read_holdout(
    target: str,
    jobs: Iterable[Job],
    context: TrainingContext,
    timeline: Timeline,
    *,
    chunk_rows: int = CHUNK_ROWS,
) -> Holdout:
    """The rows on which `jobs`, all of `target`, can be scored. Raises PanelError."""
    features = features_of(jobs, context.info)
    rows = holdout_rows(features, context, timeline, labelled=target, chunk_rows=chunk_rows)
    return Holdout(rows, rows.frame[target].to_numpy(dtype=np.float64), timeline.bar_of(rows.time))


def holdout_rows(
    features: Sequence[str],
    context: TrainingContext,
    timeline: Timeline,
    *,
    labelled: str | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> PanelRows:
    """`features` of all hold-out rows, or of those that have the label `labelled`. Raises PanelError.

    About `chunk_rows` rows of the panel are in memory at a time, before all but the hold-out is dropped.
    """
    info = context.info
    columns = [*features, *([labelled] if labelled is not None else [])]
    # Symbols to a chunk: its rows over the rows that a symbol has on average.
    step = max(1, chunk_rows * len(info.symbols) // max(1, info.n_rows))
    parts = []
    for first in range(0, len(info.symbols), step):
        frame = read_panel(context.layout, info, columns, info.symbols[first : first + step])
        kept = timeline.bar_of(frame[info.time_column]) >= timeline.holdout_bar
        if labelled is not None:
            kept &= frame[labelled].notna().to_numpy()
        parts.append(frame[kept])
    frame = pd.concat(parts, ignore_index=True)
    return panel_rows(frame[columns], frame[info.time_column], frame[info.symbol_column], info.symbols)


def features_of(jobs: Iterable[Job], info: PanelInfo) -> list[str]:
    """The columns of the panel that the models of `jobs` take, sorted."""
    return sorted({name for job in jobs for name in job_features(job, info)})


def holdout_timeline(context: TrainingContext) -> Timeline:
    """The bars of the panel, and where the hold-out begins that plan and models left alone.

    Raises PanelError where the config asks for another than the panel was described for: models may have
    been trained on its rows.
    """
    described_for = context.info.holdout_fraction
    if context.holdout_fraction != described_for:
        what = f"in data_config.yaml is not the {described_for} of the panel"
        problem = Problem("evidence.holdout_fraction", what, context.holdout_fraction)
        raise PanelError(
            "the panel was described for another hold-out",
            file=context.layout.panel_info,
            problems=[problem],
            fix="run again, so that plan and models leave it alone: foxml run",
        )
    return panel_timeline(context)


def require_holdout(timeline: Timeline, layout: Layout) -> None:
    """Raise PanelError where no bar of the panel was held out."""
    if timeline.holdout_bar == len(timeline.times):
        problem = Problem("evidence.holdout_fraction", "leaves no bar of the panel")
        raise PanelError(
            "there is no hold-out", file=layout.panel, problems=[problem], fix="raise it in data_config.yaml"
        )
