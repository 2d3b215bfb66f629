"""A rule is one row and a method one object: each is added here, and everything that should know it does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from candidate_rows import (
    SEED_POLICY,
    STAMP,
    explanation_text,
    local,
    pair,
    pooled,
    routed,
    routes,
    target_row,
)
from rule_pages import own_rules, rule_table

from foxml_assets.core.config_files import parse_config
from foxml_assets.core.errors import ConfigError, RoutingPlanError
from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.master_plan import TrainingHashes
from foxml_assets.routing.frames import Codes, code
from foxml_assets.routing.methods import thresholds
from foxml_assets.routing.methods.combination import Routes
from foxml_assets.routing.methods.pair_evidence import PairEvidence
from foxml_assets.routing.pages.explanation import explain
from foxml_assets.routing.pages.plan_files import MARKDOWN_NAME, write_routing_plan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy import method_registry as methods
from foxml_assets.routing.policy.method_registry import PairTrace, RoutingMethod, find_method, register
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import RouteRule
from foxml_assets.routing.rules.rule_tests import RuleTest
from foxml_assets.routing.rules.rules import ADMISSION, Measured, Rule
from foxml_assets.routing.rules.side_trace import RuleLine, SideTrace
from foxml_assets.storage.layout import Layout

MOST = 50_000.0


def _line(trace: SideTrace, policy: PolicyInForce) -> RuleLine:
    passed = trace.rule != "too_many"
    return RuleLine("not too many", f"{trace.sample_size:,.0f}", f"<= {MOST:,.0f}", passed)


TOO_MANY = Rule(
    name="too_many",
    when="more samples than anybody has",
    holds=lambda cases: cases.rows.sample_size > MOST,
    state=SignalState.DISALLOWED,
    phrase="{side} has too many samples",
    test=RuleTest("not too many", _line, lambda *_: f"at most {MOST:,.0f} samples"),
    words=lambda trace, _: f"samples: {trace.sample_size:,.0f} above {MOST:,.0f}",
    threshold=lambda _: MOST,
    measured=Measured.SAMPLES,
)


def _choose(evidence: PairEvidence) -> Routes:
    """The symbol's own model wherever it may be trained, and nothing else."""
    allowed = evidence.local.state >= code(SignalState.WEAK_BUT_OK)

    def codes(yes: Route | RouteRule, no: Route | RouteRule) -> Codes:
        return np.where(allowed, code(yes), code(no)).astype(np.int8)

    return Routes(
        route=codes(Route.SYMBOL_SPECIFIC, Route.BLOCKED),
        rule=codes(RouteRule.LOCAL_ONLY, RouteRule.NOTHING_ALLOWED),
        rank=np.zeros(len(allowed), dtype=np.int64),
    )


def _compare(pair: PairTrace, policy: PolicyInForce) -> tuple[RuleLine, ...]:
    return (RuleLine("own model", pair.local.state, "asked for alone", passed=True),)


GENEROUS = RoutingMethod(
    name="own_only",
    ladder=(
        *ADMISSION[:3],
        replace(
            TOO_MANY,
            name="anything",
            when="otherwise",
            holds=lambda cases: np.ones_like(cases.rows.present),
            state=SignalState.STRONG,
            phrase="{side} taken as it is",
        ),
    ),
    choose=_choose,
    open_threshold=lambda side: np.full(len(side.rows.rows), -np.inf),
    compare=_compare,
    next_steps=lambda pair, policy: (f"Better evidence than {pair.local.score:.2f}.",),
)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(methods, "_REGISTERED", {})


def test_a_rule_is_added_as_one_row_and_stands_in_state_reason_trace_explanation_and_docs(
    registry: None,
) -> None:
    ladder = (*thresholds.LADDER[:3], TOO_MANY, *thresholds.LADDER[3:])
    register(replace(thresholds.METHOD, name="capped", ladder=ladder))
    rows = (pooled(score=0.6), local("A", score=0.62), local("B", score=0.62, sample_size=90_000))
    plan = routed(*rows, settings={"method": "capped"})
    assert target_row(plan)["cs_reason"] == "CS has too many samples (100000 against 50000)"
    found = pair(plan, "B")
    assert (found["local_state"], found["local_rule"], found["local_threshold"]) == (
        "DISALLOWED",
        "too_many",
        MOST,
    )
    assert "local has too many samples" in found["reason"].lower()
    assert routes(plan)["y", "A"] == "ROUTE_SYMBOL_SPECIFIC"
    side = explain(plan, "y", "B").sides[1]
    assert side.decided == "samples: 90,000 above 50,000"
    assert [(line.name, line.passed) for line in side.tests if line.decided] == [("not too many", False)]
    assert [line.name for line in side.tests][1:3] == ["samples", "not too many"]
    passed = {line.name: line.passed for line in explain(plan, "y", "A").sides[1].tests}
    assert passed["not too many"]
    assert "at most 50,000 samples" in " ".join(explain(plan, "y", "B").next_steps)
    assert "| more samples than anybody has | DISALLOWED | `too_many` |" in rule_table(own_rules("capped"))


def test_a_method_is_registered_and_routes_from_its_name_in_the_policy_to_jobs_and_explanation(
    registry: None, tmp_path: Path
) -> None:
    register(GENEROUS)
    rows = (pooled(score=0.7), local("A", score=0.51), local("B", score=0.9, sample_size=10))
    plan = routed(*rows, settings={"method": "own_only"})
    assert routes(plan) == {("y", "A"): "ROUTE_SYMBOL_SPECIFIC", ("y", "B"): "ROUTE_BLOCKED"}
    assert pair(plan, "A")["reason"] == "Local taken as it is, CS taken as it is"
    layout, policy = Layout(tmp_path), RoutingPolicy.model_validate({**SEED_POLICY, "method": "own_only"})
    write_routing_plan(plan, layout, policy.output)
    again = read_routing_plan(layout)
    text = explanation_text(explain(again, "y", "A"))
    assert "Better evidence than 0.51." in text
    assert "own model" in text
    assert "by `own_only`" in (layout.routing_plan_dir / MARKDOWN_NAME).read_text()
    jobs = build_plan(
        again,
        policy,
        data_hashes={},
        training_hashes=TrainingHashes("", {}),
        parent_plan_hash=None,
        stamp=STAMP,
    ).jobs
    assert [job.job_id for job in jobs] == ["sym_A_y"]


def test_a_name_is_taken_once_and_an_unknown_one_is_refused_with_the_known(registry: None) -> None:
    register(GENEROUS)
    with pytest.raises(ValueError, match="registered already"):
        register(GENEROUS)
    with pytest.raises(ValueError, match="registered already"):
        register(replace(GENEROUS, name="shrinkage"))
    with pytest.raises(ConfigError, match="thresholds, shrinkage, own_only"):
        parse_config(b"method: votes", RoutingPolicy, file=Path("a"))
    with pytest.raises(RoutingPlanError, match="votes"):
        find_method("votes")


def test_a_plan_with_a_rule_that_its_method_lacks_is_not_explained(registry: None) -> None:
    register(replace(thresholds.METHOD, name="capped", ladder=(TOO_MANY, *thresholds.LADDER)))
    plan = routed(pooled(), local(), settings={"method": "capped"})
    methods._REGISTERED.clear()
    register(replace(thresholds.METHOD, name="capped"))
    with pytest.raises(RoutingPlanError, match="too_many"):
        explain(plan, "y")
