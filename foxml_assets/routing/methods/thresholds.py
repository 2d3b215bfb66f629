"""Method thresholds: score thresholds and stability give each side a state, and a table combines the two."""

from dataclasses import replace

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.routing.frames import Bools, Floats, code
from foxml_assets.routing.methods.combination import Routes, combine, decision
from foxml_assets.routing.methods.pair_evidence import JudgedSide, PairEvidence
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.method_registry import PairTrace, RoutingMethod
from foxml_assets.routing.policy.routing_words import BothStrongBehavior, RouteRule
from foxml_assets.routing.rules import rule_tests as tests
from foxml_assets.routing.rules import rules
from foxml_assets.routing.rules.rule_tests import RuleTest
from foxml_assets.routing.rules.rules import Cases, Rule
from foxml_assets.routing.rules.side_trace import RuleLine, SideTrace, number
from foxml_assets.routing.sides.row_tests import Check


def _usable(cases: Cases, check: Check) -> Bools:
    return cases.clear & cases.passed(Check.STABILITY) & cases.passed(check)


def _on_trial(cases: Cases) -> Bools:
    return cases.passed(Check.EXPERIMENTAL_SCORE) & cases.passed(Check.EXPERIMENTAL_STABILITY)


def _unsteady(cases: Cases) -> Bools:
    """Rows whose score would have been enough for the state that their leakage allows, or for a trial."""
    enough = cases.passed(Check.MIN_SCORE) & cases.clear
    return (enough & ~cases.passed(Check.STABILITY)) | cases.passed(Check.EXPERIMENTAL_SCORE)


def _held_back(cases: Cases) -> Bools:
    return cases.passed(Check.MIN_SCORE) & ~cases.clear


def _trial_threshold(cases: Cases) -> Floats:
    return cases.tests.thresholds[SignalState.EXPERIMENTAL]


def _min_threshold(cases: Cases) -> Floats:
    return cases.tests.thresholds[SignalState.WEAK_BUT_OK]


def _lowest_threshold(cases: Cases) -> Floats:
    """What a row must reach for any state: the experimental one, or min_score where the lane is closed."""
    trial = _trial_threshold(cases)
    return np.where(np.isnan(trial), _min_threshold(cases), trial)


def _row_remedy(trace: SideTrace, policy: PolicyInForce) -> str:
    if trace.rule == rules.QUARANTINED.name:
        return f"its row must be mended ({trace.quarantine_reason})"
    return "it needs evidence of its own"


_OWN_ROW = replace(tests.SOUND, remedy=_row_remedy)
_STRONG = replace(
    rules.STRONG,
    when="leakage clear, stability allowed, gate >= `strong_score`",
    holds=lambda cases: _usable(cases, Check.STRONG_SCORE),
    asks=(tests.CLEAR, tests.STEADY, tests.STRONG_SCORE),
)
_WEAK = Rule(
    name="min_score",
    when="leakage clear, stability allowed, gate >= `min_score`",
    holds=lambda cases: _usable(cases, Check.MIN_SCORE),
    state=SignalState.WEAK_BUT_OK,
    phrase="{side} weak but usable",
    test=tests.MIN_SCORE,
    asks=(tests.CLEAR, tests.STEADY, tests.MIN_SCORE),
    words=tests.score_reached,
    threshold=_min_threshold,
)
_TRIAL = Rule(
    name="experimental_score",
    when="leakage clear, lane open, gate >= `experimental.min_score`, stability allowed there",
    holds=lambda cases: _on_trial(cases) & cases.clear,
    state=SignalState.EXPERIMENTAL,
    phrase="{side} on trial, as {on_trial}",
    test=tests.EXPERIMENTAL_SCORE,
    asks=(tests.EXPERIMENTAL_SCORE, tests.STEADY_ON_TRIAL),
    words=tests.score_reached,
    threshold=_trial_threshold,
)
LADDER = (
    *(replace(rule, test=_OWN_ROW) if rule.test is tests.SOUND else rule for rule in rules.ADMISSION),
    *(_STRONG, _WEAK, _TRIAL),
    replace(
        rules.SUSPECT_ON_TRIAL,
        when="the same, but leakage suspect",
        holds=lambda cases: _on_trial(cases) & cases.suspect,
        threshold=_trial_threshold,
    ),
    # Clear and suspect rows on trial were decided above, so what is left was never examined.
    replace(
        rules.UNKNOWN_ON_TRIAL,
        when="the same, but leakage never examined",
        holds=_on_trial,
        threshold=_trial_threshold,
    ),
    replace(
        rules.STABILITY,
        when="the score is enough, but not the stability",
        holds=_unsteady,
        threshold=_lowest_threshold,
    ),
    replace(
        rules.SUSPECT,
        when="gate >= `min_score`, but leakage suspect",
        holds=lambda cases: _held_back(cases) & cases.suspect,
        threshold=_min_threshold,
    ),
    replace(
        rules.UNKNOWN,
        when="gate >= `min_score`, but leakage never examined",
        holds=_held_back,
        threshold=_min_threshold,
    ),
    Rule(
        name="below_thresholds",
        when="otherwise",
        holds=lambda cases: np.ones_like(cases.rows.present),
        phrase="{side} score below every threshold",
        test=tests.EXPERIMENTAL_SCORE,
        words=tests.below_thresholds,
        threshold=_lowest_threshold,
    ),
)


def _choose(evidence: PairEvidence) -> Routes:
    """The table of states.

    Without a score of its own on the pair, or its error, the pooled model is judged by its target alone.
    """
    pairs, policy = evidence.local.rows, evidence.policy
    is_small = evidence.cs_probability < policy.skill_on_symbol.min_probability
    too_small = np.isfinite(pairs.pooled.value) & is_small
    return combine(evidence.cs_state, evidence.local.state, too_small, pairs, policy)


def _open_threshold(side: JudgedSide) -> Floats:
    """The lowest score that routes each row, given its stability and leakage; NaN for none."""
    thresholds, checks = side.rows.thresholds, side.tests.bits
    # Both bits must be set: min_score alone routes nothing that is unsteady or not clear.
    wanted = np.uint16(Check.STABILITY | Check.LEAKAGE_CLEAR)
    by_min = np.where((checks & wanted) == wanted, thresholds[SignalState.WEAK_BUT_OK], np.nan)
    on_trial = (checks & np.uint16(Check.EXPERIMENTAL_STABILITY)) != 0
    trial = thresholds[SignalState.EXPERIMENTAL]
    return np.where(on_trial & ~np.isnan(trial), trial, by_min)


def _compare(pair: PairTrace, policy: PolicyInForce) -> tuple[RuleLine, ...]:
    """Whether the pooled model has skill on the symbol, if it was asked."""
    if np.isnan(pair.row["cs_probability"]) or np.isnan(pair.row["pooled_score"]):
        return ()
    return (tests.pooled_on_symbol(pair.row, policy),)


# What counts as a better route when ways to one are looked for.
_QUALITY = {
    Route.BLOCKED: 0,
    Route.EXPERIMENTAL_ONLY: 1,
    Route.CROSS_SECTIONAL: 2,
    Route.SYMBOL_SPECIFIC: 2,
    Route.BOTH: 3,
}


def _next_steps(pair: PairTrace, policy: PolicyInForce) -> tuple[str, ...]:
    route, rule = Route(pair.row["route"]), RouteRule(pair.row["rule"])
    cs, local = pair.cs, pair.local
    if rule is RouteRule.BOTH_STRONG and route is not Route.BOTH:
        return (_undecided(pair.row, policy),)
    steps = [_past_the_lane(pair.pairs)] if rule is RouteRule.EXPERIMENTAL_LANE_FULL else []
    wanted = _QUALITY[Route.EXPERIMENTAL_ONLY if steps else route]
    sides = [(local, cs), (cs, local)]
    if rule in (RouteRule.LOCAL_ON_SYMBOL, RouteRule.POOLED_TOO_SMALL):
        # Whatever its state, the pooled model is out of the question here.
        steps.append(tests.more_on_the_symbol(pair.row, policy))
        sides = [(local, msgspec.structs.replace(cs, state=SignalState.DISALLOWED))]
    for trace, other in sides:
        step = _lift(trace, other, wanted, policy)
        if step:
            steps.append(step)
    return tuple(steps) or (_lift_both(cs, local, wanted, policy),)


def _lift(trace: SideTrace, other: SideTrace, wanted: int, policy: PolicyInForce) -> str:
    """How far one side must climb for a route better than `wanted`, the other side staying as it is."""
    for state in tuple(SignalState)[code(trace.state) + 1 :]:
        cs, local = trace.side.of((state, other.state), (other.state, state))
        reached, _ = decision(cs, local, policy.both_strong_behavior, policy.both_weak_behavior)
        if _QUALITY[reached] > wanted:
            name = trace.side.of("the pooled model", "the symbol's own model")
            needs = "; ".join(_missing(trace, state, policy)) or "its standing conditions"
            return f"{reached.value} if {name} were {state.value}: {needs}."
    return ""


def _lift_both(cs: SideTrace, local: SideTrace, wanted: int, policy: PolicyInForce) -> str:
    best = SignalState.STRONG
    reached, _ = decision(best, best, policy.both_strong_behavior, policy.both_weak_behavior)
    if _QUALITY[reached] <= wanted:
        return "This policy has no better route."
    needs = [
        f"{name}: {'; '.join(_missing(trace, best, policy)) or 'nothing more'}"
        for name, trace in (("pooled model", cs), ("symbol's own model", local))
    ]
    return f"{reached.value} if both sides were {best.value}. {'. '.join(needs)}."


def _missing(trace: SideTrace, state: SignalState, policy: PolicyInForce) -> list[str]:
    """What a side lacks for `state`, in words; empty if only another rule stands in the way."""
    lane = tests.score_thresholds_of(trace, policy)["experimental_score"]
    # NaN stands for a closed lane.
    closed = state is SignalState.EXPERIMENTAL and np.isnan(lane)
    if closed and not rules.rule_of(trace, policy).test.alone:
        return ["the experimental lane must be open"]
    return rules.remedies(trace, [*rules.admission_tests(policy), *_tests_for(state)], policy)


def _tests_for(state: SignalState) -> tuple[RuleTest, ...]:
    """The tests of the rule that gives `state`, its own first."""
    wanted = next(rule for rule in (_STRONG, _WEAK, _TRIAL) if rule.state is state)
    return (wanted.test, *wanted.tests)


def _undecided(row: pd.Series, policy: PolicyInForce) -> str:
    """Both sides are strong, and one of them was preferred."""
    if policy.both_strong_behavior is not BothStrongBehavior.PREFER_BETTER:
        return "This policy has no better route."
    return (
        f"{Route.BOTH.value} if the interval of the difference held 0 (now {row['difference_low']:+.4f} to"
        f" {row['difference_high']:+.4f}) and the average scored no worse than the better model."
    )


def _past_the_lane(pairs: pd.DataFrame) -> str:
    last = pairs[(pairs["route"] == Route.EXPERIMENTAL_ONLY.value).to_numpy()]
    lowest = last.sort_values("experimental_rank").iloc[-1]
    return (
        f"{Route.EXPERIMENTAL_ONLY.value} if its gate were above that of {lowest['symbol']}"
        f" ({number(lowest['local_gate'])}), the last in the lane."
    )


_SENTENCES = {
    RouteRule.BOTH_STRONG: "{sides} ({choice})",
    RouteRule.BOTH_WEAK: "{sides} ({choice})",
    RouteRule.LOCAL_ON_SYMBOL: "{sides} (too little pooled skill on this symbol once shrunk)",
}
METHOD = RoutingMethod("thresholds", LADDER, _choose, _open_threshold, _compare, _next_steps, _SENTENCES)
