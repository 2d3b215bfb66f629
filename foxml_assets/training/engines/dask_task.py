"""One job on a Dask worker: what travels to it, and what it does there.

A worker needs this package; and the root, which it sees under the same path as who sends the job, for the
panel and the models as far as they are not in object stores.
"""

import dataclasses
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.engines.cluster import library_versions
from foxml_assets.engines.task import Stop
from foxml_assets.engines.worker_panel import Kept, PanelPlace
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import ModelContext, TrainingContext
from foxml_assets.training.outcome import JobOutcome
from foxml_assets.training.shared_rows import SharedRows
from foxml_assets.training.split import Timeline, timeline_of
from foxml_assets.training.train_job import outcome_of, train_families, train_job
from foxml_assets.training.training_config import CODE_VERSION

# The rows of the last job: the next one is often of the same. Those of two jobs may not fit.
_ROWS = Kept[SharedRows]()
_TABLES = 1


@dataclass(frozen=True)
class Order:
    """A job as it travels. `settings` are without the panel, which is at `panel`.

    `families` are those of the job that are to be trained, whatever is there; none: those that are not there.
    """

    job: Job
    families: tuple[ModelFamily, ...]
    settings: ModelContext
    panel: PanelPlace


def order_of(
    job: Job, context: TrainingContext, panel: PanelPlace, families: Sequence[ModelFamily] = ()
) -> Order:
    """The order to train `families` of `job`. Of what is recorded it has only what concerns the job."""
    keys = [(job.spec_hash, family) for family in job.model_families]
    recorded = {key: context.recorded[key] for key in keys if key in context.recorded}
    # Of a job whose models go into a store a worker writes nothing under the root.
    layout = context.layout if context.config.storage.models is None else panel.layout
    settings = ModelContext(layout, None, context.config, context.holdout_fraction, recorded)
    return Order(job, tuple(families), settings, panel)


def software(families: Sequence[ModelFamily]) -> dict[str, str]:
    """What makes the bytes of a model beside its job, as it is where this is called."""
    return {**library_versions(families), "training code": str(CODE_VERSION)}


def train_order(order: Order, stop: Stop) -> JobOutcome:
    """Train the job of `order` on this worker.

    Raises EngineError if the worker sees another panel, PanelError, and StoreError.
    """
    key = order.panel, order.settings.holdout_fraction
    found = _read_panel(*key)
    context = _with_panel(order.settings, found.info)
    shared = _ROWS.get(key, lambda: SharedRows(found.info, found.timeline, order.panel.read, _TABLES))
    if not order.families:
        return train_job(order.job, context, shared, stop)
    return _train_apart(order, context, shared, stop)


def forget_rows(panel: PanelPlace, holdout_fraction: float) -> None:
    """Let go of the rows of the panel that this worker keeps."""
    _ROWS.forget((panel, holdout_fraction))


def _train_apart(order: Order, context: TrainingContext, shared: SharedRows, stop: Stop) -> JobOutcome:
    """Put the models' files into the object store; what else is of the models travels in the outcome."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="foxml-") as folder:
        layout = dataclasses.replace(context.layout, root=Path(folder).resolve())
        apart = dataclasses.replace(context, layout=layout)
        models = train_families(order.job, order.families, apart, shared, stop)
    return outcome_of(order.job, models, time.perf_counter() - started)


@dataclass(frozen=True)
class _Panel:
    info: PanelInfo
    timeline: Timeline


@lru_cache(maxsize=2)
def _read_panel(place: PanelPlace, holdout_fraction: float) -> _Panel:
    """The panel's description and bars, read once by a worker for all its jobs."""
    info = place.info()
    return _Panel(info, timeline_of(place.times(info), holdout_fraction))


def _with_panel(settings: ModelContext, info: PanelInfo) -> TrainingContext:
    return TrainingContext(
        settings.layout, info, settings.config, settings.holdout_fraction, settings.recorded
    )
