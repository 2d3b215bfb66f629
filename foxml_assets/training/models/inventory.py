"""What is trained: the state of every job of a plan, and models that belong to none.

This is the one notion of it: pending jobs, status, checks and the report all ask here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.failures import failure_reason, joined_reasons
from foxml_assets.training.models.look import Look, look_at
from foxml_assets.training.models.manifest import ModelState, model_folders
from foxml_assets.training.models.stored import StoredModel, stored_model

_WORST_FIRST = (
    ModelState.FAILED,
    ModelState.CORRUPT,
    ModelState.STALE,
    ModelState.MISSING,
    ModelState.TRAINED,
)


@dataclass(frozen=True)
class ModelStatus:
    """One model family of a job. A trained one has no `reason`, but the hash of its manifest."""

    family: ModelFamily
    state: ModelState
    reason: str
    manifest_sha256: str = ""


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
    """The state of one job, whose files are read."""
    stored = [stored_model(job, family, context) for family in job.model_families]
    return _status(job, stored, context.layout)


def job_statuses(jobs: Sequence[Job], look: Look, layout: Layout) -> tuple[JobStatus, ...]:
    """The state of `jobs` by a look at them."""
    return tuple(_status(job, stored, layout) for job, stored in zip(jobs, look.models, strict=True))


def take_inventory(jobs: Sequence[Job], context: ModelContext, *, deep: bool = False) -> Inventory:
    """The state of `jobs` (all jobs of a plan) and the orphans beside them.

    `deep`: every file is read. Else not those that an earlier look has verified and that look unchanged.
    """
    layout = context.layout
    if deep:
        statuses = tuple(job_status(job, context) for job in jobs)
    else:
        statuses = job_statuses(jobs, look_at(jobs, context), layout)
    asked_for = {
        layout.model_dir(status.job.target, status.job.symbol, model.family)
        for status in statuses
        for model in status.models
    }
    return Inventory(statuses, tuple(path for path in model_folders(layout) if path not in asked_for))


def _status(job: Job, stored: Sequence[StoredModel], layout: Layout) -> JobStatus:
    models = zip(job.model_families, stored, strict=True)
    return JobStatus(job, tuple(_model_status(job, family, one, layout) for family, one in models))


def _model_status(job: Job, family: ModelFamily, stored: StoredModel, layout: Layout) -> ModelStatus:
    if stored.state is not ModelState.TRAINED:
        failed = failure_reason(job, family, layout)
        if failed is not None:
            return ModelStatus(family, ModelState.FAILED, failed)
    return ModelStatus(family, stored.state, stored.reason, stored.manifest_sha256)
