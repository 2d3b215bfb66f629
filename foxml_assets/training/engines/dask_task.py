"""One job on a Dask worker: what travels to it, and what it does there.

A worker needs this package and the root, which it sees under the same path as who sends the job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.engines.cluster import library_versions
from foxml_assets.engines.task import Stop
from foxml_assets.engines.worker_panel import load_same_panel
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import ModelContext, TrainingContext
from foxml_assets.training.data import share_rows
from foxml_assets.training.outcome import JobOutcome
from foxml_assets.training.split import Timeline, timeline_of
from foxml_assets.training.train_job import train_job
from foxml_assets.training.training_config import CODE_VERSION


@dataclass(frozen=True)
class Order:
    """A job as it travels. `settings` are without the panel, whose description has `panel_hash`."""

    job: Job
    settings: ModelContext
    panel_hash: str


def order_of(job: Job, context: TrainingContext, panel_hash: str) -> Order:
    """The order to train `job`. Of what is recorded it has only what concerns the job."""
    keys = [(job.spec_hash, family) for family in job.model_families]
    recorded = {key: context.recorded[key] for key in keys if key in context.recorded}
    settings = ModelContext(context.layout, None, context.config, context.holdout_fraction, recorded)
    return Order(job, settings, panel_hash)


def software(families: Sequence[ModelFamily]) -> dict[str, str]:
    """What makes the bytes of a model beside its job, as it is where this is called."""
    return {**library_versions(families), "training code": str(CODE_VERSION)}


def train_order(order: Order, stop: Stop) -> JobOutcome:
    """Train the job of `order` on this worker.

    Raises EngineError if the worker sees another panel, and PanelError.
    """
    panel = _panel(order.settings.layout, order.settings.holdout_fraction, order.panel_hash)
    context = _with_panel(order.settings, panel.info)
    rows = share_rows([order.job], context, panel.timeline)
    return train_job(order.job, context, rows, stop)


@dataclass(frozen=True)
class _Panel:
    info: PanelInfo
    timeline: Timeline


@lru_cache(maxsize=2)
def _panel(layout: Layout, holdout_fraction: float, panel_hash: str) -> _Panel:
    """The panel's description and bars, read once by a worker for all its jobs."""
    info = load_same_panel(layout, panel_hash)
    times = read_panel(layout, info, [])[info.time_column]
    return _Panel(info, timeline_of(times, holdout_fraction))


def _with_panel(settings: ModelContext, info: PanelInfo) -> TrainingContext:
    return TrainingContext(
        settings.layout, info, settings.config, settings.holdout_fraction, settings.recorded
    )
