"""Jobs as tasks of a Dask scheduler."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from foxml_assets.engines.cluster import connected, describe_cluster, require_same_software
from foxml_assets.engines.flight import Flight
from foxml_assets.engines.worker_panel import PanelPlace, place_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.directories import sweep_staged
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.engines.dask_task import Order, forget_rows, order_of, software, train_order
from foxml_assets.training.engines.engine import Ending
from foxml_assets.training.engines.model_catalogue import Catalogue
from foxml_assets.training.outcome import JobOutcome

# What a killed worker left is removed by age, as no lock tells of processes on other machines.
_ABANDONED_SECONDS = 86_400


class DaskEngine:
    """Jobs on the workers of the scheduler at an address.

    They share the root, but for the panel and the models that are in object stores.
    """

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    def describe(self) -> str:
        """As `Engine.describe`."""
        return describe_cluster(self._scheduler, partial(software, ()))

    def train(self, jobs: Sequence[Job], context: TrainingContext, *, seconds: float) -> Iterator[Ending]:
        """As `Engine.train`. Raises EngineError without a scheduler, or when it is lost, and LinkError.

        With a store for the panel StoreError, if the panel cannot be put there, and PanelError.
        """
        sweep_staged(context.layout.staged_models, older_than=_ABANDONED_SECONDS)
        if not jobs:
            return
        families = sorted({family for job in jobs for family in job.model_families})
        with connected(self._scheduler) as client:
            require_same_software(client, partial(software, families))
            panel = place_panel(context.layout, context.config.storage.panel_store, context.info)
            batch = _Batch(jobs, context, panel)
            flight = Flight[Order, JobOutcome](client, train_order, until=time.time() + seconds)
            try:
                for name, result in flight.carry(batch.orders()):
                    yield from batch.unsent()
                    yield batch.ended(name, result)
            finally:
                if client.status == "running":
                    # What comes next needs the memory; a worker that has gone needs none.
                    client.run(forget_rows, panel, context.holdout_fraction, on_error="return")
            yield from batch.unsent()


class _Batch:
    """The jobs of one run."""

    def __init__(self, jobs: Sequence[Job], context: TrainingContext, panel: PanelPlace) -> None:
        self._jobs, self._context, self._panel = {job.job_id: job for job in jobs}, context, panel
        store = context.config.storage.model_store
        self._catalogue = Catalogue(context, store) if store is not None else None
        self._unsent: list[Ending] = []

    def orders(self) -> Iterator[tuple[str, Order]]:
        """An order for each job, by its id, but for those of which all is found here."""
        for name, job in self._jobs.items():
            families = self._catalogue.missing(job) if self._catalogue is not None else ()
            if self._catalogue is not None and not families:
                self._unsent.append((job, self._catalogue.enter(job)))
            else:
                yield name, order_of(job, self._context, self._panel, families)

    def unsent(self) -> Iterator[Ending]:
        """The jobs without an order since it was last asked, and what is there of them."""
        while self._unsent:
            yield self._unsent.pop(0)

    def ended(self, name: str, result: JobOutcome | Exception) -> Ending:
        """What a job came to, written down if its worker does not see the models' folders."""
        job = self._jobs[name]
        if self._catalogue is None or isinstance(result, Exception):
            return job, result
        return job, self._catalogue.enter(job, result)
