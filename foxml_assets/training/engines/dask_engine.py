"""Jobs as tasks of a Dask scheduler."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from foxml_assets.engines.cluster import connected, describe_cluster, require_same_software
from foxml_assets.engines.flight import Flight
from foxml_assets.engines.worker_panel import panel_hash_of
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.directories import sweep_staged
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.engines.dask_task import Order, order_of, software, train_order
from foxml_assets.training.engines.engine import Ending
from foxml_assets.training.outcome import JobOutcome

# What a killed worker left is removed by age, as no lock tells of processes on other machines.
_ABANDONED_SECONDS = 86_400


class DaskEngine:
    """Jobs on the workers of the scheduler at an address, which share the root."""

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    def describe(self) -> str:
        """As `Engine.describe`."""
        return describe_cluster(self._scheduler, partial(software, ()))

    def train(self, jobs: Sequence[Job], context: TrainingContext, *, seconds: float) -> Iterator[Ending]:
        """As `Engine.train`. Raises EngineError without a scheduler, or when it is lost, and LinkError."""
        sweep_staged(context.layout.staged_models, older_than=_ABANDONED_SECONDS)
        if not jobs:
            return
        families = sorted({family for job in jobs for family in job.model_families})
        named = {job.job_id: job for job in jobs}
        panel_hash = panel_hash_of(context.info)
        orders = ((name, order_of(job, context, panel_hash)) for name, job in named.items())
        with connected(self._scheduler) as client:
            require_same_software(client, partial(software, families))
            flight = Flight[Order, JobOutcome](client, train_order, until=time.time() + seconds)
            for name, result in flight.carry(orders):
                yield named[name], result
