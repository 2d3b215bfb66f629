"""Explanations: the recorded trace, read back, and what would have to change."""

import pytest
from candidate_rows import explanation_text, local, pooled, routed

from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.routing.pages.explanation import (
    explain,
    explanation_lines,
    explanation_rows,
)
from foxml_assets.routing.plan.plan_json import parse_plan, plan_json
from foxml_assets.routing.plan.routing_plan import RoutingPlan

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
    return {(row.side, row.name): (row.result, row.decided) for row in rows}


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
    rows = {row.name: row for row in explanation_rows(explain(_plan(), "y", "few")) if row.side == "symbol"}
    assert (rows["samples"].value, rows["samples"].threshold, rows["samples"].result) == (
        "40",
        ">= 1,000",
        "fail",
    )
    assert (rows["strong score"].value, rows["strong score"].threshold) == ("0.6500", ">= 0.6000")
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
    assert [row.name for row in rows if row.side == "choice"] == [
        "pooled skill on this symbol",
        "own skill",
        "skill of both",
    ]
    assert not any(row.name == "stability" for row in rows)
    assert explain(_plan("shrinkage"), "y", "noisy").next_steps


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("lan",), "has no target 'lan'\n  Fix: the nearest names are lane, y"),
        (("zzz",), "the nearest names are "),
        (("LANE", "L0"), "the nearest names are lane"),
        (("y", "stron"), "has no pair of y with symbol 'stron'\n  Fix: the nearest names are strong, "),
        (("y", "NOISY"), "the nearest names are noisy, "),
        (
            ("strong",),
            "no target 'strong', but a symbol of that name\n  Fix: foxml explain TARGET SYMBOL",
        ),
    ],
)
def test_unknown_names_get_an_error_with_the_nearest_ones(names: tuple[str, ...], told: str) -> None:
    with pytest.raises(RoutingPlanError) as caught:
        explain(_plan(), *names)
    assert told in str(caught.value)
    assert "routing_plan.md" not in str(caught.value)


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("strong", "score: 0.6500 reaches symbol.auc.strong_score 0.6000"),
        ("few", "samples: 40 below min_sample_size.symbol 1,000"),
        ("leak", "leakage: BLOCKED"),
        ("noisy", "fdr: p 0.3 above the threshold 0.067 at fdr.q.symbol 0.1 (score 0.5500 below 0.6441)"),
        ("broken", "quarantine: score is outside"),
        ("absent", "metrics: the evidence has no row for it"),
    ],
)
def test_what_decided_a_side_is_said_in_numbers_and_keys(symbol: str, words: str) -> None:
    explanation = explain(_plan(), "y", symbol)
    assert explanation.sides[1].decided.startswith(words)
    assert any(words in line for line in explanation_lines(explanation))


def test_a_rejected_row_is_told_its_p_value_and_its_threshold() -> None:
    rows = [pooled(), local("A", score=0.55, score_se=0.02), local("B", score=0.52, score_se=0.02)]
    plan = routed(*rows, settings={"fdr": {"q": {"symbol": 0.04}}})
    # Of two tests the best passes at 0.04 / 2 = 0.02; one-sided p of 2.5 and of 1 standard errors.
    told = [explain(plan, "y", name).sides[1].decided for name in ("A", "B")]
    assert told[1] == (
        "fdr: p 0.16 above the threshold 0.02 at fdr.q.symbol 0.04 (score 0.5200 below 0.5411)"
    )
    assert explain(plan, "y", "A").sides[1].trace.state is not SignalState.DISALLOWED


def test_stability_names_the_keys_that_refused_it() -> None:
    skill = {"earlier_score": 0.64, "earlier_score_se": 0.01, "recent_score": 0.51, "recent_score_se": 0.01}
    plan = routed(pooled(), local("A", score=0.62, score_se=0.01, **skill))
    assert explain(plan, "y", "A").sides[1].decided == (
        "stability: earlier 0.640, recent 0.510, fade 9.2 >= fade_z 2 and recent z 1.0 < gone_z 3: DIVERGED, "
        "and stability_allowlist.symbol is STABLE"
    )


def test_a_bar_of_a_horizon_tier_is_named_as_such() -> None:
    thresholds = {"min_score": 0.54, "strong_score": 0.6}
    short = {"short": {"auc": {"min_score": 0.55, "strong_score": 0.62}}}
    tiers = {"symbol": {"auc": thresholds, "horizon_tiers": short}}
    rows = [pooled(horizon_minutes=5.0), local("A", score=0.65, score_se=0.01, horizon_minutes=5.0)]
    decided = explain(routed(*rows, settings=tiers), "y", "A").sides[1].decided
    assert decided == "score: 0.6500 reaches symbol.horizon_tiers.short.auc.strong_score 0.6200"


def test_a_leak_is_named_with_what_can_be_done() -> None:
    rows = [pooled(leakage_status="BLOCKED", leakage_reason=LEAK), local("A")]
    explanation = explain(routed(*rows), "y", "A")
    assert explanation.reason == f"the target leaks, so none of its pairs is trained: {LEAK}"
    (step,) = explanation.next_steps
    assert step.startswith(f"Nothing but removing the leak: the target leaks: {LEAK}. ")
    assert "panel.exclude_features" in step
    assert "evidence.leakage.known_safe" in step


def test_own_skill_is_not_held_against_a_pooled_model_that_is_not_allowed() -> None:
    rows = [pooled(score=0.5), local("A", score=0.65, score_se=0.01, cs_score=0.5, cs_score_se=0.01)]
    plan = routed(*rows, settings={"method": "shrinkage"})
    choice = {row.name: row for row in explanation_rows(explain(plan, "y", "A")) if row.side == "choice"}
    assert (choice["own skill"].threshold, choice["own skill"].result) == (
        "the pooled model is not allowed",
        "-",
    )


def test_the_first_line_names_the_pair_and_its_route() -> None:
    first, *_ = explanation_lines(explain(_plan(), "y", "strong"))
    assert first == "y / strong: ROUTE_SYMBOL_SPECIFIC"


def test_a_state_kept_by_hysteresis_says_so() -> None:
    before = routed(pooled(), local(score=0.61))
    plan = routed(pooled(), local(score=0.59), settings={"hysteresis": 0.02}, previous=before)
    explanation = explain(plan, "y", "A")
    assert any("kept by hysteresis" in line for line in explanation_lines(explanation))
    strong = next(row for row in explanation_rows(explanation) if row.decided and row.side == "symbol")
    assert (strong.value, strong.threshold, strong.result) == ("0.5900", ">= 0.5800", "pass")


def test_a_dropped_feature_is_named_with_its_status() -> None:
    features = '{"echo": "SUSPECT", "ret_1d": "SAFE"}'
    plan = routed(pooled(features=features), local("AAA"))
    target = str(plan.targets["target"].iloc[0])
    told = "\n".join(explanation_lines(explain(plan, target, "AAA")))
    assert "echo (SUSPECT)" in told
    assert "If that is wrong: vouch for it with a reason (evidence.leakage.known_safe)." in told
    assert "ret_1d" not in told


@pytest.mark.parametrize("method", ["thresholds", "shrinkage"])
def test_what_makes_a_pooled_model_suspect_is_said_of_its_target(method: str) -> None:
    doubt = "53% of the pooled score is what features of the label's own past get in short windows"
    suspect = pooled(score=0.65, score_se=0.01, leakage_status="SUSPECT", leakage_reason=doubt)
    rows = [suspect, local("A", score=0.5, score_se=0.01)]
    plan = routed(*rows, settings={"method": method})
    assert explain(plan, "y").reason.endswith(f": {doubt}")
    unsaid = routed({**rows[0], "leakage_reason": None}, rows[1], settings={"method": method})
    assert explain(unsaid, "y").reason.startswith("CS on trial, as it is suspected of leakage")
    assert doubt not in explain(unsaid, "y").reason
