"""Several jobs in one run, on the engine that the settings name; outcomes as they come."""

import math
from collections.abc import Iterator, Sequence

from foxml_assets.engines.settings import OnDask
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.engines.dask_engine import DaskEngine
from foxml_assets.training.engines.engine import Engine
from foxml_assets.training.engines.threads_engine import ThreadsEngine
from foxml_assets.training.outcome import JobOutcome
from foxml_assets.training.train_job import failed_model
from foxml_assets.training.training_config import TrainingConfig


def train_jobs(
    jobs: Sequence[Job], context: TrainingContext, *, seconds: float = math.inf
) -> Iterator[JobOutcome]:
    """Train `jobs`, started in the given order, and yield each outcome as its job finishes.

    A job that fails, for whatever reason, is an outcome and leaves the others standing. After `seconds` no
    further job is begun; one that was not has no outcome. Nothing runs before the first outcome is asked for.
    When the caller stops asking (an interrupt included), no further fit is started. Raises LinkError; on
    threads PanelError if the panel cannot be read at all; on Dask EngineError without a scheduler.
    """
    for job, result in engine_of(context.config).train(jobs, context, seconds=seconds):
        yield result if isinstance(result, JobOutcome) else _failed(job, result, context)


def engine_of(config: TrainingConfig) -> Engine:
    """The engine that the settings name."""
    if isinstance(config.engine, OnDask):
        return DaskEngine(config.engine.scheduler)
    return ThreadsEngine(config.threads)


def _failed(job: Job, error: Exception, context: TrainingContext) -> JobOutcome:
    models = tuple(failed_model(job, family, error, context) for family in job.model_families)
    return JobOutcome(job, models, seconds=0.0)
