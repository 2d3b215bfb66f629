"""What is trained: the state of every job of a plan, and models that belong to none.

This is the one notion of it: pending jobs, status, checks and the report all ask here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.failures import failure_reason, joined_reasons
from foxml_assets.training.models.manifest import ModelState, model_folders
from foxml_assets.training.models.stored import stored_model

_WORST_FIRST = (
    ModelState.FAILED,
    ModelState.CORRUPT,
    ModelState.STALE,
    ModelState.MISSING,
    ModelState.TRAINED,
)


@dataclass(frozen=True)
class ModelStatus:
    """One model family of a job. `reason` is empty for a trained model."""

    family: ModelFamily
    state: ModelState
    reason: str


@dataclass(frozen=True)
class JobStatus:
    """A job of the plan and its models, in the plan's order of families."""

    job: Job
    models: tuple[ModelStatus, ...]

    @property
    def state(self) -> ModelState:
        """The worst state of its models."""
        states = {model.state for model in self.models}
        return next((state for state in _WORST_FIRST if state in states), ModelState.TRAINED)

    @property
    def reason(self) -> str:
        """Why it is not trained; empty if it is."""
        return joined_reasons([(model.family, model.reason) for model in self.models])


@dataclass(frozen=True)
class Inventory:
    """Every job of a plan, and `orphans`: folders of models that no job of the plan asks for."""

    jobs: tuple[JobStatus, ...]
    orphans: tuple[Path, ...]

    @cached_property
    def counts(self) -> dict[ModelState, int]:
        """Number of jobs in each state, every state present."""
        found = [status.state for status in self.jobs]
        return {state: found.count(state) for state in ModelState}


def job_status(job: Job, context: ModelContext) -> JobStatus:
    """The state of one job."""
    return JobStatus(job, tuple(_model_status(job, family, context) for family in job.model_families))


def take_inventory(jobs: Iterable[Job], context: ModelContext) -> Inventory:
    """The state of `jobs` (all jobs of a plan) and the orphans beside them. Reads every model file once."""
    layout = context.layout
    statuses = tuple(job_status(job, context) for job in jobs)
    asked_for = {
        layout.model_dir(status.job.target, status.job.symbol, model.family)
        for status in statuses
        for model in status.models
    }
    return Inventory(statuses, tuple(path for path in model_folders(layout) if path not in asked_for))


def _model_status(job: Job, family: ModelFamily, context: ModelContext) -> ModelStatus:
    stored = stored_model(job, family, context)
    if stored.state is not ModelState.TRAINED:
        failed = failure_reason(job, family, context.layout)
        if failed is not None:
            return ModelStatus(family, ModelState.FAILED, failed)
    return ModelStatus(family, stored.state, stored.reason)
