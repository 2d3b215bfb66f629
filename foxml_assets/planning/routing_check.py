"""The plan against the routing plan, in both directions, without the code that built it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice

from foxml_assets.assurances import read_assurances
from foxml_assets.errors import Problem
from foxml_assets.planning.json_problems import MAX_PROBLEMS
from foxml_assets.planning.plan import Job, MasterPlan
from foxml_assets.routing.plan import RoutingPlan
from foxml_assets.vocabulary import Route, SignalState

_SERVED_POOLED = {Route.CROSS_SECTIONAL.value, Route.BOTH.value}
_ROUTABLE = {SignalState.STRONG.value, SignalState.WEAK_BUT_OK.value}
_OWN_MODEL = {Route.SYMBOL_SPECIFIC.value, Route.BOTH.value, Route.EXPERIMENTAL_ONLY.value}


def routing_problems(plan: MasterPlan, routing: RoutingPlan) -> tuple[Problem, ...]:
    """Jobs that the routing plan does not ask for, and decisions that no job carries out."""
    return tuple(islice(_problems(plan, routing), MAX_PROBLEMS))


def _problems(plan: MasterPlan, routing: RoutingPlan) -> Iterator[Problem]:
    made_from, given = plan.metadata.routing_plan_hash, routing.metadata.routing_plan_hash
    if made_from != given:
        yield Problem("$.metadata.routing_plan_hash", f"the routing plan has {given}", made_from)
    blocked = int((routing.pairs["route"] == Route.BLOCKED.value).sum())
    if plan.summary.total_blocked != blocked:
        found = plan.summary.total_blocked
        yield Problem("$.summary.total_blocked", f"the routing plan blocks {blocked} pairs", found)
    yield from _assured_problems(plan, routing)
    yield from _pair_problems(plan, routing)
    yield from _pooled_problems(plan, routing)
    yield from _symbol_problems(plan, routing)


def _assured_problems(plan: MasterPlan, routing: RoutingPlan) -> Iterator[Problem]:
    """Targets of which the plan assures other features than the routing plan does, of those in their jobs."""
    targets = routing.targets
    texts = dict(zip(targets["target"], targets["assured"], strict=True))
    for target in sorted(plan.metadata.assured.keys() | plan.jobs_by_target.keys()):
        text, jobs = texts.get(target), plan.jobs_by_target.get(target, ())
        given = (read_assurances(text) or {}) if isinstance(text, str) else {}
        used = {name for job in jobs for name in (given if job.features is None else job.features)}
        expected = {name: one for name, one in given.items() if name in used}
        planned = plan.metadata.assured.get(target, {})
        if planned != expected:
            what = f"the routing plan assures {', '.join(sorted(expected)) or 'none'}"
            yield Problem(f"$.metadata.assured.{target}", what, ", ".join(sorted(planned)) or "none")


def _pair_problems(plan: MasterPlan, routing: RoutingPlan) -> Iterator[Problem]:
    pairs = routing.pairs
    jobs = {(job.target, job.symbol): job for job in plan.jobs if job.symbol is not None}
    decided = dict(
        zip(
            zip(pairs["target"], pairs["symbol"], strict=True),
            zip(pairs["route"], pairs["hard_block"], pairs["features"], strict=True),
            strict=True,
        )
    )
    for pair, job in jobs.items():
        if pair not in decided:
            yield Problem(job.job_id, "is a job for a pair that the routing plan does not know")
            continue
        route, is_hard_blocked, features = decided[pair]
        if is_hard_blocked:
            yield Problem(job.job_id, "is a job for a pair that leakage blocks")
        elif job.route.value != route:
            yield Problem(job.job_id, f"the routing plan says {route}", job.route.value)
        yield from _feature_problem(job, features)
    for pair, (route, _, _) in decided.items():
        if route in _OWN_MODEL and pair not in jobs:
            yield Problem(f"{pair[0]}, {pair[1]}", f"is routed {route} but has no job")


def _pooled_problems(plan: MasterPlan, routing: RoutingPlan) -> Iterator[Problem]:
    targets, pairs = routing.targets, routing.pairs
    jobs = {job.target: job for job in plan.jobs if job.symbol is None}
    served = set(pairs.loc[pairs["route"].isin(_SERVED_POOLED), "target"])
    with_pairs, excluded = set(pairs["target"]), _excluded(routing)
    for target, state, is_blocked, features in zip(
        targets["target"], targets["cs_state"], targets["hard_block"], targets["features"], strict=True
    ):
        is_expected = target in served or (target not in with_pairs and state in _ROUTABLE and not is_blocked)
        job = jobs.get(target)
        if job is None:
            if is_expected:
                yield Problem(target, "is routed cross-sectionally but has no pooled job")
            continue
        if not is_expected:
            yield Problem(job.job_id, "is a pooled job, but no pair of its target is served by one")
        if {item.symbol for item in job.excluded_symbols} != excluded.get(target, set()):
            yield Problem(job.job_id, "excludes other symbols than those whose rows leak")
        yield from _feature_problem(job, features)
    for target in sorted(jobs.keys() - set(targets["target"])):
        yield Problem(jobs[target].job_id, "is a job for a target that the routing plan does not know")


def _symbol_problems(plan: MasterPlan, routing: RoutingPlan) -> Iterator[Problem]:
    pooled = {job.target for job in plan.jobs if job.symbol is None}
    served, rows = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    blocked: defaultdict[str, Counter[str]] = defaultdict(Counter)
    columns = ("target", "symbol", "route", "rule", "excluded_from_pooled")
    for target, symbol, route, rule, is_excluded in zip(
        *(routing.pairs[name] for name in columns), strict=True
    ):
        if target in pooled and route in _SERVED_POOLED:
            served[symbol].add(target)
        elif target in pooled and not is_excluded:
            rows[symbol].add(target)
        if route == Route.BLOCKED.value:
            blocked[symbol][rule] += 1
    known = set(routing.pairs["symbol"])
    for symbol in sorted(known ^ plan.summary.symbols.keys()):
        yield Problem(f"$.summary.symbols[{symbol!r}]", "is not in both the plan and the routing plan")
    for symbol, use in plan.summary.symbols.items():
        found = set(use.served_by), set(use.rows_in), use.blocked
        if symbol in known and found != (served[symbol], rows[symbol], blocked[symbol]):
            yield Problem(f"$.summary.symbols[{symbol!r}]", "is used otherwise than the routing plan says")


def _excluded(routing: RoutingPlan) -> Mapping[str, set[str]]:
    rows = routing.pairs[routing.pairs["excluded_from_pooled"].to_numpy()]
    found: defaultdict[str, set[str]] = defaultdict(set)
    for target, symbol in zip(rows["target"], rows["symbol"], strict=True):
        found[target].add(symbol)
    return found


def _feature_problem(job: Job, allowed: object) -> Iterator[Problem]:
    expected = set(json.loads(allowed)) if isinstance(allowed, str) else None
    if (None if job.features is None else set(job.features)) != expected:
        yield Problem(job.job_id, "has other features than the routing plan allows")
