"""One piece of work on a Dask worker: what travels to it, and how its beginnings are counted there."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from foxml_assets.core.errors import EngineError

# What was at a worker that was killed is begun once more.
MOST_BEGINNINGS = 2

OrderT = TypeVar("OrderT")
ResultT = TypeVar("ResultT")


class Stop(Protocol):
    """An event, of this process or of a cluster."""

    def is_set(self) -> bool:
        """Whether nothing further is to be begun."""


# None is for work that was given up.
Work = Callable[[OrderT, Stop], ResultT | None]


@dataclass(frozen=True)
class Task(Generic[OrderT]):
    """An order as it travels, and must be small, whatever the size of panel and plan.

    After `until`, by the clock of its machine, a worker does not begin it. `batch` is told to all tasks that
    are given up together, of which each has a `name` of its own.
    """

    name: str
    order: OrderT
    until: float
    batch: str

    def beginning(self, number: int) -> str:
        """The name of the event that is set once it was begun for the `number`th time."""
        return f"{self.batch}/{self.name}/begun {number}"


def run_task(work: Work[OrderT, ResultT], task: Task[OrderT]) -> ResultT | None:
    """Do `work` on this worker; None if its time was up. Raises EngineError if it was begun too often."""
    from distributed import Event, get_client

    if time.time() >= task.until:
        return None
    client = get_client()
    marks = [Event(task.beginning(number), client) for number in range(1, MOST_BEGINNINGS + 1)]
    # A worker that is killed never comes to clear its marks.
    unmarked = next((mark for mark in marks if not mark.is_set()), None)
    try:
        if unmarked is None:
            raise worker_killed()
        unmarked.set()
        return work(task.order, Event(task.batch, client))
    finally:
        for mark in marks:
            mark.clear()


def worker_killed() -> EngineError:
    """Why work fails whose workers were killed while they did it."""
    return EngineError(
        f"the worker that had it was killed, {MOST_BEGINNINGS} times",
        fix="look for what killed it in the workers' logs; if it was memory, give each worker more, "
        "or one thread",
    )
