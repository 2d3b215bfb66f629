"""Tasks of a Dask scheduler, a few more of them in flight than its workers have threads."""

import logging
import secrets
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic

from foxml_assets.engines.task import (
    MOST_BEGINNINGS,
    OrderT,
    ResultT,
    Task,
    Work,
    run_task,
    worker_killed,
)

if TYPE_CHECKING:
    from distributed import Client, Future

# Tasks in flight for each thread of a worker: one runs, and the next one waits beside it.
_IN_FLIGHT = 2
# How often to look, while no task ends, for workers that came and for the end of the time.
_LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Flight(Generic[OrderT, ResultT]):
    """`work` on the workers of one scheduler; `until`, by the clock, is when no more of it is begun."""

    def __init__(self, client: "Client", work: Work[OrderT, ResultT], *, until: float) -> None:
        self._client, self._work, self._until = client, work, until
        self._name = f"foxml-{secrets.token_hex(8)}"
        self._sent, self._is_waiting = 0, False
        self._flying: dict[Future, Task[OrderT]] = {}
        self._ended: SimpleQueue[Future] = SimpleQueue()

    def carry(self, orders: Iterable[tuple[str, OrderT]]) -> Iterator[tuple[str, ResultT | Exception]]:
        """Begin `orders`, each with a name of its own, as they come, and yield each as it ends.

        What was not begun is not yielded. When the caller stops asking, `Stop` is set for what runs.
        """
        waiting = iter(orders)
        try:
            while self._keep_busy(waiting):
                future = self._next()
                if future is None:
                    continue
                task = self._flying.pop(future)
                result = self._result(future, task)
                if result is not None:
                    yield task.name, result
        finally:
            self._give_up()

    def _keep_busy(self, waiting: Iterator[tuple[str, OrderT]]) -> bool:
        """Send the next orders, as many as the workers there are need; whether any is to be waited for."""
        threads = sum(self._client.nthreads().values())
        is_late = time.time() >= self._until
        if not threads and not self._is_waiting:
            _log.warning("the Dask scheduler has no worker; jobs wait for one")
        self._is_waiting = not threads
        while not is_late and len(self._flying) < _IN_FLIGHT * max(threads, 1):
            named = next(waiting, None)
            if named is None:
                break
            self._send(Task(*named, until=self._until, batch=self._name))
        # Without a worker none was begun, and none will be.
        return bool(self._flying) and not (is_late and not threads)

    def _send(self, task: Task[OrderT]) -> None:
        self._sent += 1
        future = self._client.submit(
            run_task,
            self._work,
            task,
            key=(self._name, task.name, self._sent),
            priority=-self._sent,
            retries=0,
            pure=False,
        )
        self._flying[future] = task
        future.add_done_callback(self._ended.put)

    def _next(self) -> "Future | None":
        try:
            return self._ended.get(timeout=_LOOK_SECONDS)
        except Empty:
            return None

    def _result(self, future: "Future", task: Task[OrderT]) -> ResultT | Exception | None:
        """What a task came to; None if it was not begun, or is begun again."""
        from distributed import Event, KilledWorker

        if future.cancelled():
            raise CancelledError("the scheduler has dropped a job")
        # What is done is begun again if its worker is killed before the result is here.
        results: list[ResultT | None] = self._client.gather([future], errors="skip")
        if results:
            return results[0]
        error: Exception = future.exception()
        if not isinstance(error, KilledWorker):
            return error
        # The scheduler blames all that waited on the worker too, and has a limit of its own.
        marks = [Event(task.beginning(number), self._client) for number in range(1, MOST_BEGINNINGS + 1)]
        if not all(mark.is_set() for mark in marks):
            self._send(task)
            return None
        for mark in marks:
            mark.clear()
        return worker_killed()

    def _give_up(self) -> None:
        """Begin nothing further of what is still in flight."""
        from distributed import Event

        if self._flying and self._client.status == "running":
            self._client.cancel(list(self._flying))
            Event(self._name, self._client).set()
