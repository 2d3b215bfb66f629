"""The tests that rules ask: each as a line of the trace, with what would have to change to pass it, and the
words of what decided a state, in numbers beside the keys that they were held against; and the tests of what a
model is worth on a symbol."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import TypeAlias

import numpy as np
import pandas as pd

from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.routing_words import ErrorControl, HorizonTier, Profile, RouteRule
from foxml_assets.routing.rules.side_trace import RuleLine, SideTrace, number, stability_words
from foxml_assets.routing.sides.fdr import one_sided_p
from foxml_assets.routing.sides.row_tests import UNRECORDED, Check

Words: TypeAlias = Callable[[SideTrace, PolicyInForce], str]


@dataclass(frozen=True)
class RuleTest:
    """One test: `line` writes it (None: not shown), `remedy` says what would have to change (empty: nothing).

    `check` is its bit in the plan; without one it failed only where its rule decided. Where a test that
    stands `alone` failed, no other was made.
    """

    name: str
    line: Callable[[SideTrace, PolicyInForce], RuleLine | None]
    remedy: Words
    check: Check = UNRECORDED
    alone: bool = False


def plain_test(check: Check, name: str, value: Words, asked: Words, remedy: Words) -> RuleTest:
    """A test of one value against what is asked for, whose outcome the plan recorded."""

    def line(trace: SideTrace, policy: PolicyInForce) -> RuleLine:
        return RuleLine(name, value(trace, policy), asked(trace, policy), check in trace.checks)

    return RuleTest(name, line, remedy, check)


def _sound_line(trace: SideTrace, policy: PolicyInForce) -> RuleLine:
    if trace.rule == "quarantined":
        return RuleLine("sound row", "quarantined", trace.quarantine_reason, passed=False)
    absent = trace.rule == "no_metrics"
    return RuleLine("sound row", "no metrics" if absent else "sound", "a row of evidence", passed=not absent)


def _sound_remedy(trace: SideTrace, policy: PolicyInForce) -> str:
    if trace.rule == "quarantined":
        return f"a mended row ({trace.quarantine_reason})"
    return "evidence of its own"


def _gate(trace: SideTrace, policy: PolicyInForce) -> str:
    return number(trace.gate)


def _families(trace: SideTrace, policy: PolicyInForce) -> str:
    return "not recorded" if np.isnan(trace.families_ok) else f"{trace.families_ok:.0f}"


def _features(trace: SideTrace, policy: PolicyInForce) -> str:
    return "not recorded" if trace.n_features is None else f"{trace.n_features:,}"


def _discovery_line(trace: SideTrace, policy: PolicyInForce) -> RuleLine:
    if trace.error_control is ErrorControl.NOT_CONTROLLED:
        return RuleLine("false discovery", "no standard error", "not controlled", passed=None)
    if trace.error_control is ErrorControl.OFF:
        return RuleLine("false discovery", "not tested", "", passed=None)
    rate = f"{_rate_key(trace, policy)} {trace.fdr_q:g}"
    asked = f">= {number(trace.fdr_threshold)} at {rate}{_in_history(trace, policy)}"
    value = number(trace.score)
    if trace.error_control is ErrorControl.KEPT:
        value = f"{value}, kept from an earlier plan"
    if not isnan(trace.probability):
        asked = f"{asked}, or {_likely(trace, policy)}"
    return RuleLine("false discovery", value, asked, Check.FDR in trace.checks)


def _likely(trace: SideTrace, policy: PolicyInForce) -> str:
    """What is asked of an own model where those of its target are found together."""
    asked = f"P(skill > skill_on_symbol.min_skill {policy.min_skill:g})"
    known = f"{policy.min_probability:g}, as own models are found together; it is {number(trace.probability)}"
    return f"{asked} >= min_probability {known}"


def _rate_key(trace: SideTrace, policy: PolicyInForce) -> str:
    """The key of the rate at which a row was tested."""
    return f"fdr.q.{trace.side}" if trace.fdr_q == policy.fdr_q(trace.side) else "fdr.q_confirmed"


def _in_history(trace: SideTrace, policy: PolicyInForce) -> str:
    batch = policy.fdr_batch
    if batch is None:
        return ""
    return f" over all plans; batch {batch.number} finds new ones at {batch.level(trace.side):.2g}"


def _discovery_remedy(trace: SideTrace, policy: PolicyInForce) -> str:
    needed = f"score >= {number(trace.fdr_threshold)} by false discovery at {_rate_key(trace, policy)}"
    needed += f" (now {number(trace.score)})"
    return needed if isnan(trace.probability) else f"{needed}, or {_likely(trace, policy)}"


def _stability_now(trace: SideTrace, policy: PolicyInForce) -> str:
    words = stability_words(trace, policy)
    return f"(now {trace.stability}: {words})" if words else f"(now {trace.stability})"


def score_thresholds_of(trace: SideTrace, policy: PolicyInForce) -> dict[str, float]:
    """The score thresholds of a trace by their key; NaN where there is none.

    The threshold that decided is the recorded one, which hysteresis may have moved.
    """
    found = {"strong_score": nan, "min_score": nan, "experimental_score": nan}
    for threshold in policy.thresholds:
        if (threshold.side, threshold.score_metric, threshold.tier) == (trace.side, trace.metric, trace.tier):
            lane = nan if threshold.experimental is None else threshold.experimental
            found = {"strong_score": threshold.strong, "min_score": threshold.min, "experimental_score": lane}
    # Only rules that are named as the key of a score threshold recorded one of these three.
    return found | {trace.rule: trace.threshold} if trace.rule in found else found


def _allowed_stabilities(trace: SideTrace, policy: PolicyInForce) -> str:
    """The stabilities with which a row of this side may be strong or weak, in words."""
    return " or ".join(trace.side.of(policy.stability_cross_sectional, policy.stability_symbol)) or "none"


def _score_test(check: Check, key: str) -> RuleTest:
    """The gate against the threshold of this key."""

    def asked(trace: SideTrace, policy: PolicyInForce) -> str:
        threshold = score_thresholds_of(trace, policy)[key]
        # NaN is a lane without a threshold for this metric, which is closed as well.
        if check is Check.EXPERIMENTAL_SCORE and (not policy.experimental_lane or np.isnan(threshold)):
            return "lane closed"
        return f">= {number(threshold)}"

    def remedy(trace: SideTrace, policy: PolicyInForce) -> str:
        threshold = score_thresholds_of(trace, policy)[key]
        if np.isnan(trace.gate):
            return ""
        return f"gate >= {number(threshold)} (now {number(trace.gate)}, {threshold - trace.gate:+.4f})"

    return plain_test(check, key.replace("_", " "), _gate, asked, remedy)


SOUND = RuleTest("sound row", _sound_line, _sound_remedy, alone=True)
SAMPLES = plain_test(
    Check.SAMPLE_SIZE,
    "samples",
    lambda trace, _: f"{trace.sample_size:,.0f}",
    lambda trace, policy: f">= {policy.sample_minimum(trace.side):,}",
    lambda trace, policy: (
        f"at least {policy.sample_minimum(trace.side):,} samples (now {trace.sample_size:,.0f})"
    ),
)
NO_LEAK = plain_test(
    Check.LEAKAGE_NOT_BLOCKED,
    "no leak",
    lambda trace, _: trace.leakage_status,
    lambda *_: "not BLOCKED",
    lambda trace, _: f"no leak (now {trace.leakage_status})",
)
FAMILIES = plain_test(
    Check.FAMILIES,
    "model families",
    _families,
    lambda _, policy: f">= {policy.require_min_successful_families}",
    lambda _, policy: f"at least {policy.require_min_successful_families} fitted model families",
)
FEATURES = plain_test(
    Check.FEATURES,
    "allowed features",
    _features,
    lambda _, policy: f">= {policy.min_features}" if policy.require_safe_features_only else "any",
    lambda _, policy: f"at least {policy.min_features} allowed features",
)
GATE = plain_test(
    Check.GATE_KNOWN,
    "gate known",
    _gate,
    lambda _, policy: f"a {policy.gate_on}",
    lambda _, policy: f"a {policy.gate_on}",
)
DISCOVERY = RuleTest("false discovery", _discovery_line, _discovery_remedy, Check.FDR)
CLEAR = plain_test(
    Check.LEAKAGE_CLEAR,
    "leakage clear",
    lambda trace, _: trace.leakage_status,
    lambda _, policy: "SAFE or UNKNOWN" if policy.unknown_leakage == "allow" else "SAFE",
    lambda trace, _: f"leakage SAFE (now {trace.leakage_status})",
)
STEADY = plain_test(
    Check.STABILITY,
    "stability",
    lambda trace, _: trace.stability,
    lambda trace, policy: f"{_allowed_stabilities(trace, policy)} (stability_allowlist.{trace.side})",
    lambda trace, policy: f"stability {_allowed_stabilities(trace, policy)} {_stability_now(trace, policy)}",
)
STRONG_SCORE = _score_test(Check.STRONG_SCORE, "strong_score")
MIN_SCORE = _score_test(Check.MIN_SCORE, "min_score")
EXPERIMENTAL_SCORE = _score_test(Check.EXPERIMENTAL_SCORE, "experimental_score")
STEADY_ON_TRIAL = plain_test(
    Check.EXPERIMENTAL_STABILITY,
    "experimental stability",
    lambda trace, _: trace.stability,
    lambda _, policy: " or ".join(policy.stability_experimental) or "none",
    lambda trace, policy: (
        f"stability {' or '.join(policy.stability_experimental)} {_stability_now(trace, policy)}"
    ),
)


def decided_by_sample_size(trace: SideTrace, policy: PolicyInForce) -> str:
    key = "min_sample_size" if policy.profile is Profile.PRODUCTION else "development_min_sample_size"
    minimum = policy.sample_minimum(trace.side)
    return f"samples: {trace.sample_size:,.0f} below {key}.{trace.side} {minimum:,}"


def decided_by_leakage_blocked(trace: SideTrace, policy: PolicyInForce) -> str:
    unknown = (
        f", and unknown_leakage is {policy.unknown_leakage}" if trace.leakage_status == "UNKNOWN" else ""
    )
    return f"leakage: {trace.leakage_status}{unknown}"


def decided_by_families(trace: SideTrace, policy: PolicyInForce) -> str:
    fitted = "an unknown number" if np.isnan(trace.families_ok) else f"{trace.families_ok:.0f}"
    required = policy.require_min_successful_families
    return f"families: {fitted} fitted, below require_min_successful_families {required}"


def decided_by_features(trace: SideTrace, policy: PolicyInForce) -> str:
    allowed = "an unknown number" if trace.n_features is None else f"{trace.n_features:,}"
    return f"features: {allowed} allowed, below min_features {policy.min_features}"


def score_reached(trace: SideTrace, policy: PolicyInForce) -> str:
    """For the rules that are named as the key of the threshold that they ask for."""
    key = _score_key(trace, trace.rule, policy)
    return f"score: {_gate_words(trace, policy)} reaches {key} {number(trace.threshold)}"


def decided_by_false_discovery(trace: SideTrace, policy: PolicyInForce) -> str:
    """Such as "fdr: p 0.013 above the threshold 0.0042 at fdr.q.symbol 0.01 (score 0.1002 below 0.1181)"."""
    se = trace.se * policy.inflate_se
    if trace.metric is None or not se > 0 or np.isnan(trace.fdr_threshold):
        return f"score: {_gate_words(trace, policy)}; false discovery is not controlled"
    chance = trace.metric.chance
    # The p-value of a score that just meets the threshold is the cut-off of Benjamini-Hochberg.
    p, cutoff = one_sided_p((np.array([trace.score, trace.fdr_threshold]) - chance) / se).tolist()
    rule = f"the threshold {cutoff:.2g} at {_rate_key(trace, policy)} {trace.fdr_q:g}"
    rule += _batch_words(trace, policy)
    score, threshold = number(trace.score), number(trace.fdr_threshold)
    if trace.error_control is ErrorControl.TOGETHER:
        return f"fdr: {_likely(trace, policy)} (by itself p {p:.2g} above {rule})"
    if trace.score >= trace.fdr_threshold:
        return f"fdr: p {p:.2g} within {rule} (score {score} reaches {threshold})"
    return f"fdr: p {p:.2g} above {rule} (score {score} below {threshold})"


def _batch_words(trace: SideTrace, policy: PolicyInForce) -> str:
    """What the history of plans does to a row's test; nothing where each plan stands for itself."""
    batch = policy.fdr_batch
    if batch is None:
        return ""
    if trace.error_control is ErrorControl.KEPT:
        return ", kept because an earlier plan discovered it"
    return f", of which {batch.level(trace.side):.2g} is left for new rows of batch {batch.number}"


def decided_by_stability(trace: SideTrace, policy: PolicyInForce) -> str:
    numbers = stability_words(trace, policy) or "no numbers"
    allowed = _allowed_stabilities(trace, policy)
    return f"stability: {numbers}: {trace.stability}, and stability_allowlist.{trace.side} is {allowed}"


def below_thresholds(trace: SideTrace, policy: PolicyInForce) -> str:
    thresholds = score_thresholds_of(trace, policy)
    lane_open = policy.experimental_lane and not np.isnan(thresholds["experimental_score"])
    name = "experimental_score" if lane_open else "min_score"
    key = _score_key(trace, name, policy)
    return f"score: {_gate_words(trace, policy)} below {key} {number(thresholds[name])}"


def _gate_words(trace: SideTrace, policy: PolicyInForce) -> str:
    """The number that was held against the thresholds."""
    return f"{policy.gate_on} {number(trace.gate)}" if policy.gate_on != "score" else number(trace.gate)


def _score_key(trace: SideTrace, name: str, policy: PolicyInForce) -> str:
    """The key of the threshold `name`."""
    if name == "experimental_score":
        return f"experimental.min_score.{trace.side}.{trace.metric}"
    by_tier = {
        threshold.tier: (threshold.strong, threshold.min)
        for threshold in policy.thresholds
        if (threshold.side, threshold.score_metric) == (trace.side, trace.metric)
    }
    # Tier `any` has the side's own thresholds; a tier with the same ones was not given any of its own.
    own = trace.tier is not None and by_tier.get(trace.tier) != by_tier.get(HorizonTier.ANY)
    return f"{trace.side}.{f'horizon_tiers.{trace.tier}.' if own else ''}{trace.metric}.{name}"


def more_on_the_symbol(row: pd.Series, policy: PolicyInForce) -> str:
    return (
        f"The pooled model is allowed if P(its skill on the symbol > min_skill {policy.min_skill:g}) >="
        f" min_probability {policy.min_probability:g} (now {number(row['cs_probability'])})."
    )


def pooled_on_symbol(row: pd.Series, policy: PolicyInForce) -> RuleLine:
    """Whether the pooled model has skill on the symbol, as a line of the trace."""
    line = skill_on_symbol("pooled skill on this symbol", row["cs_skill"], row["cs_probability"], policy)
    decided = row["rule"] in (RouteRule.POOLED_TOO_SMALL, RouteRule.LOCAL_ON_SYMBOL)
    return replace(line, decided=decided)


def skill_on_symbol(name: str, skill: float, probability: float, policy: PolicyInForce) -> RuleLine:
    """Whether the symbol surely has skill by what is called `name`, as a line of the trace."""
    least = f"P(skill > skill_on_symbol.min_skill {policy.min_skill:g})"
    asked = f"{least} >= min_probability {policy.min_probability:g}; it is {number(probability)}"
    return RuleLine(name, number(skill), asked, passed=bool(probability >= policy.min_probability))
