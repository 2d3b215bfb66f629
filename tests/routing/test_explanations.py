"""Explanations: the recorded trace, read back, and what would have to change."""

import pytest
from candidate_rows import local, pooled, routed

from foxml_assets.errors import RoutingPlanError
from foxml_assets.routing.explanation import explain
from foxml_assets.routing.explanation_text import (
    HEADER,
    explanation_lines,
    explanation_rows,
    explanation_text,
)
from foxml_assets.routing.plan import RoutingPlan
from foxml_assets.routing.plan_json import parse_plan, plan_json
from foxml_assets.vocabulary import Route

LEAK = "f1 copies the label"


def _plan(method: str = "thresholds") -> RoutingPlan:
    rows = [
        pooled(score=0.54, score_se=0.01),
        local("strong", score=0.65, score_se=0.01),
        local("few", score=0.65, score_se=0.01, sample_size=40),
        local("leak", score=0.65, leakage_status="BLOCKED", leakage_reason=LEAK),
        local("noisy", score=0.55, score_se=0.08),
        local("drift", score=0.65, score_se=0.01, mean_overlap=0.6, mean_tau=0.5),
        local("broken", score=7.0),
        pooled("lane", score=0.50),
        *(local(f"L{at}", "lane", score=0.53 - at * 0.001) for at in range(3)),
    ]
    return routed(*rows, settings={"method": method}, universe={"y": ["absent"]})


def _rules(symbol: str) -> dict[tuple[str, str], tuple[str, bool]]:
    rows = explanation_rows(explain(_plan(), "y", symbol))
    return {(row.side, row.rule): (row.result, row.decided) for row in rows}


def test_the_deciding_rule_of_each_side_is_marked_once() -> None:
    for symbol, rule in {
        "strong": "strong score",
        "few": "samples",
        "leak": "no leak",
        "noisy": "false discovery",
        "drift": "experimental score",
        "broken": "sound row",
        "absent": "sound row",
    }.items():
        decided = {key for key, (_, is_decided) in _rules(symbol).items() if is_decided}
        assert decided == {("pooled", "min score"), ("symbol", rule)}, symbol


def test_tests_show_value_bar_and_outcome() -> None:
    rows = {row.rule: row for row in explanation_rows(explain(_plan(), "y", "few")) if row.side == "symbol"}
    assert (rows["samples"].value, rows["samples"].bar, rows["samples"].result) == ("40", ">= 1,000", "fail")
    assert (rows["strong score"].value, rows["strong score"].bar) == ("0.6500", ">= 0.6000")
    assert rows["stability"].result == "pass"
    leak = _rules("leak")
    assert leak["symbol", "leakage clear"][0] == "fail"


def test_the_outcomes_are_those_recorded_in_the_plan() -> None:
    plan = _plan()
    back = parse_plan(b"".join(plan_json(plan)))
    for symbol in plan.pairs.loc[plan.pairs["target"] == "y", "symbol"]:
        assert explanation_text(explain(back, "y", symbol)) == explanation_text(explain(plan, "y", symbol))


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("strong", ["ROUTE_BOTH if the pooled model were STRONG", "gate >= 0.5800 (now 0.5400, +0.0400)"]),
        ("few", ["ROUTE_BOTH if both sides were STRONG", "at least 1,000 samples (now 40)"]),
        ("leak", [f"Nothing but removing the leak: the symbol leaks: {LEAK}"]),
        ("noisy", ["by false discovery", "gate >= 0.6000"]),
        ("drift", ["stability STABLE (now DRIFTING: overlap 0.600 below stable_overlap_min 0.7, tau"]),
        ("broken", ["its row must be mended (score is outside"]),
        ("absent", ["it needs evidence of its own"]),
    ],
)
def test_it_says_what_would_have_to_change(symbol: str, parts: list[str]) -> None:
    text = " ".join(explain(_plan(), "y", symbol).next_steps)
    for part in parts:
        assert part in text


def test_a_pair_left_out_of_the_lane_learns_whom_it_must_beat() -> None:
    steps = explain(_plan(), "lane", "L1").next_steps
    assert "above that of L0 (0.5300), the last in the lane" in steps[0]
    assert any("WEAK_BUT_OK: gate >= 0.5400" in step for step in steps)


def test_a_target_alone_shows_the_pooled_model_and_its_pairs() -> None:
    explanation = explain(_plan(), "y")
    assert explanation.symbol is None
    assert [side.trace.side.value for side in explanation.sides] == ["cross_sectional"]
    assert explanation.pairs_by_route[Route.CROSS_SECTIONAL] > 0
    assert any(line.startswith("Pairs: ") for line in explanation_lines(explanation))


def test_shrinkage_shows_the_comparison_of_skills() -> None:
    rows = explanation_rows(explain(_plan("shrinkage"), "y", "strong"))
    assert [row.rule for row in rows if row.side == "choice"] == [
        "pooled skill on this symbol",
        "own skill",
        "skill of both",
    ]
    assert not any(row.rule == "stability" for row in rows)
    assert explain(_plan("shrinkage"), "y", "noisy").next_steps


def test_unknown_names_get_an_error_with_the_nearest_ones() -> None:
    with pytest.raises(RoutingPlanError, match="did you mean lane"):
        explain(_plan(), "lan")
    with pytest.raises(RoutingPlanError, match="did you mean strong"):
        explain(_plan(), "y", "stron")


def test_the_text_is_an_aligned_table_under_its_lines() -> None:
    text = explanation_text(explain(_plan(), "y", "strong"))
    lines = text.splitlines()
    assert lines[0] == "y / strong: ROUTE_SYMBOL_SPECIFIC"
    header = next(line for line in lines if line.startswith(HEADER[0]))
    assert [header.index(word) for word in HEADER] == sorted(header.index(word) for word in HEADER)


def test_a_state_kept_by_hysteresis_says_so() -> None:
    before = routed(pooled(), local(score=0.61))
    plan = routed(pooled(), local(score=0.59), settings={"hysteresis": 0.02}, previous=before)
    explanation = explain(plan, "y", "A")
    assert any("kept by hysteresis" in line for line in explanation_lines(explanation))
    strong = next(row for row in explanation_rows(explanation) if row.decided and row.side == "symbol")
    assert (strong.value, strong.bar, strong.result) == ("0.5900", ">= 0.5800", "pass")


def test_a_dropped_feature_is_named_with_its_status() -> None:
    features = '{"echo": "SUSPECT", "ret_1d": "SAFE"}'
    plan = routed(pooled(features=features), local("AAA"))
    target = str(plan.targets["target"].iloc[0])
    told = "\n".join(explanation_lines(explain(plan, target, "AAA")))
    assert "echo (SUSPECT)" in told
    assert "ret_1d" not in told
