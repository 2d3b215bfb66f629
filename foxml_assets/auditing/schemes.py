"""Which jobs serve a pair under each scheme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foxml_assets.auditing.baselines import Baselines
from foxml_assets.auditing.routing_audit import Scheme
from foxml_assets.auditing.shelf import Shelf
from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.serving.pair_service import PairService, pair_service

PairKey = tuple[str, str | None]


@dataclass(frozen=True)
class Serving:
    """The jobs whose models are averaged for a pair. Only jobs whose models are there take part."""

    planned: PairService
    everything: Mapping[PairKey, Job]

    def jobs(self, scheme: Scheme, target: str, symbol: str, route: Route) -> tuple[Job, ...]:
        """Pooled before own; empty where the pair is not served.

        The average of both is one of them alone where the other could not be trained.
        """
        if scheme is Scheme.PLAN:
            return self.planned.serve(target, symbol, route).jobs
        keys = {
            Scheme.ALL_POOLED: (None,),
            Scheme.ALL_SYMBOL: (symbol,),
            Scheme.BOTH_AVERAGED: (None, symbol),
        }
        asked = [(target, side) for side in keys[scheme]]
        return tuple(self.everything[key] for key in asked if key in self.everything)

    def jobs_of(self, target: str, symbols: Sequence[str]) -> list[Job]:
        """Every job that serves a pair of `target` and one of `symbols` under any scheme."""
        keys = [(target, symbol) for symbol in (None, *symbols)]
        planned = [
            job
            for job in self.planned.plan.jobs_by_target.get(target, ())
            if job.job_id not in self.planned.unusable
        ]
        return [*planned, *(self.everything[key] for key in keys if key in self.everything)]


def make_serving(plan: MasterPlan, baselines: Baselines, shelf: Shelf) -> Serving:
    """Who serves whom, of the models that `shelf` has."""
    everything = (*baselines.pooled, *baselines.own)
    unusable = {job.job_id: f"is {shelf.state(job)}" for job in plan.jobs if not shelf.is_usable(job)}
    return Serving(
        planned=pair_service(plan, unusable),
        everything={(job.target, job.symbol): job for job in everything if shelf.is_usable(job)},
    )
