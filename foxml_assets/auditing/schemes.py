"""Which jobs serve a pair under each scheme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foxml_assets.auditing.baselines import Baselines
from foxml_assets.auditing.routing_audit import Scheme
from foxml_assets.auditing.shelf import Shelf
from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.training.models.serving import USES_LOCAL, USES_POOLED

PairKey = tuple[str, str | None]


@dataclass(frozen=True)
class Serving:
    """The jobs whose models are averaged for a pair. Only jobs whose models are there take part.

    `excluded` are the pairs that the plan's pooled jobs do not know.
    """

    planned: Mapping[PairKey, Job]
    everything: Mapping[PairKey, Job]
    excluded: frozenset[PairKey]

    def jobs(self, scheme: Scheme, target: str, symbol: str, route: Route) -> tuple[Job, ...]:
        """Pooled before own; empty where the pair is not served.

        Under the plan a pair is served by all the models its route names or not at all. The average of both
        is one of them alone where the other could not be trained.
        """
        if scheme is Scheme.PLAN:
            asked = [key for uses, key in ((USES_POOLED, None), (USES_LOCAL, symbol)) if route in uses]
            found = self._found(self.planned, target, asked)
            whole = len(found) == len(asked) and not (None in asked and (target, symbol) in self.excluded)
            return found if whole else ()
        keys = {
            Scheme.ALL_POOLED: (None,),
            Scheme.ALL_SYMBOL: (symbol,),
            Scheme.BOTH_AVERAGED: (None, symbol),
        }
        return self._found(self.everything, target, keys[scheme])

    def jobs_of(self, target: str, symbols: Sequence[str]) -> list[Job]:
        """Every job that serves a pair of `target` and one of `symbols` under any scheme."""
        keys = [(target, symbol) for symbol in (None, *symbols)]
        return [jobs[key] for jobs in (self.planned, self.everything) for key in keys if key in jobs]

    @staticmethod
    def _found(jobs: Mapping[PairKey, Job], target: str, symbols: Sequence[str | None]) -> tuple[Job, ...]:
        return tuple(jobs[target, symbol] for symbol in symbols if (target, symbol) in jobs)


def make_serving(plan: MasterPlan, baselines: Baselines, shelf: Shelf) -> Serving:
    """Who serves whom, of the models that `shelf` has."""
    everything = (*baselines.pooled, *baselines.own)
    excluded = ((job.target, item.symbol) for job in plan.jobs for item in job.excluded_symbols)
    return Serving(
        planned={key: job for key, job in plan.jobs_by_pair.items() if shelf.is_usable(job)},
        everything={(job.target, job.symbol): job for job in everything if shelf.is_usable(job)},
        excluded=frozenset(excluded),
    )
