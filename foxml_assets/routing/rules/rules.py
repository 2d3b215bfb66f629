"""A rule is one row of a ladder: what it tests, the state it gives, and every word that is said of it.

The ladder that decides, the reasons, the trace, the explanation and docs/policy.md all read these rows. Here
stand the rows that every method asks first, those that methods share (the rest stand in their modules), and
what reads a trace by the ladder that decided it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import nan

import numpy as np

from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.core.vocabulary import LeakageStatus, SignalState
from foxml_assets.routing.frames import Bools, Floats, code
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.rules import rule_tests as tests
from foxml_assets.routing.rules.rule_tests import RuleTest, Words
from foxml_assets.routing.rules.side_trace import RuleLine, SideTrace
from foxml_assets.routing.sides.quarantine import SideEvidence
from foxml_assets.routing.sides.row_tests import Check, RowTests


@dataclass(frozen=True)
class Cases(SideEvidence):
    """The rows of one side that a rule is asked about, with the outcomes of their tests."""

    tests: RowTests
    policy: RoutingPolicy

    def passed(self, check: Check) -> Bools:
        return self.tests.passed[check]

    @property
    def clear(self) -> Bools:
        return self.passed(Check.LEAKAGE_CLEAR)

    @property
    def suspect(self) -> Bools:
        return np.asarray(self.rows.leakage == code(LeakageStatus.SUSPECT))


class Measured(StrEnum):
    """What a target's reason shows beside the threshold that decided, if there was one."""

    NOTHING = "nothing"
    GATE = "gate"
    SAMPLES = "samples"
    STABILITY = "stability"


@dataclass(frozen=True)
class Rule:
    """Rows for which `holds` (None: that failed `test`) get `state`, unless an earlier rule held.

    `name` stands in the plan, `when` in the docs, `phrase` in reasons ({side}, and {steady}, {unsteady} or
    {on_trial} for the stability). `test` is the line of the trace that is marked as deciding, and says what
    would have to change; `asks` are all tests of the rule in the order of their lines, if there are more.
    `words` give the numbers that decided. `threshold` is what they were held against, in the rule's unit; NaN
    for none.
    """

    name: str
    phrase: str
    test: RuleTest
    words: Words
    when: str = ""
    holds: Callable[[Cases], Bools] | None = None
    state: SignalState = SignalState.DISALLOWED
    threshold: Callable[[Cases], Floats | float] = lambda _: nan
    asks: tuple[RuleTest, ...] = ()
    measured: Measured = Measured.GATE

    def rows(self, cases: Cases) -> Bools:
        """The rows for which it holds."""
        return ~cases.passed(self.test.check) if self.holds is None else self.holds(cases)

    @property
    def tests(self) -> tuple[RuleTest, ...]:
        return self.asks or (self.test,)


NO_METRICS = Rule(
    name="no_metrics",
    when="there is no row",
    holds=lambda cases: ~cases.rows.present,
    phrase="no {side} metrics",
    test=tests.SOUND,
    words=lambda *_: "metrics: the evidence has no row for it",
)
QUARANTINED = Rule(
    name="quarantined",
    when="a value of the row cannot be true (see [formats](formats.md#quarantine))",
    holds=lambda cases: cases.faults.any,
    phrase="{side} row quarantined",
    test=tests.SOUND,
    words=lambda trace, _: f"quarantine: {trace.quarantine_reason}",
)
SAMPLE_SIZE = Rule(
    name="sample_size",
    when="fewer samples than the minimum",
    phrase="{side} has too few samples",
    test=tests.SAMPLES,
    words=tests.decided_by_sample_size,
    threshold=lambda cases: float(cases.policy.sample_minimum(cases.rows.side)),
    measured=Measured.SAMPLES,
)
LEAKAGE_BLOCKED = Rule(
    name="leakage_blocked",
    when="leakage BLOCKED, which is a hard block too",
    phrase="{side} leaks",
    test=tests.NO_LEAK,
    words=tests.decided_by_leakage_blocked,
)
FAMILIES = Rule(
    name="families",
    when="fewer fitted families than required",
    phrase="too few model families fitted {side}",
    test=tests.FAMILIES,
    words=tests.decided_by_families,
    threshold=lambda cases: float(cases.policy.require_min_successful_families),
    measured=Measured.NOTHING,
)
FEATURES = Rule(
    name="features",
    when="too few features may be used",
    phrase="too few {side} features are safe",
    test=tests.FEATURES,
    words=tests.decided_by_features,
    threshold=lambda cases: float(cases.policy.min_features),
    measured=Measured.NOTHING,
)
NO_GATE = Rule(
    name="no_gate",
    when="no gate",
    phrase="{side} has no confidence interval",
    test=tests.GATE,
    words=lambda _, policy: f"gate: no confidence interval, which gate_on: {policy.gate_on} asks for",
)
FDR = Rule(
    name="fdr",
    when="not a [discovery](#false-discoveries)",
    phrase="{side} no better than chance (FDR)",
    test=tests.DISCOVERY,
    words=tests.decided_by_false_discovery,
    threshold=lambda cases: cases.tests.fdr_threshold,
)

# Enough sound, clean evidence that is not chance.
# The first that holds is told, so what is wrong with the row comes before what is wrong with its score.
ADMISSION = (NO_METRICS, QUARANTINED, SAMPLE_SIZE, LEAKAGE_BLOCKED, FAMILIES, FEATURES, NO_GATE, FDR)

# What methods find strong, and hold against leakage and stability: when, is their own business, and against
# which threshold.
STRONG = Rule(
    name="strong_score",
    state=SignalState.STRONG,
    phrase="{side} strong {steady}",
    test=tests.STRONG_SCORE,
    words=tests.score_reached,
    threshold=lambda cases: cases.tests.thresholds[SignalState.STRONG],
)
STABILITY = Rule(
    name="stability",
    phrase="{side} score passes but {unsteady}",
    test=tests.STEADY,
    words=tests.decided_by_stability,
    measured=Measured.STABILITY,
)
SUSPECT = Rule(
    name="suspect_leakage",
    phrase="{side} suspected of leakage",
    test=tests.CLEAR,
    words=lambda trace, _: f"leakage: {trace.leakage_status}",
)
SUSPECT_ON_TRIAL = replace(
    SUSPECT, state=SignalState.EXPERIMENTAL, phrase="{side} on trial, as it is suspected of leakage"
)
UNKNOWN = replace(
    SUSPECT,
    name="unknown_leakage",
    phrase="{side} never examined for leakage",
    words=lambda _, policy: f"leakage: never examined, and unknown_leakage is {policy.unknown_leakage}",
)
UNKNOWN_ON_TRIAL = replace(
    UNKNOWN, state=SignalState.EXPERIMENTAL, phrase="{side} on trial, as it was never examined for leakage"
)


def rule_of(trace: SideTrace, policy: PolicyInForce) -> Rule:
    """The row of the ladder that decided. Raises RoutingPlanError if the plan's method has no such rule."""
    named = [rule for rule in find_method(policy.method).ladder if rule.name == trace.rule]
    if not named:
        raise RoutingPlanError(
            f"the routing plan names a rule {trace.rule!r} that its method {policy.method} does not have",
            fix="plan again",
        )
    # A rule and its variant on trial share a name, and their states tell them apart.
    return next((rule for rule in named if rule.state is trace.state), named[0])


def deciding_words(trace: SideTrace, policy: PolicyInForce) -> str:
    """What decided, in numbers beside the keys of the policy that they were held against."""
    return rule_of(trace, policy).words(trace, policy)


def tests_of(trace: SideTrace, policy: PolicyInForce) -> tuple[RuleLine, ...]:
    """All tests of one side, in the order of the ladder. The outcomes are those the plan recorded."""
    deciding = rule_of(trace, policy).test
    asked = [test for rule in find_method(policy.method).ladder for test in rule.tests]
    # A test stands once, where it is first asked.
    first: dict[str, RuleTest] = {}
    for test in asked:
        first.setdefault(test.name, test)
    shown = [deciding] if deciding.alone else first.values()
    lines = [test.line(trace, policy) for test in shown]
    return tuple(replace(line, decided=line.name == deciding.name) for line in lines if line is not None)


def admission_tests(policy: PolicyInForce) -> list[RuleTest]:
    """The tests of the rules that stand before any that lets a row be trained."""
    found = []
    for rule in find_method(policy.method).ladder:
        if rule.state is not SignalState.DISALLOWED:
            break
        found.append(rule.test)
    return found


def remedies(trace: SideTrace, tests: Iterable[RuleTest], policy: PolicyInForce) -> list[str]:
    """What would have to change for the trace to pass `tests`; only that row itself where there is none."""
    deciding = rule_of(trace, policy).test
    if deciding.alone:
        return [deciding.remedy(trace, policy)]
    # By name, as a test that several rules ask is one condition.
    failed = {test.name: test for test in tests if _failed(trace, test, deciding)}
    return [text for test in failed.values() if (text := test.remedy(trace, policy))]


def _failed(trace: SideTrace, test: RuleTest, deciding: RuleTest) -> bool:
    return test.check not in trace.checks if test.check else test is deciding
