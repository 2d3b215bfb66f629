"""The tests that rules ask: each as a line of the trace, with what would have to change to pass it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.routing_words import ErrorControl
from foxml_assets.routing.rules.side_trace import (
    RuleLine,
    SideTrace,
    allowed_stabilities,
    number,
    score_thresholds_of,
)
from foxml_assets.routing.rules.stability_words import stability_words
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
    q = policy.fdr_q(trace.side)
    if trace.error_control is ErrorControl.OFF or q is None:
        return RuleLine("false discovery", "not tested", "", passed=None)
    asked = f">= {number(trace.fdr_threshold)} at q = {q:g}{_in_history(trace, policy)}"
    value = number(trace.score)
    if trace.error_control is ErrorControl.KEPT:
        value = f"{value}, kept from an earlier plan"
    return RuleLine("false discovery", value, asked, Check.FDR in trace.checks)


def _in_history(trace: SideTrace, policy: PolicyInForce) -> str:
    batch = policy.fdr_batch
    if batch is None:
        return ""
    return f" over all plans; batch {batch.number} finds new ones at {batch.level(trace.side):.2g}"


def _discovery_remedy(trace: SideTrace, policy: PolicyInForce) -> str:
    needed = f"score >= {number(trace.fdr_threshold)} by false discovery at fdr.q.{trace.side}"
    return f"{needed} (now {number(trace.score)})"


def _stability_now(trace: SideTrace, policy: PolicyInForce) -> str:
    words = stability_words(trace, policy)
    return f"(now {trace.stability}: {words})" if words else f"(now {trace.stability})"


def _score_test(check: Check, name: str, at: int) -> RuleTest:
    """The gate against one of the three thresholds of `score_thresholds_of`."""

    def asked(trace: SideTrace, policy: PolicyInForce) -> str:
        threshold = score_thresholds_of(trace, policy)[at]
        # NaN is a lane without a threshold for this metric, which is closed as well.
        if check is Check.EXPERIMENTAL_SCORE and (not policy.experimental_lane or np.isnan(threshold)):
            return "lane closed"
        return f">= {number(threshold)}"

    def remedy(trace: SideTrace, policy: PolicyInForce) -> str:
        threshold = score_thresholds_of(trace, policy)[at]
        if np.isnan(trace.gate):
            return ""
        return f"gate >= {number(threshold)} (now {number(trace.gate)}, {threshold - trace.gate:+.4f})"

    return plain_test(check, name, _gate, asked, remedy)


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
    lambda trace, policy: f"{allowed_stabilities(trace, policy)} (stability_allowlist.{trace.side})",
    lambda trace, policy: f"stability {allowed_stabilities(trace, policy)} {_stability_now(trace, policy)}",
)
STRONG_SCORE = _score_test(Check.STRONG_SCORE, "strong score", 0)
MIN_SCORE = _score_test(Check.MIN_SCORE, "min score", 1)
EXPERIMENTAL_SCORE = _score_test(Check.EXPERIMENTAL_SCORE, "experimental score", 2)
STEADY_ON_TRIAL = plain_test(
    Check.EXPERIMENTAL_STABILITY,
    "experimental stability",
    lambda trace, _: trace.stability,
    lambda _, policy: " or ".join(policy.stability_experimental) or "none",
    lambda trace, policy: (
        f"stability {' or '.join(policy.stability_experimental)} {_stability_now(trace, policy)}"
    ),
)
