"""Several jobs in one run: a pool of threads, each fit on one thread, outcomes as they come."""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.directories import sweep_staged
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.data import share_rows
from foxml_assets.training.outcome import JobOutcome
from foxml_assets.training.train_job import failed_model, train_job


def train_jobs(
    jobs: Sequence[Job], context: TrainingContext, *, seconds: float = math.inf
) -> Iterator[JobOutcome]:
    """Train `jobs`, started in the given order, and yield each outcome as its job finishes.

    A job that fails, for whatever reason, is an outcome and leaves the others standing. After `seconds` no
    further job is begun; one that was not has no outcome. Nothing runs before the first outcome is asked for.
    When the caller stops asking (an interrupt included), no further fit is started. Raises PanelError if the
    panel cannot be read at all, and LinkError.
    """
    sweep_staged(context.layout.staged_models)
    if not jobs:
        return
    until = time.monotonic() + seconds
    shared = share_rows(jobs, context)
    stop = threading.Event()

    def begin(job: Job) -> JobOutcome | None:
        return train_job(job, context, shared, stop) if time.monotonic() < until else None

    pool = ThreadPoolExecutor(context.config.threads, thread_name_prefix="training")
    try:
        futures = {pool.submit(begin, job): job for job in jobs}
        for future in as_completed(futures):
            outcome = _outcome(futures[future], future, context)
            if outcome is not None:
                yield outcome
    finally:
        # Fits that run cannot be ended; their jobs stop before the next family, and no other job begins.
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _outcome(job: Job, future: Future[JobOutcome | None], context: TrainingContext) -> JobOutcome | None:
    """What a job came to; None if it was not begun. An error that nothing foresaw (a bug in a library, say)
    fails the job alone."""
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, Exception):
        raise error
    return JobOutcome(
        job, tuple(failed_model(job, family, error, context) for family in job.model_families), seconds=0.0
    )
