"""Jobs as tasks of a Dask scheduler, a few more of them in flight than its workers have threads."""

import logging
import secrets
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from foxml_assets.core.errors import EngineError, Problem
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.panel.files.stored_panel import StoredPanel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.directories import sweep_staged
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.engines.catalogue import Catalogue
from foxml_assets.training.engines.dask_task import (
    MOST_BEGINNINGS,
    Order,
    order_of,
    panel_hash_of,
    software,
    train_order,
    worker_killed,
)
from foxml_assets.training.engines.engine import Ending
from foxml_assets.training.outcome import JobOutcome

if TYPE_CHECKING:
    from distributed import Client, Future

# Jobs in flight for each thread of a worker: one runs, and the next one waits beside it.
_IN_FLIGHT = 2
CONNECT_SECONDS = 15
# How often to look, while no job ends, for workers that came and for the end of the time.
_LOOK_SECONDS = 1.0
# What a killed worker left is removed by age, as no lock tells of processes on other machines.
_ABANDONED_SECONDS = 86_400
_log = logging.getLogger(__name__)


class DaskEngine:
    """Jobs on the workers of the scheduler at an address.

    They share the root, but for the panel and the models that are in object stores.
    """

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    def describe(self) -> str:
        """As `Engine.describe`."""
        with _connected(self._scheduler) as client:
            _require_same_software(client, ())
            threads = client.nthreads()
        return f"{len(threads)} workers with {sum(threads.values())} threads at {self._scheduler}"

    def train(self, jobs: Sequence[Job], context: TrainingContext, *, seconds: float) -> Iterator[Ending]:
        """As `Engine.train`. Raises EngineError without a scheduler, or when it is lost, and LinkError.

        With a store for the panel StoreError, if the panel cannot be put there, and PanelError.
        """
        sweep_staged(context.layout.staged_models, older_than=_ABANDONED_SECONDS)
        if not jobs:
            return
        families = sorted({family for job in jobs for family in job.model_families})
        with _connected(self._scheduler) as client:
            _require_same_software(client, families)
            _put_panel(context)
            yield from _Batch(client, context, until=time.time() + seconds).train(jobs)


class _Batch:
    """The jobs of one run on one scheduler."""

    def __init__(self, client: "Client", context: TrainingContext, *, until: float) -> None:
        self._client, self._context, self._until = client, context, until
        self._name = f"foxml-{secrets.token_hex(8)}"
        self._panel_hash = panel_hash_of(context.info)
        store = context.config.storage.model_store
        self._catalogue = Catalogue(context, store) if store is not None else None
        self._done: list[Ending] = []
        self._sent, self._is_waiting = 0, False
        self._flying: dict[Future, Order] = {}
        self._ended: SimpleQueue[Future] = SimpleQueue()

    def train(self, jobs: Sequence[Job]) -> Iterator[Ending]:
        """Yield each job as it ends."""
        waiting = deque(jobs)
        try:
            while self._keep_busy(waiting):
                if self._done:
                    yield self._done.pop()
                    continue
                future = self._next()
                if future is None:
                    continue
                order = self._flying.pop(future)
                result = self._result(future, order)
                if result is not None:
                    yield order.job, self._written_down(order.job, result)
        finally:
            self._give_up()

    def _keep_busy(self, waiting: deque[Job]) -> bool:
        """Send the next jobs, as many as the workers there are need; whether any is to be waited for."""
        threads = sum(self._client.nthreads().values())
        is_late = time.time() >= self._until
        if not threads and not self._is_waiting:
            _log.warning("the Dask scheduler has no worker; jobs wait for one")
        self._is_waiting = not threads
        most = _IN_FLIGHT * max(threads, 1)
        while waiting and not is_late and not self._done and len(self._flying) < most:
            self._begin(waiting.popleft())
        # Without a worker none was begun, and none will be.
        return bool(self._done) or (bool(self._flying) and not (is_late and not threads))

    def _begin(self, job: Job) -> None:
        """Send `job`, unless it is known here that there is nothing to train."""
        families = self._catalogue.missing(job) if self._catalogue is not None else ()
        if self._catalogue is not None and not families:
            self._done.append((job, self._catalogue.enter(job)))
            return
        order = order_of(
            job,
            self._context,
            self._panel_hash,
            until=self._until,
            batch=self._name,
            families=families,
        )
        self._send(order)

    def _written_down(self, job: Job, result: JobOutcome | Exception) -> JobOutcome | Exception:
        """What a worker that does not see the models' folders came to, after it was written there."""
        if self._catalogue is None or isinstance(result, Exception):
            return result
        return self._catalogue.enter(job, result)

    def _send(self, order: Order) -> None:
        self._sent += 1
        future = self._client.submit(
            train_order,
            order,
            key=(self._name, order.job.job_id, self._sent),
            priority=-self._sent,
            retries=0,
            pure=False,
        )
        self._flying[future] = order
        future.add_done_callback(self._ended.put)

    def _next(self) -> "Future | None":
        try:
            return self._ended.get(timeout=_LOOK_SECONDS)
        except Empty:
            return None

    def _result(self, future: "Future", order: Order) -> JobOutcome | Exception | None:
        """What a job came to; None if it was not begun, or is begun again."""
        from distributed import Event, KilledWorker

        if future.cancelled():
            raise CancelledError("the scheduler has dropped a job")
        # A job that is done is begun again if its worker is killed before its outcome is here.
        outcomes: list[JobOutcome | None] = self._client.gather([future], errors="skip")
        if outcomes:
            return outcomes[0]
        error: Exception = future.exception()
        if not isinstance(error, KilledWorker):
            return error
        # The scheduler blames all that waited on the worker too, and has a limit of its own.
        marks = [Event(order.beginning(number), self._client) for number in range(1, MOST_BEGINNINGS + 1)]
        if not all(mark.is_set() for mark in marks):
            self._send(order)
            return None
        for mark in marks:
            mark.clear()
        return worker_killed()

    def _give_up(self) -> None:
        """Begin no further fit of what is still in flight."""
        from distributed import Event

        if self._flying and self._client.status == "running":
            self._client.cancel(list(self._flying))
            Event(self._name, self._client).set()


def _put_panel(context: TrainingContext) -> None:
    store = context.config.storage.panel_store
    if store is not None:
        StoredPanel(store, panel_hash_of(context.info)).put(context.layout, context.info)


def _require_same_software(client: "Client", families: Sequence[ModelFamily]) -> None:
    """Raise EngineError if a worker that is there now has other software than this process."""
    expected = software(families)
    problems: list[Problem] = []
    for worker, found in client.run(software, families, on_error="return").items():
        if isinstance(found, dict):
            wrong = [name for name in expected if found[name] != expected[name]]
            problems += [Problem(f"{worker}: {at}", f"is {expected[at]} here", found[at]) for at in wrong]
        elif not isinstance(found, OSError):  # as of a worker that has gone meanwhile
            problems.append(Problem(worker, f"cannot run jobs: {found}"))
    if problems:
        raise EngineError(
            "Dask workers have other software than this machine",
            problems=problems,
            fix="install there what is installed here, at the same versions",
        )


@contextmanager
def _connected(scheduler: str) -> Iterator["Client"]:
    """A client of the scheduler at that address. Raises EngineError, also when it is lost in the block."""
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineError(
            "jobs are to run on Dask, which is not installed",
            problems=[Problem("engine.kind", str(error), "dask")],
            fix="pip install 'foxml-assets[dask]'",
        ) from error
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False, name="foxml")
    except (OSError, ValueError, TypeError) as error:
        raise EngineError(
            "no Dask scheduler answers",
            problems=[Problem("engine.scheduler", str(error), scheduler)],
            fix="start one (dask scheduler), or set the address that it prints in training_config.yaml",
        ) from error
    try:
        with client:
            yield client
    except (OSError, CancelledError) as error:
        # A command goes on after a batch that failed, and shows what was logged.
        _log.warning("the Dask scheduler at %s was lost", scheduler)
        raise EngineError(
            "the Dask scheduler was lost; what was trained stands",
            problems=[Problem("engine.scheduler", str(error), scheduler)],
            fix="start it again, and then: foxml train",
        ) from error
