"""What a pair is served with: the one place that knows. Report, audit and predictions all ask here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from foxml_assets.core.vocabulary import USES_OWN, USES_POOLED, Route
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.models.inventory import JobStatus
from foxml_assets.training.models.manifest import ModelState


@dataclass(frozen=True)
class Service:
    """The jobs whose predictions are averaged for a pair, pooled before own; or none, and why."""

    jobs: tuple[Job, ...]
    why_not: str = ""


@dataclass(frozen=True)
class PairService:
    """Who serves whom under a plan. `unusable` says, by job id, what is wrong with the models of a job, and
    `excluded` are the pairs that the pooled jobs leave out."""

    plan: MasterPlan
    unusable: Mapping[str, str]
    excluded: frozenset[tuple[str, str]]

    def serve(self, target: str, symbol: str, route: Route) -> Service:
        """All the models that the route names, or nothing."""
        if route is Route.BLOCKED:
            return Service((), "its route is blocked")
        sides = [self.pooled(target, symbol)] if route in USES_POOLED else []
        sides += [self.own(target, symbol)] if route in USES_OWN else []
        # Both models or none: the route was chosen for their mean, not for one of them.
        why_not = "; ".join(dict.fromkeys(side.why_not for side in sides if side.why_not))
        return Service((), why_not) if why_not else Service(tuple(job for side in sides for job in side.jobs))

    def pooled(self, target: str, symbol: str) -> Service:
        """The pooled model alone, whatever the route."""
        found = self._side(target, None, "pooled")
        if found.jobs and (target, symbol) in self.excluded:
            return Service((), "the pooled model excludes it")
        return found

    def own(self, target: str, symbol: str) -> Service:
        """The symbol's own model alone, whatever the route."""
        return self._side(target, symbol, "symbol")

    def _side(self, target: str, symbol: str | None, kind: str) -> Service:
        job = self.plan.jobs_by_pair.get((target, symbol))
        if job is None:
            return Service((), f"the plan has no {kind} job for it")
        wrong = self.unusable.get(job.job_id)
        return Service((job,)) if wrong is None else Service((), f"the {kind} model {wrong}")


def pair_service(plan: MasterPlan, unusable: Mapping[str, str]) -> PairService:
    """The service of `plan` by those of its jobs that are not `unusable`."""
    excluded = ((job.target, item.symbol) for job in plan.jobs for item in job.excluded_symbols)
    return PairService(plan, unusable, frozenset(excluded))


def pair_routes(plan: MasterPlan, routing: RoutingPlan | None, info: PanelInfo) -> pd.DataFrame:
    """Columns target, symbol, route of every pair; without a routing plan, of those the plan's jobs cover."""
    if routing is not None:
        return routing.pairs[["target", "symbol", "route"]].astype("str").reset_index(drop=True)
    covered: list[tuple[str, str, str]] = []
    for job in plan.jobs:
        excluded = {item.symbol for item in job.excluded_symbols}
        symbols = info.symbols if job.symbol is None else (job.symbol,)
        covered += [(job.target, symbol, job.route.value) for symbol in symbols if symbol not in excluded]
    return pd.DataFrame(sorted(covered), columns=["target", "symbol", "route"]).astype("str")


def untrained(statuses: Iterable[JobStatus]) -> dict[str, str]:
    """What is wrong with the models of each job that is not trained, by its id."""
    return {
        status.job.job_id: f"is {status.state}: {status.reason}"
        for status in statuses
        if status.state is not ModelState.TRAINED
    }


def of_another_panel(jobs: Iterable[Job], context: TrainingContext) -> dict[str, str]:
    """The jobs that were planned on other data than the panel's: what they say on it scores nothing."""
    moved = [job for job in jobs if context.panel_of(job) is None]
    return {job.job_id: "was trained before the panel changed" for job in moved}
