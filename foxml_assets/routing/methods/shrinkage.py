"""Method shrinkage: which model serves a pair best, by skills shrunk by those of the target's other pairs."""

from dataclasses import replace

import numpy as np

from foxml_assets.core.vocabulary import USABLE, Route, SignalState
from foxml_assets.routing.frames import Bools, Floats, Index, code
from foxml_assets.routing.methods.combination import Routes
from foxml_assets.routing.methods.pair_evidence import JudgedSide, PairEvidence
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.method_registry import PairTrace, RoutingMethod
from foxml_assets.routing.policy.routing_words import RouteRule
from foxml_assets.routing.rules import rule_tests as tests
from foxml_assets.routing.rules import rules
from foxml_assets.routing.rules.rules import Cases, Rule
from foxml_assets.routing.rules.side_trace import RuleLine, SideTrace, number
from foxml_assets.routing.sides.row_tests import UNRECORDED, Check


def _faded(cases: Cases) -> Bools:
    return cases.rows.followed & ~cases.passed(Check.STABILITY)


def _discovery(cases: Cases) -> Floats:
    return cases.tests.fdr_threshold


def _line_if_followed(trace: SideTrace, policy: PolicyInForce) -> RuleLine | None:
    return tests.STEADY.line(trace, policy) if trace.followed else None


# Agreement of importances says little about skill and is not asked for; skill that faded is.
_STEADY_IF_FOLLOWED = replace(tests.STEADY, line=_line_if_followed, check=UNRECORDED)
# A discovery may be routed; its thresholds only tell a strong one from a weak one. Past the rules for blocked
# and suspect rows, what is not clear is unknown.
LADDER = (
    *rules.ADMISSION,
    replace(
        rules.NO_GATE,
        when="no standard error, so not tested",
        holds=lambda cases: ~cases.tests.fdr.tested,
    ),
    replace(
        rules.STABILITY,
        when="skill was followed over the folds, and the stability is not allowed",
        holds=_faded,
        test=_STEADY_IF_FOLLOWED,
    ),
    replace(
        rules.STRONG,
        when="leakage clear, gate >= `strong_score`",
        holds=lambda cases: cases.clear & cases.passed(Check.STRONG_SCORE),
        asks=(tests.CLEAR, tests.STRONG_SCORE),
    ),
    Rule(
        name="discovered",
        when="leakage clear",
        holds=lambda cases: cases.clear,
        state=SignalState.WEAK_BUT_OK,
        phrase="{side} weak but usable",
        test=tests.DISCOVERY,
        words=tests.decided_by_false_discovery,
        threshold=_discovery,
    ),
    replace(
        rules.SUSPECT_ON_TRIAL,
        when="leakage suspect, lane open",
        holds=lambda cases: cases.suspect & cases.policy.enable_experimental_lane,
        threshold=_discovery,
    ),
    replace(rules.SUSPECT, when="leakage suspect", holds=lambda cases: cases.suspect, threshold=_discovery),
    replace(
        rules.UNKNOWN_ON_TRIAL,
        when="leakage never examined, lane open",
        holds=lambda cases: ~cases.clear & cases.policy.enable_experimental_lane,
        threshold=_discovery,
    ),
    replace(
        rules.UNKNOWN,
        when="leakage never examined",
        holds=lambda cases: ~cases.clear,
        threshold=_discovery,
    ),
)


# The three choices, then what is left for pairs without one.
_OUTCOMES = (
    (Route.CROSS_SECTIONAL, RouteRule.SHRUNK_CS),
    (Route.SYMBOL_SPECIFIC, RouteRule.SHRUNK_LOCAL),
    (Route.BOTH, RouteRule.SHRUNK_BOTH),
    (Route.EXPERIMENTAL_ONLY, RouteRule.EXPERIMENTAL),
    (Route.BLOCKED, RouteRule.POOLED_TOO_SMALL),
    (Route.BLOCKED, RouteRule.NOTHING_ALLOWED),
)


def _choose(evidence: PairEvidence) -> Routes:
    skills, policy, weak = evidence.skills, evidence.policy, code(SignalState.WEAK_BUT_OK)
    cs_state, local_state = evidence.cs_state, evidence.local.state
    least = policy.skill_on_symbol.min_probability
    cs_found = cs_state >= weak
    cs_allowed = cs_found & (evidence.cs_probability >= least)
    both_allowed = cs_found & _may_be_averaged(evidence) & (evidence.both_probability >= least)
    allowed = np.column_stack((cs_allowed, local_state >= weak, both_allowed))
    known = np.column_stack((skills.pooled.mean, skills.own.mean, skills.both.mean))
    kept = np.column_stack([evidence.earlier.route == code(route) for route, _ in _OUTCOMES[:3]])
    # Each pair's margin, in skill (pairs x 1), for the one choice it had, zero for the others.
    known += np.where(kept, (policy.hysteresis * evidence.local.rows.skill_scale)[:, None], 0.0)
    best = _best_choice(known, allowed, policy.shrinkage.min_advantage)
    trial = code(SignalState.EXPERIMENTAL)
    on_trial = (cs_state == trial) | (local_state == trial)
    # A position in `_OUTCOMES`: 0 to 2 are the choices, as `best` numbers them.
    which = np.select([best >= 0, on_trial, cs_found & ~cs_allowed], [best, 3, 4], 5)
    return Routes(
        route=np.array([code(route) for route, _ in _OUTCOMES], dtype=np.int8)[which],
        rule=np.array([code(rule) for _, rule in _OUTCOMES], dtype=np.int8)[which],
        rank=np.zeros(len(which), dtype=np.int64),
    )


def _may_be_averaged(evidence: PairEvidence) -> Bools:
    """Own models that may join a pooled one: all that could be discoveries, whether they are or not.

    That there is something to forecast the pooled model has shown, and what the average is worth on the
    symbol is asked of the average.
    """
    local = evidence.local
    return local.tests.eligible & local.clear & ~_faded(local)


def _best_choice(skills: Floats, allowed: Bools, advantage: float) -> Index:
    """0 pooled, 1 own, 2 both, or -1 for none: the best allowed choice by skill (both pairs x 3).

    Another choice must beat the pooled model by `advantage`.
    """
    # What is allowed has a skill, as its state or probability was made from one: no NaN reaches argmax.
    # Of equal skills the first is taken: the pooled model before the others.
    best = np.argmax(np.where(allowed, skills - [0.0, advantage, advantage], -np.inf), axis=1)
    return np.where(allowed.any(axis=1), best, -1)


def _open_threshold(side: JudgedSide) -> Floats:
    return side.tests.fdr.threshold


def _compare(pair: PairTrace, policy: PolicyInForce) -> tuple[RuleLine, ...]:
    """The pooled model and the average on the symbol, then what the other choices must lead by."""
    pooled = tests.pooled_on_symbol(pair.row, policy)
    in_question = pooled.passed and pair.cs.state in USABLE
    needed = pair.row["cs_skill"] + policy.min_advantage
    lines = [pooled]
    if not np.isnan(pair.row["both_probability"]):
        known = pair.row["both_skill"], pair.row["both_probability"]
        lines.append(tests.skill_on_symbol("skill of both on this symbol", *known, policy))
    for name, column in (("own skill", "local_skill"), ("skill of both", "both_skill")):
        skill = pair.row[column]
        if in_question:
            asked = f">= {number(needed)} (pooled + shrinkage.min_advantage {policy.min_advantage:g})"
            lines.append(RuleLine(name, number(skill), asked, bool(skill >= needed)))
        else:
            lines.append(RuleLine(name, number(skill), "the pooled model is not allowed", None))
    return tuple(lines)


def _next_steps(pair: PairTrace, policy: PolicyInForce) -> tuple[str, ...]:
    """Ways to another choice."""
    cs, local = pair.cs, pair.local
    steps = []
    probability = pair.row["cs_probability"]
    if cs.state in USABLE:
        if not probability >= policy.min_probability:
            steps.append(tests.more_on_the_symbol(pair.row, policy))
    else:
        steps.append(f"The pooled model is allowed with: {'; '.join(_for_discovery(cs, policy))}.")
    if local.state not in USABLE:
        steps.append(f"The symbol's own model is allowed with: {'; '.join(_for_discovery(local, policy))}.")
    elif pair.row["rule"] == RouteRule.SHRUNK_CS.value:
        lacking = pair.row["cs_skill"] + policy.min_advantage - pair.row["local_skill"]
        steps.append(f"The symbol's own model is chosen if its shrunk skill rises by {number(lacking)}.")
    return tuple(steps) or ("Every choice is allowed; the best one was taken.",)


def _for_discovery(trace: SideTrace, policy: PolicyInForce) -> list[str]:
    admission = [test for test in rules.admission_tests(policy) if test is not _STEADY_IF_FOLLOWED]
    needs = rules.remedies(trace, [*admission, tests.CLEAR, _STEADY_IF_FOLLOWED], policy)
    return needs or ["a standard error of its score"]


_SENTENCES = {
    RouteRule.SHRUNK_CS: "{sides} (no other choice is better enough once shrunk)",
    RouteRule.SHRUNK_LOCAL: "{sides} (the symbol's own model is best once shrunk)",
    RouteRule.SHRUNK_BOTH: "{sides} (the average of both is best once shrunk)",
}
METHOD = RoutingMethod(
    "shrinkage",
    LADDER,
    _choose,
    _open_threshold,
    _compare,
    _next_steps,
    _SENTENCES,
    needs_discovery=True,
)
