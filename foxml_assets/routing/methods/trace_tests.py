"""A trace read by the ladder that decided it: its rule, what decided, its tests, and what it lacks, and what
a model is worth on the symbol."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.core.vocabulary import SignalState
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_words import RouteRule
from foxml_assets.routing.rules.rule_tests import RuleTest
from foxml_assets.routing.rules.rules import Rule
from foxml_assets.routing.rules.side_trace import RuleLine, SideTrace, number


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
