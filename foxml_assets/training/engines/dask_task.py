"""One job on a Dask worker: what travels to it, and what it does there.

A worker needs this package and the root, which it sees under the same path as who sends the job.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from foxml_assets.core.errors import PanelError, Problem, TrainingError
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.registry import find_family
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import load_panel_info, read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import ModelContext, TrainingContext
from foxml_assets.training.data import share_rows
from foxml_assets.training.outcome import JobOutcome
from foxml_assets.training.split import Timeline, timeline_of
from foxml_assets.training.train_job import train_job
from foxml_assets.training.training_config import CODE_VERSION

# A job whose worker was killed is begun once more.
MOST_BEGINNINGS = 2


@dataclass(frozen=True)
class Order:
    """A job as it travels: small, whatever the size of panel and plan.

    `settings` are without the panel, whose description has `panel_hash`. After `until`, by the clock of its
    machine, a worker does not begin it. `batch` is told to all orders that are given up together.
    """

    job: Job
    settings: ModelContext
    panel_hash: str
    until: float
    batch: str

    def beginning(self, number: int) -> str:
        """The name of the event that is set once it was begun for the `number`th time."""
        return f"{self.batch}/{self.job.job_id}/begun {number}"


def order_of(job: Job, context: TrainingContext, panel_hash: str, *, until: float, batch: str) -> Order:
    """The order to train `job`. Of what is recorded it has only what concerns the job."""
    keys = [(job.spec_hash, family) for family in job.model_families]
    recorded = {key: context.recorded[key] for key in keys if key in context.recorded}
    settings = ModelContext(context.layout, None, context.config, context.holdout_fraction, recorded)
    return Order(job, settings, panel_hash, until, batch)


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
        panel = _panel(order.settings.layout, order.settings.holdout_fraction, order.panel_hash)
        context = _with_panel(order.settings, panel.info)
        rows = share_rows([order.job], context, panel.timeline)
        return train_job(order.job, context, rows, Event(order.batch, client))
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


@dataclass(frozen=True)
class _Panel:
    info: PanelInfo
    timeline: Timeline


@lru_cache(maxsize=2)
def _panel(layout: Layout, holdout_fraction: float, panel_hash: str) -> _Panel:
    """The panel's description and bars, read once by a worker for all its jobs."""
    try:
        info = load_panel_info(layout)
    except PanelError as error:
        raise _other_panel(layout, str(error)) from error
    if panel_hash_of(info) != panel_hash:
        raise _other_panel(layout, "it is another than that which the run began with")
    times = read_panel(layout, info, [])[info.time_column]
    return _Panel(info, timeline_of(times, holdout_fraction))


def _other_panel(layout: Layout, what: str) -> TrainingError:
    return TrainingError(
        "the worker does not see the panel of this run",
        file=layout.panel_info,
        problems=[Problem("panel", what)],
        fix="the root must be on a file system that all workers share, under the same path",
    )


def _with_panel(settings: ModelContext, info: PanelInfo) -> TrainingContext:
    return TrainingContext(
        settings.layout, info, settings.config, settings.holdout_fraction, settings.recorded
    )
