"""Jobs on the threads of this process, each fit on one of them."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.directories import sweep_staged
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.data import share_panel
from foxml_assets.training.engines.engine import Ending
from foxml_assets.training.outcome import JobOutcome
from foxml_assets.training.train_job import train_job


class ThreadsEngine:
    """So many jobs side by side."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def describe(self) -> str:
        """As `Engine.describe`; they are always there."""
        return f"{self._threads} threads of this machine"

    def train(self, jobs: Sequence[Job], context: TrainingContext, *, seconds: float) -> Iterator[Ending]:
        """As `Engine.train`. Raises PanelError if the panel cannot be read at all, and LinkError."""
        sweep_staged(context.layout.staged_models)
        if not jobs:
            return
        until = time.monotonic() + seconds
        shared = share_panel(jobs, context)
        stop = threading.Event()

        def begin(job: Job) -> JobOutcome | None:
            return train_job(job, context, shared, stop) if time.monotonic() < until else None

        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="training")
        try:
            futures = {pool.submit(begin, job): job for job in jobs}
            for future in as_completed(futures):
                result = _result(future)
                if result is not None:
                    yield futures[future], result
        finally:
            # Fits that run cannot be ended; their jobs stop before the next family, and no other job begins.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _result(future: Future[JobOutcome | None]) -> JobOutcome | Exception | None:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, Exception):
        raise error
    return error
