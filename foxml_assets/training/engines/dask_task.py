"""One job on a Dask worker: what travels to it, and what it does there.

A worker needs this package; and the root, which it sees under the same path as who sends the job, for the
panel and the models as far as they are not in object stores.
"""

import dataclasses
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from foxml_assets.core.errors import PanelError, Problem, TrainingError
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.registry import find_family
from foxml_assets.panel.files.stored_panel import StoredPanel
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import load_panel_info, read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore
from foxml_assets.training.context import ModelContext, TrainingContext
from foxml_assets.training.data import ReadRows, SharedRows, share_rows
from foxml_assets.training.outcome import JobOutcome
from foxml_assets.training.split import Timeline, timeline_of
from foxml_assets.training.train_job import Stop, outcome_of, train_families, train_job
from foxml_assets.training.training_config import CODE_VERSION

# Of no use to a worker that finds everything in object stores.
_NO_ROOT = Path(os.devnull)
# A job whose worker was killed is begun once more.
MOST_BEGINNINGS = 2


@dataclass(frozen=True)
class Order:
    """A job as it travels: small, whatever the size of panel and plan.

    `families` are those of the job that are to be trained, whatever is there; none: those that are not there.
    `settings` are without the panel, whose description has `panel_hash`. After `until`, by the clock of its
    machine, a worker does not begin it. `batch` is told to all orders that are given up together.
    """

    job: Job
    families: tuple[ModelFamily, ...]
    settings: ModelContext
    panel_hash: str
    until: float
    batch: str

    def beginning(self, number: int) -> str:
        """The name of the event that is set once it was begun for the `number`th time."""
        return f"{self.batch}/{self.job.job_id}/begun {number}"


def order_of(
    job: Job,
    context: TrainingContext,
    panel_hash: str,
    *,
    until: float,
    batch: str,
    families: Sequence[ModelFamily] = (),
) -> Order:
    """The order to train `job`. Of what is recorded it has only what concerns the job."""
    keys = [(job.spec_hash, family) for family in job.model_families]
    recorded = {key: context.recorded[key] for key in keys if key in context.recorded}
    storage, layout = context.config.storage, context.layout
    if storage.panel is not None and storage.models is not None:
        layout = dataclasses.replace(layout, root=_NO_ROOT)
    settings = ModelContext(layout, None, context.config, context.holdout_fraction, recorded)
    return Order(job, tuple(families), settings, panel_hash, until, batch)


def panel_hash_of(info: PanelInfo) -> str:
    """What a worker knows the panel by."""
    return content_hash(info)


def software(families: Sequence[ModelFamily]) -> dict[str, str]:
    """What makes the bytes of a model beside its job, as it is where this is called."""
    libraries = {find_family(family).distribution for family in families}
    versions = {name: _version(name) for name in sorted({"foxml-assets", "numpy", "pandas", *libraries})}
    return {**versions, "training code": str(CODE_VERSION)}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def train_order(order: Order) -> JobOutcome | None:
    """Train the job of `order` on this worker; None if its time was up.

    Raises TrainingError if it was begun too often, or if the worker sees another panel, and PanelError.
    """
    from distributed import Event, get_client

    if time.time() >= order.until:
        return None
    client = get_client()
    marks = [Event(order.beginning(number), client) for number in range(1, MOST_BEGINNINGS + 1)]
    # A worker that is killed never comes to clear its marks.
    unmarked = next((mark for mark in marks if not mark.is_set()), None)
    try:
        if unmarked is None:
            raise worker_killed()
        unmarked.set()
        panel = _panel(order.settings, order.panel_hash)
        context = _with_panel(order.settings, panel.info)
        shared = share_rows([order.job], context, panel.timeline, panel.read_rows)
        return _train(order, context, shared, Event(order.batch, client))
    finally:
        for mark in marks:
            mark.clear()


def worker_killed() -> TrainingError:
    """Why a job fails whose workers were killed while they trained it."""
    return TrainingError(
        f"the worker that trained it was killed, {MOST_BEGINNINGS} times",
        fix="look for what killed it in the workers' logs; if it was memory, give each worker more, "
        "or one thread",
    )


def _train(order: Order, context: TrainingContext, shared: SharedRows, stop: Stop) -> JobOutcome:
    if not order.families:
        return train_job(order.job, context, shared, stop)
    started = time.perf_counter()
    # The files go into the object store; what else is of the models travels in the outcome.
    with tempfile.TemporaryDirectory(prefix="foxml-") as folder:
        layout = dataclasses.replace(context.layout, root=Path(folder).resolve())
        apart = dataclasses.replace(context, layout=layout)
        models = train_families(order.job, order.families, apart, shared, stop)
    return outcome_of(order.job, models, time.perf_counter() - started)


@dataclass(frozen=True)
class _Panel:
    info: PanelInfo
    timeline: Timeline
    read_rows: ReadRows


@lru_cache(maxsize=2)
def _read_panel(
    layout: Layout, store: ObjectStore | None, holdout_fraction: float, panel_hash: str
) -> _Panel:
    """The panel's description and bars, read once by a worker for all its jobs."""
    if store is not None:
        stored = StoredPanel(store, panel_hash)
        info = stored.info()
        return _Panel(info, timeline_of(stored.times(info), holdout_fraction), stored.read)
    try:
        info = load_panel_info(layout)
    except PanelError as error:
        raise _other_panel(layout, str(error)) from error
    if panel_hash_of(info) != panel_hash:
        raise _other_panel(layout, "it is another than that which the run began with")
    read_rows = partial(read_panel, layout)
    times = read_rows(info, [])[info.time_column]
    return _Panel(info, timeline_of(times, holdout_fraction), read_rows)


def _panel(settings: ModelContext, panel_hash: str) -> _Panel:
    store = settings.config.storage.panel_store
    return _read_panel(settings.layout, store, settings.holdout_fraction, panel_hash)


def _other_panel(layout: Layout, what: str) -> TrainingError:
    return TrainingError(
        "the worker does not see the panel of this run",
        file=layout.panel_info,
        problems=[Problem("panel", what)],
        fix="the root must be on a file system that all workers share, under the same path, "
        "or the panel in an object store: storage.panel in training_config.yaml",
    )


def _with_panel(settings: ModelContext, info: PanelInfo) -> TrainingContext:
    return TrainingContext(
        settings.layout, info, settings.config, settings.holdout_fraction, settings.recorded
    )
