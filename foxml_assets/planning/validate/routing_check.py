"""The plan against the routing plan, in both directions, without the code that built it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from operator import ne

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.assurances import read_assurances
from foxml_assets.core.errors import Problem, RoutingPlanError
from foxml_assets.core.vocabulary import USABLE, USES_OWN, USES_POOLED, Route
from foxml_assets.planning.plan.consumer import MAKE_NEW
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.validate.job_columns import Flags, PlacedJobs, combined, text_column
from foxml_assets.routing.frames import Floats
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.storage.exact_json import decode_json


def routing_problems(placed: PlacedJobs) -> Iterator[Problem]:
    """Jobs that the routing plan does not ask for, and decisions that no job carries out."""
    plan, routing = placed.plan, placed.routing
    yield from _identity_problems(plan, routing)
    yield from _assured_problems(plan, placed)
    yield from _pair_problems(placed)
    yield from _pooled_problems(plan, routing)
    yield from _job_problems(placed)
    yield from _symbol_problems(plan, routing)


def _identity_problems(plan: MasterPlan, routing: RoutingPlan) -> Iterator[Problem]:
    for name in ("routing_plan_hash", "candidates_hash", "config_hash"):
        planned, given = getattr(plan.metadata, name), getattr(routing.metadata, name)
        if planned != given:
            yield Problem(f"$.metadata.{name}", f"the routing plan has {given}", planned)
    blocked = int((routing.pairs["route"] == Route.BLOCKED.value).sum())
    if plan.summary.total_blocked != blocked:
        found = plan.summary.total_blocked
        yield Problem("$.summary.total_blocked", f"the routing plan blocks {blocked} pairs", found)


def _assured_problems(plan: MasterPlan, placed: PlacedJobs) -> Iterator[Problem]:
    """Targets of which the plan assures other features than the routing plan does, of those in their jobs."""
    targets = placed.routing.targets
    texts = dict(zip(targets["target"], targets["assured"], strict=True))
    _, lists = combined(placed.planned("target"), placed.planned("features"))
    features: defaultdict[str, list[tuple[str, ...] | None]] = defaultdict(list)
    for target, names in lists:
        features[target].append(names)
    for target in sorted(plan.metadata.assured.keys() | plan.jobs_by_target.keys()):
        text = texts.get(target)
        given = (read_assurances(text) or {}) if isinstance(text, str) else {}
        used = {name for names in features[target] for name in (given if names is None else names)}
        expected = {name: one for name, one in given.items() if name in used}
        planned = plan.metadata.assured.get(target, {})
        if planned != expected:
            what = f"the routing plan assures {', '.join(sorted(expected)) or 'none'}"
            yield Problem(f"$.metadata.assured.{target}", what, ", ".join(sorted(planned)) or "none")


def _pair_problems(placed: PlacedJobs) -> Iterator[Problem]:
    """Jobs of symbols without such a decision, and such decisions without a job."""
    pairs, row = placed.routing.pairs, placed.pair_row
    for job in placed.among(~placed.is_pooled & (row < 0)):
        yield Problem(job.job_id, "is a job for a pair that the routing plan does not know")
    # Row -1, a job without a pair, reads the entry added at the end.
    is_blocked = np.append(pairs["hard_block"].to_numpy(dtype=bool), False)[row]
    for job in placed.among(is_blocked):
        yield Problem(job.job_id, "is a job for a pair that leakage blocks")
    # The last entry takes the jobs without a pair, and is cut off below.
    is_done = np.zeros(len(pairs) + 1, dtype=bool)
    is_done[row] = True
    missing = pairs["route"].isin(USES_OWN).to_numpy() & ~is_done[:-1]
    for target, symbol, route in pairs.loc[missing, ["target", "symbol", "route"]].itertuples(index=False):
        yield Problem(f"{target}, {symbol}", f"is routed {route} but has no job")


def _pooled_problems(plan: MasterPlan, routing: RoutingPlan) -> Iterator[Problem]:
    targets, pairs = routing.targets, routing.pairs
    jobs = {job.target: job for job in plan.jobs if job.symbol is None}
    served = set(pairs.loc[pairs["route"].isin(USES_POOLED), "target"].unique())
    without = pairs[pairs["excluded_from_pooled"].to_numpy()].groupby("target", observed=True)["symbol"]
    with_pairs, excluded = set(pairs["target"].unique()), {target: set(own) for target, own in without}
    for target, state, is_blocked in zip(
        targets["target"], targets["cs_state"], targets["hard_block"], strict=True
    ):
        is_expected = target in served or (target not in with_pairs and state in USABLE and not is_blocked)
        job = jobs.get(target)
        if job is None:
            if is_expected:
                yield Problem(target, "is routed cross-sectionally but has no pooled job")
            continue
        if not is_expected:
            yield Problem(job.job_id, "is a pooled job, but no pair of its target is served by one")
        if sorted(item.symbol for item in job.excluded_symbols) != sorted(excluded.get(target, ())):
            yield Problem(job.job_id, "excludes other symbols than those whose rows leak")
    for target in sorted(jobs.keys() - set(targets["target"])):
        yield Problem(jobs[target].job_id, "is a job for a target that the routing plan does not know")


def _job_problems(placed: PlacedJobs) -> Iterator[Problem]:
    """Jobs that say something else than the decision they were made of, each by the first such thing."""
    told = ~placed.is_known
    for what, differs in _comparisons(placed):
        for job in placed.among(differs & ~told):
            yield Problem(job.job_id, what)
        told |= differs


def _comparisons(placed: PlacedJobs) -> Iterator[tuple[str, Flags]]:
    route, decided = placed.planned("route"), placed.decided(None, "route")
    for word in Route:
        # Chained: the decision is this word, and the job's route is another.
        differs = route.where(decided, holds=lambda one, other, word=word: one != other == word)
        yield f"is routed otherwise: the routing plan says {word}", differs
    features = placed.planned("features").where(
        placed.decided("features", "features"), holds=_are_other_features
    )
    yield "has other features than the routing plan allows", features
    task_type = placed.planned("task_type").where(placed.target_text("task_type"), holds=ne)
    yield "has another task type than the routing plan says", task_type
    horizon = placed.planned_numbers("horizon_minutes")
    differs = _numbers_differ(horizon, placed.target_numbers("horizon_minutes"))
    yield "has another horizon than the routing plan says", differs
    yield "tells of other evidence than the routing plan", _evidence_differs(placed)


def _evidence_differs(placed: PlacedJobs) -> Flags:
    differs = np.zeros(len(placed.jobs), dtype=bool)
    for field, of_target, of_pair in (
        ("cs_state", "cs_state", "cs_state"),
        ("local_state", None, "local_state"),
        ("score_metric", "score_metric", "local_metric"),
    ):
        differs |= placed.planned(f"metadata.{field}").where(placed.decided(of_target, of_pair), holds=ne)
    for field in ("sample_size", "score", "gate"):
        planned = placed.planned_numbers(f"metadata.{field}")
        differs |= _numbers_differ(planned, placed.decided_numbers(f"cs_{field}", f"local_{field}"))
    return differs


def _numbers_differ(planned: Floats, decided: Floats) -> Flags:
    """A plan has no number where the decision has none or an infinite one."""
    return np.where(np.isfinite(decided), planned != decided, ~np.isnan(planned))


def _are_other_features(planned: tuple[str, ...] | None, allowed: str | None) -> bool:
    if planned is None or allowed is None:
        return planned is not None or allowed is not None
    return list(planned) != sorted(_names(allowed))


def _names(allowed: str) -> dict[str, object]:
    try:
        return decode_json(allowed, dict[str, object])
    except msgspec.DecodeError as error:
        problem = Problem("features", str(error), allowed)
        raise RoutingPlanError("cannot be read", problems=[problem], fix=MAKE_NEW) from error


def _symbol_problems(plan: MasterPlan, routing: RoutingPlan) -> Iterator[Problem]:
    uses, known = plan.summary.symbols, set(map(str, routing.pairs["symbol"].unique()))
    for symbol in sorted(known ^ uses.keys()):
        yield Problem(f"$.summary.symbols[{symbol!r}]", "is not in both the plan and the routing plan")
    decided = _decided_uses(plan, routing)
    for symbol in sorted(known & uses.keys()):
        use = uses[symbol]
        served_by, rows_in, blocked = (found.get(symbol, {}) for found in decided)
        if set(use.served_by) != set(served_by) or set(use.rows_in) != set(rows_in) or use.blocked != blocked:
            yield Problem(f"$.summary.symbols[{symbol!r}]", "is used otherwise than the routing plan says")


def _decided_uses(plan: MasterPlan, routing: RoutingPlan) -> tuple[Mapping[str, Mapping[str, int]], ...]:
    """By symbol: the targets that serve it, those that learn from its rows, the rules that block it."""
    pairs = routing.pairs
    has_job = pairs["target"].isin([job.target for job in plan.jobs if job.symbol is None]).to_numpy()
    is_served = has_job & pairs["route"].isin(USES_POOLED).to_numpy()
    has_rows = has_job & ~is_served & ~pairs["excluded_from_pooled"].to_numpy(dtype=bool)
    is_blocked = (pairs["route"] == Route.BLOCKED.value).to_numpy()
    chosen = (("target", is_served), ("target", has_rows), ("rule", is_blocked))
    return tuple(_counts(pairs.loc[rows, "symbol"], pairs.loc[rows, column]) for column, rows in chosen)


def _counts(symbols: pd.Series, words: pd.Series) -> Mapping[str, Mapping[str, int]]:
    """How often each word stands beside each symbol."""
    rows, combinations = combined(text_column(symbols), text_column(words))
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    # Rows by number of combination, so counts and combinations are in the same order.
    for (symbol, word), count in zip(combinations, np.bincount(rows).tolist(), strict=True):
        found[str(symbol)][str(word)] = count
    return found
