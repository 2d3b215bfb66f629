"""The two methods behind one interface: the judged evidence of all pairs in, their routes out."""

from dataclasses import dataclass

import numpy as np

from foxml_assets.routing.alignment import Alignment
from foxml_assets.routing.coding import Bools, Codes, Floats, code, level
from foxml_assets.routing.combination import Routes, combine
from foxml_assets.routing.policy import RoutingPolicy
from foxml_assets.routing.shrinkage import ShrunkSkill, best_choice, shrink, to_skill
from foxml_assets.routing.side_rows import EstimateRows, PairScores
from foxml_assets.routing.sides import EarlierStates, JudgedSide
from foxml_assets.routing.words import Method, RouteRule
from foxml_assets.vocabulary import Route, SignalState


@dataclass(frozen=True)
class Skills:
    """Shrunk skills of the three choices on every pair; NaN where they are not known."""

    cs: Floats
    local: Floats
    both: Floats
    cs_probability: Floats


@dataclass(frozen=True)
class Decision:
    """What a method says about every pair, before hard blocks and the lane's cap."""

    routes: Routes
    scores: PairScores
    skills: Skills


def decide(
    layout: Alignment,
    cs: JudgedSide,
    local: JudgedSide,
    scores: PairScores,
    earlier: EarlierStates,
    policy: RoutingPolicy,
) -> Decision:
    """Routes of all pairs by the policy's method."""
    skills = _shrunk_skills(layout, cs, local, scores, earlier, policy)
    if policy.method is Method.SHRINKAGE:
        return Decision(_by_skill(layout, cs, local, skills, earlier, policy), scores, skills)
    # Without a score of its own on the pair, or its error, the pooled model is judged by its target alone.
    too_small = np.isfinite(scores.cs.value) & (
        skills.cs_probability < policy.pooled_on_symbol.min_probability
    )
    cs_state = cs.states.state[layout.pair_target]
    return Decision(combine(cs_state, local.states.state, too_small, scores, policy), scores, skills)


def _shrunk_skills(
    layout: Alignment,
    cs: JudgedSide,
    local: JudgedSide,
    scores: PairScores,
    earlier: EarlierStates,
    policy: RoutingPolicy,
) -> Skills:
    at, n_targets = layout.pair_target, len(layout.targets)
    inflate = policy.fdr.inflate_se
    sound = local.rows.present & ~local.faults.any
    cs_skill, cs_se = to_skill(cs.rows.score, cs.rows.chance, cs.rows.skill_scale, inflate)
    pooled_fallback = (np.where(cs.faults.any, np.nan, cs_skill), cs_se)
    nothing = (np.full(n_targets, np.nan), np.full(n_targets, np.nan))

    def shrunk(score: EstimateRows, fallback: tuple[Floats, Floats]) -> ShrunkSkill:
        skill, se = to_skill(score, local.rows.chance, local.rows.skill_scale, inflate)
        return shrink(np.where(sound, skill, np.nan), se, at, n_targets, fallback)

    pooled = shrunk(scores.cs, pooled_fallback)
    own = shrunk(local.rows.score, nothing)
    both = shrunk(scores.both, nothing)
    return Skills(
        cs=pooled.mean,
        local=np.where(sound, own.mean, np.nan),
        both=np.where(sound & np.isfinite(scores.both.value), both.mean, np.nan),
        cs_probability=pooled.probability_above(_pooled_bar(local, earlier, policy)),
    )


def _by_skill(
    layout: Alignment,
    cs: JudgedSide,
    local: JudgedSide,
    skills: Skills,
    earlier: EarlierStates,
    policy: RoutingPolicy,
) -> Routes:
    at, weak = layout.pair_target, level(SignalState.WEAK_BUT_OK)
    cs_state, local_state = cs.states.state[at], local.states.state
    choices = (Route.CROSS_SECTIONAL, Route.SYMBOL_SPECIFIC, Route.BOTH)
    bonus = _bonus(earlier, choices, local.rows.skill_scale, policy)
    cs_allowed = (cs_state >= weak) & (skills.cs_probability >= policy.pooled_on_symbol.min_probability)
    local_allowed = local_state >= weak
    allowed = (cs_allowed, local_allowed, cs_allowed & local_allowed & ~np.isnan(skills.both))
    best = best_choice((skills.cs, skills.local, skills.both), allowed, policy.shrinkage.min_advantage, bonus)
    on_trial = _is_trial(cs_state) | _is_trial(local_state)
    outcomes = [
        (Route.CROSS_SECTIONAL, RouteRule.SHRUNK_CS),
        (Route.SYMBOL_SPECIFIC, RouteRule.SHRUNK_LOCAL),
        (Route.BOTH, RouteRule.SHRUNK_BOTH),
        (Route.EXPERIMENTAL_ONLY, RouteRule.EXPERIMENTAL),
        (Route.BLOCKED, RouteRule.POOLED_TOO_SMALL),
        (Route.BLOCKED, RouteRule.NOTHING_ALLOWED),
    ]
    too_small = (cs_state >= weak) & ~cs_allowed
    which = np.select([best >= 0, on_trial, too_small], [best, 3, 4], 5)
    return Routes(
        route=np.array([code(route) for route, _ in outcomes], dtype=np.int8)[which],
        rule=np.array([code(rule) for _, rule in outcomes], dtype=np.int8)[which],
        rank=np.zeros(len(which), dtype=np.int64),
    )


def _bonus(
    earlier: EarlierStates, choices: tuple[Route, ...], scale: Floats, policy: RoutingPolicy
) -> Floats:
    """What the margin, in skill, adds to each pair's earlier choice (pairs x choices)."""
    if earlier.route is None:
        return np.zeros((len(scale), len(choices)))
    kept = np.column_stack([earlier.route == code(choice) for choice in choices])
    return kept * (policy.hysteresis * scale)[:, None]


def _pooled_bar(local: JudgedSide, earlier: EarlierStates, policy: RoutingPolicy) -> Floats:
    """The skill that the pooled model must exceed on each pair: lower where it served the pair before."""
    bar = np.full(len(local.rows.rows), policy.pooled_on_symbol.min_skill)
    if earlier.route is None:
        return bar
    served = np.isin(earlier.route, [code(Route.CROSS_SECTIONAL), code(Route.BOTH)])
    margin = policy.hysteresis * local.rows.skill_scale
    shift: Floats = np.select([earlier.route < 0, served], [np.zeros_like(margin), -margin], margin)
    return bar + shift


def _is_trial(state: Codes) -> Bools:
    return np.asarray(state == level(SignalState.EXPERIMENTAL))
