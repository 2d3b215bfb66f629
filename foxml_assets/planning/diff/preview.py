"""What another policy or other candidates would do, by the same code, without writing anything."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import ModelFamily, Route, TrainingType
from foxml_assets.planning.diff.changes import PlanDiff, diff_plans
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.data_hashes import DataHashes
from foxml_assets.planning.plan.master_plan import Job, MasterPlan, TrainingHashes
from foxml_assets.routing.decide.fdr_history import FdrHistory
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy

# One past fit: target, symbol (None for the pooled model), family.
FitKey = tuple[str, str | None, ModelFamily]


@dataclass(frozen=True)
class TimeEstimate:
    """Seconds of fitting on one thread. `known` fits have a past fit of the same target, symbol and family;
    `guessed` ones take the median of their training type and family; `unknown` ones count as nothing."""

    seconds: float
    known: int
    guessed: int
    unknown: int


@dataclass(frozen=True)
class RouteMove:
    """How many pairs go from one route to another; None: not in that plan."""

    before: Route | None
    after: Route | None
    pairs: int


@dataclass(frozen=True)
class Preview:
    """The plan that would be made, what it changes, and what training it would cost.

    `ready` are its jobs whose models lie ready.
    """

    routing: RoutingPlan
    plan: MasterPlan
    moves: tuple[RouteMove, ...]
    diff: PlanDiff
    all_jobs: TimeEstimate
    to_train: TimeEstimate
    ready: frozenset[str]


def preview_plan(
    candidates: pd.DataFrame,
    policy: RoutingPolicy,
    *,
    universe: Mapping[str, Sequence[str]] | None,
    current_routing: RoutingPlan | None,
    history: FdrHistory | None = None,
    current: MasterPlan | None,
    data_hashes: DataHashes,
    training_hashes: TrainingHashes,
    past_seconds: Mapping[FitKey, float],
    untrained: Callable[[MasterPlan], Sequence[Job]],
    stamp: RunStamp,
) -> Preview:
    """Route and plan `candidates` by `policy`, and compare with the current plans where there are any.

    `untrained` names the jobs of a plan of which no models, of their very spec, lie ready.
    """
    routing = route(
        candidates, policy, universe=universe, previous=current_routing, history=history, stamp=stamp
    )
    plan = build_plan(
        routing,
        policy,
        data_hashes=data_hashes,
        training_hashes=training_hashes,
        parent_plan_hash=current.metadata.plan_hash if current is not None else None,
        stamp=stamp,
    )
    to_train = untrained(plan)
    return Preview(
        routing=routing,
        plan=plan,
        moves=_moves(current_routing, routing),
        diff=diff_plans(current, plan),
        all_jobs=estimate_seconds(plan.jobs, past_seconds),
        to_train=estimate_seconds(to_train, past_seconds),
        ready=frozenset(job.job_id for job in plan.jobs) - {job.job_id for job in to_train},
    )


def estimate_seconds(jobs: Sequence[Job], past_seconds: Mapping[FitKey, float]) -> TimeEstimate:
    """What training `jobs` would cost, from the seconds that past fits took."""
    typical, kinds = _medians(past_seconds), Counter[str]()
    for job in jobs:
        for family in job.model_families:
            is_known = (job.target, job.symbol, family) in past_seconds
            is_guessed = (job.training_type, family) in typical
            kinds["known" if is_known else "guessed" if is_guessed else "unknown"] += 1
    seconds = sum(seconds_by_job(jobs, past_seconds))
    return TimeEstimate(seconds, kinds["known"], kinds["guessed"], kinds["unknown"])


def seconds_by_job(jobs: Iterable[Job], past_seconds: Mapping[FitKey, float]) -> list[float]:
    """What each of `jobs` would cost, by the same measure."""
    typical = _medians(past_seconds)

    def seconds(job: Job, family: ModelFamily) -> float:
        guess = typical.get((job.training_type, family), 0.0)
        return past_seconds.get((job.target, job.symbol, family), guess)

    return [sum(seconds(job, family) for family in job.model_families) for job in jobs]


def _medians(past_seconds: Mapping[FitKey, float]) -> dict[tuple[TrainingType, ModelFamily], float]:
    found: defaultdict[tuple[TrainingType, ModelFamily], list[float]] = defaultdict(list)
    for (_, symbol, family), seconds in past_seconds.items():
        kind = TrainingType.CROSS_SECTIONAL if symbol is None else TrainingType.SYMBOL_SPECIFIC
        found[kind, family].append(seconds)
    return {key: median(values) for key, values in found.items()}


def _moves(old: RoutingPlan | None, new: RoutingPlan) -> tuple[RouteMove, ...]:
    keys = ["target", "symbol"]
    columns = [*keys, "route"]
    after = new.pairs[columns].astype(object)
    # Without an old plan no row, but the same columns, so that the merge finds only new pairs.
    before = after.iloc[:0] if old is None else old.pairs[columns].astype(object)
    # A pair of one plan only has NaN for its route in the other.
    both = before.merge(after, on=keys, how="outer", suffixes=("_before", "_after"))
    counts = Counter(zip(map(_route, both["route_before"]), map(_route, both["route_after"]), strict=True))
    moves = [RouteMove(before, after, pairs) for (before, after), pairs in counts.items()]
    return tuple(sorted(moves, key=lambda move: (str(move.before), str(move.after))))


def _route(value: object) -> Route | None:
    return Route(value) if isinstance(value, str) else None
