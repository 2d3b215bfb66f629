"""Whether a pair may use its target's pooled model, under both methods."""

import pytest
from candidate_rows import local, pair, pooled, routed

from foxml_assets.routing.pages.explanation import explain, explanation_lines, explanation_rows
from foxml_assets.routing.plan.routing_plan import RoutingPlan

CS, SYMBOL, BLOCKED = "ROUTE_CROSS_SECTIONAL", "ROUTE_SYMBOL_SPECIFIC", "ROUTE_BLOCKED"


def _pair(symbol: str, own: float, cs: float | None, se: float | None = 0.01) -> dict[str, object]:
    errors = {"score_se": 0.01, "cs_score_se": se if cs is not None else None}
    return local(symbol, score=own, cs_score=cs, **errors)


def _plan(**settings: object) -> RoutingPlan:
    """The pooled model has skill on eight symbols and none on two: and was not tried on one."""
    rows = [_pair(f"S{at}", own=0.50, cs=0.60) for at in range(8)]
    rows += [
        _pair("own", own=0.57, cs=0.49),
        _pair("none", own=0.50, cs=0.49),
        _pair("blank", own=0.50, cs=None),
    ]
    return routed(pooled(score=0.57, score_se=0.005), *rows, settings=settings)


def test_under_thresholds_a_pair_without_pooled_skill_of_its_own_is_not_served_by_it() -> None:
    plan = _plan()
    found = {
        name: (pair(plan, name)["route"], pair(plan, name)["rule"]) for name in ("S0", "own", "none", "blank")
    }
    assert found == {
        "S0": (CS, "cs_only"),
        "own": (SYMBOL, "local_on_symbol"),
        "none": (BLOCKED, "pooled_too_small"),
        "blank": (CS, "cs_only"),
    }
    assert "too little pooled skill on this symbol" in pair(plan, "own")["reason"]


def test_under_shrinkage_the_same_pairs_are_not_served_by_it() -> None:
    plan = _plan(method="shrinkage")
    found = {name: (pair(plan, name)["route"], pair(plan, name)["rule"]) for name in ("S0", "own", "none")}
    assert found == {
        "S0": (CS, "shrunk_cs"),
        "own": (SYMBOL, "shrunk_local"),
        "none": (BLOCKED, "pooled_too_small"),
    }


@pytest.mark.parametrize("method", ["thresholds", "shrinkage"])
def test_a_probability_of_zero_asks_nothing(method: str) -> None:
    plan = _plan(method=method, skill_on_symbol={"min_probability": 0.0})
    assert pair(plan, "none")["route"] == CS


def test_a_pooled_score_without_an_error_is_not_judged_on_the_pair() -> None:
    plan = routed(pooled(score=0.57), local(score=0.50, cs_score=0.45))
    assert (pair(plan)["route"], pair(plan)["rule"]) == (CS, "cs_only")


def test_without_pooled_skill_two_weak_or_strong_states_are_the_symbols_alone() -> None:
    for own in (0.57, 0.65):
        rows = [_pair(f"S{at}", own=0.50, cs=0.60) for at in range(8)]
        plan = routed(pooled(score=0.60), *rows, _pair("own", own=own, cs=0.49))
        assert (pair(plan, "own")["route"], pair(plan, "own")["rule"]) == (SYMBOL, "local_on_symbol")


def test_an_explanation_says_what_the_pooled_model_lacks_here() -> None:
    plan = _plan()
    for symbol in ("own", "none"):
        explanation = explain(plan, "y", symbol)
        choice = [row for row in explanation_rows(explanation) if row.side == "choice"]
        assert [(row.name, row.result, row.decided) for row in choice] == [
            ("pooled skill on this symbol", "fail", True)
        ]
        assert "min_skill 0.01" in choice[0].threshold
        told = " ".join(explanation.next_steps)
        assert "min_probability 0.7 (now 0." in told
        assert "the pooled model were" not in told
    assert explain(plan, "y", "blank").choice == ()


def test_the_paired_difference_is_told_for_every_pair_that_has_one() -> None:
    own = local(score=0.62, score_se=0.01, difference=0.02, difference_se=0.01, cs_score=0.6, both_score=0.61)
    for method in ("thresholds", "shrinkage"):
        plan = routed(pooled(score=0.60, score_se=0.01), own, local("B"), settings={"method": method})
        told = "\n".join(explanation_lines(explain(plan, "y", "A")))
        assert "minus pooled model on this symbol: +0.0200, 95 % -0.0035 to +0.0435" in told
        assert "pooled 0.6000, average of both 0.6100" in told
        assert explain(plan, "y", "B").difference == ""


def test_where_one_of_two_strong_models_is_preferred_it_says_when_both_would_be() -> None:
    own = local(score=0.65, score_se=0.01, difference=0.05, difference_se=0.01)
    plan = routed(pooled(score=0.60), own, settings={"both_strong_behavior": "PREFER_BETTER"})
    assert explain(plan, "y", "A").next_steps == (
        "ROUTE_BOTH if the interval of the difference held 0 (now +0.0265 to +0.0735) and the average scored"
        " no worse than the better model.",
    )
