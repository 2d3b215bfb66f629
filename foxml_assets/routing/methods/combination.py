"""Two signal states become a route: the decision table, hard blocks over it, the lane's cap after it."""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.vocabulary import USABLE, Route, SignalState
from foxml_assets.routing.frames import Bools, Codes, Floats, Index, code
from foxml_assets.routing.methods.pair_evidence import PairEvidence
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import BothStrongBehavior, BothWeakBehavior, RouteRule
from foxml_assets.routing.sides.side_rows import EstimateRows, SideRows


@dataclass(frozen=True)
class Routes:
    """Route and rule codes of every pair; `rank` is 1-based within its target's experimental lane, or 0."""

    route: Codes
    rule: Codes
    rank: Index


# By the word of either setting. What is better is told pair by pair.
_PREFERRED = {
    "ROUTE_BOTH": Route.BOTH,
    "PREFER_CS": Route.CROSS_SECTIONAL,
    "PREFER_SYMBOL": Route.SYMBOL_SPECIFIC,
    "PREFER_BETTER": Route.BOTH,
}


def combine(cs: Codes, local: Codes, too_small: Bools, pairs: SideRows, policy: RoutingPolicy) -> Routes:
    """The decision table over the state codes of both sides of every pair, whose rows are `pairs`.

    Where the pooled model's skill on the symbol is `too_small`, it is out of the question for the pair.
    """
    # A cell per (pooled state, own state): indexing it by both columns decides all pairs at once.
    routes, rules = _table(policy)
    out = too_small & (cs >= code(SignalState.WEAK_BUT_OK))
    # As if its state were the lowest, for this pair alone; the rules below say why.
    on_pair = np.where(out, code(SignalState.DISALLOWED), cs)
    route, rule = routes[on_pair, local], rules[on_pair, local]
    rule[out & (rule == code(RouteRule.LOCAL_ONLY))] = code(RouteRule.LOCAL_ON_SYMBOL)
    rule[out & (rule == code(RouteRule.NOTHING_ALLOWED))] = code(RouteRule.POOLED_TOO_SMALL)
    if policy.both_strong_behavior is BothStrongBehavior.PREFER_BETTER:
        strong = rule == code(RouteRule.BOTH_STRONG)
        route[strong] = _better(pairs, policy.fdr.inflate_se)[strong]
    return Routes(route=route, rule=rule, rank=np.zeros(len(route), dtype=np.int64))


def _better(pairs: SideRows, inflate: float) -> Codes:
    """The better model by the paired difference; where that shows none, their average.

    An average that scored worse than the better of the two gives way to that one.
    """
    low, high = better_interval(pairs.difference, inflate)
    pooled, difference = pairs.pooled.value, pairs.difference.value
    # The own model's score on the pair is the pooled one plus the difference. `fmax` passes over NaN.
    best = np.fmax(pooled, pooled + difference)
    ahead = np.where(difference > 0, code(Route.SYMBOL_SPECIFIC), code(Route.CROSS_SECTIONAL))
    # An unknown average did not score worse, so it is not held against it.
    earned = ~(pairs.both.value < best)
    return np.select(
        [low > 0, high < 0, earned],
        [code(Route.SYMBOL_SPECIFIC), code(Route.CROSS_SECTIONAL), code(Route.BOTH)],
        ahead,
    ).astype(np.int8)


def better_interval(difference: EstimateRows, inflate: float) -> tuple[Floats, Floats]:
    """The 95 % interval of local minus pooled, widened by `inflate`; NaN where it is unknown."""
    value = difference.value
    return value - inflate * (value - difference.low), value + inflate * (difference.high - value)


def final_routes(chosen: Routes, known: PairEvidence) -> tuple[Routes, Index]:
    """`chosen` without what leaks and what is past its target's lane, and the places in each lane.

    A lane is cut to its limit, the best gates first. Pairs are in symbol order, which breaks ties.
    """
    target, local, policy = known.alignment.pair_target, known.local, known.policy
    routes = _blocked(chosen, local.leaks, RouteRule.SYMBOL_LEAKAGE)
    routes = _blocked(routes, known.cs.leaks[target], RouteRule.TARGET_LEAKAGE)
    # A trial is a model of the symbol's own rows, of which there must be one.
    empty = (routes.route == code(Route.EXPERIMENTAL_ONLY)) & (local.rows.sample_size < 1)
    routes = _blocked(routes, empty, RouteRule.NOTHING_ALLOWED)
    # What is blocked by now takes no place in the lane.
    n_symbols = np.bincount(target, minlength=len(known.alignment.targets))
    limits = _lane_limits(n_symbols, policy.experimental.max_fraction_symbols_per_target)
    routes = replace(routes, rank=_lane_ranks(routes, known))
    return _blocked(routes, routes.rank > limits[target], RouteRule.EXPERIMENTAL_LANE_FULL), limits


def _lane_ranks(routes: Routes, known: PairEvidence) -> Index:
    """The rank of each pair in its target's lane, from 1; 0, which is above no limit, outside of it."""
    gate, samples = known.local.tests.gate, known.local.rows.sample_size
    # A pair that was in the lane must be beaten by more than the margin.
    stays = known.earlier.route == code(Route.EXPERIMENTAL_ONLY)
    gate = np.where(stays, gate + known.policy.hysteresis, gate)
    pairs = pd.DataFrame({"target": known.alignment.pair_target, "gate": gate, "samples": samples})
    lane = pairs[routes.route == code(Route.EXPERIMENTAL_ONLY)]
    # Unknown gates sort last.
    best_first = lane.sort_values(["gate", "samples"], ascending=False, kind="stable")
    rank = np.zeros(len(pairs), dtype=np.int64)
    rank[best_first.index] = best_first.groupby("target").cumcount() + 1
    return rank


def _blocked(routes: Routes, where: Bools, rule: RouteRule) -> Routes:
    """`routes` with the pairs `where` blocked by `rule`."""
    return replace(
        routes,
        route=np.where(where, code(Route.BLOCKED), routes.route).astype(np.int8),
        rule=np.where(where, code(rule), routes.rule).astype(np.int8),
    )


def _lane_limits(n_symbols: npt.NDArray[np.int64], fraction: float) -> Index:
    """Places in each target's experimental lane: the fraction of its symbols rounded down, at least 1."""
    # Decimal, because 0.29 * 100 is below 29 in binary floating point.
    exact = Decimal(repr(fraction))
    return np.array([max(1, int(exact * n)) for n in n_symbols.tolist()], dtype=np.int64)


def _table(policy: RoutingPolicy) -> tuple[Codes, Codes]:
    shape = (len(SignalState), len(SignalState))
    routes, rules = np.zeros(shape, dtype=np.int8), np.zeros(shape, dtype=np.int8)
    for cs in SignalState:
        for local in SignalState:
            route, rule = decision(cs, local, policy.both_strong_behavior, policy.both_weak_behavior)
            routes[code(cs), code(local)], rules[code(cs), code(local)] = code(route), code(rule)
    return routes, rules


def decision(
    cs: SignalState, local: SignalState, both_strong: BothStrongBehavior, both_weak: BothWeakBehavior
) -> tuple[Route, RouteRule]:
    """The decision table: the route of a pair with these states, and why."""
    if cs == local == SignalState.STRONG:
        return _PREFERRED[both_strong], RouteRule.BOTH_STRONG
    if cs == local == SignalState.WEAK_BUT_OK:
        return _PREFERRED[both_weak], RouteRule.BOTH_WEAK
    if cs in USABLE and local in USABLE:
        if cs is SignalState.STRONG:
            return Route.CROSS_SECTIONAL, RouteRule.CS_STRONGER
        return Route.SYMBOL_SPECIFIC, RouteRule.LOCAL_STRONGER
    if cs in USABLE:
        return Route.CROSS_SECTIONAL, RouteRule.CS_ONLY
    if local in USABLE:
        return Route.SYMBOL_SPECIFIC, RouteRule.LOCAL_ONLY
    if SignalState.EXPERIMENTAL in (cs, local):
        return Route.EXPERIMENTAL_ONLY, RouteRule.EXPERIMENTAL
    return Route.BLOCKED, RouteRule.NOTHING_ALLOWED
