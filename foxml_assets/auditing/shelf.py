"""Where the models of each job are: among the plan's, or apart with the audit's baselines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from foxml_assets.auditing.routing_audit import Cost
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.models.fit_times import read_fit_seconds
from foxml_assets.training.models.inventory import job_status
from foxml_assets.training.models.manifest import ModelState


@dataclass(frozen=True)
class _Place:
    layout: Layout
    state: ModelState
    planned: bool


@dataclass(frozen=True)
class Shelf:
    """The models of the plan's jobs and of the baselines', by the hash of their spec."""

    places: Mapping[str, _Place]

    def state(self, job: Job) -> ModelState:
        """The state of the job's models, wherever they are."""
        return self.places[job.spec_hash].state

    def of_plan(self, job: Job) -> bool:
        """Whether the plan has a job of the same spec, which is then the one to train."""
        return self.places[job.spec_hash].planned

    def layout(self, job: Job) -> Layout:
        """Where the models of `job` are to be loaded from."""
        return self.places[job.spec_hash].layout

    def is_usable(self, job: Job) -> bool:
        """Whether all models of `job` are there."""
        return self.state(job) is ModelState.TRAINED

    def cost(self, jobs: Iterable[Job]) -> Cost:
        """What training `jobs` took, as far as it was recorded. Raises TrainingError for a damaged record."""
        counts = dict.fromkeys(ModelState, 0)
        models, seconds = 0, 0.0
        for job in jobs:
            counts[self.state(job)] += 1
            if self.is_usable(job):
                models += len(job.model_families)
                seconds += sum(
                    read_fit_seconds(job, family, self.layout(job)) or 0.0 for family in job.model_families
                )
        total, trained, failed = sum(counts.values()), counts[ModelState.TRAINED], counts[ModelState.FAILED]
        return Cost(total, trained, failed, total - trained - failed, models, round(seconds, 3))


def take_stock(planned: Iterable[Job], others: Iterable[Job], context: TrainingContext) -> Shelf:
    """Find the models of the plan's jobs and of the `others`. Reads every model file once.

    A model of the same spec is never trained twice: a baseline job takes the plan's, also one that a job
    which left the plan has left behind. Models of the plan made from other data than the panel's are stale.
    """
    places: dict[str, _Place] = {}
    for job in planned:
        state = job_status(job, context).state
        current = context.panel_of(job) is not None
        places[job.spec_hash] = _Place(context.layout, state if current else ModelState.STALE, planned=True)
    apart = replace(context, layout=context.layout.for_baselines())
    for job in others:
        if job.spec_hash not in places:
            left_behind = job_status(job, context).state is ModelState.TRAINED
            place = context if left_behind else apart
            places[job.spec_hash] = _Place(place.layout, job_status(job, place).state, planned=False)
    return Shelf(places)
