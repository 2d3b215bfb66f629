"""The decision table of pooled state by local state, spelled out for every setting."""

import itertools

import pytest
from candidate_rows import POOLED_SCORE, SYMBOL_SCORE, local, pair, pooled, routed

CS, SYMBOL, BOTH = "ROUTE_CROSS_SECTIONAL", "ROUTE_SYMBOL_SPECIFIC", "ROUTE_BOTH"
TRIAL, BLOCKED = "ROUTE_EXPERIMENTAL_ONLY", "ROUTE_BLOCKED"
STATES = ("STRONG", "WEAK_BUT_OK", "EXPERIMENTAL", "DISALLOWED")

# Rows: pooled state; columns: local state. `strong` and `weak` stand for the configured behaviours.
GOLDEN = {
    "STRONG": ("strong", CS, CS, CS),
    "WEAK_BUT_OK": (SYMBOL, "weak", CS, CS),
    "EXPERIMENTAL": (SYMBOL, SYMBOL, TRIAL, TRIAL),
    "DISALLOWED": (SYMBOL, SYMBOL, TRIAL, BLOCKED),
}
BOTH_STRONG = {"ROUTE_BOTH": BOTH, "PREFER_CS": CS, "PREFER_SYMBOL": SYMBOL, "PREFER_BETTER": BOTH}
BOTH_WEAK = {"PREFER_CS": CS, "ROUTE_BOTH": BOTH, "PREFER_SYMBOL": SYMBOL}


@pytest.mark.parametrize(("strong", "weak"), list(itertools.product(BOTH_STRONG, BOTH_WEAK)))
def test_every_pair_of_states_gets_the_route_of_the_table(strong: str, weak: str) -> None:
    rows = []
    for cs, own in itertools.product(STATES, STATES):
        target = f"{cs}/{own}"
        rows += [pooled(target, score=POOLED_SCORE[cs]), local("A", target, score=SYMBOL_SCORE[own])]
    plan = routed(*rows, settings={"both_strong_behavior": strong, "both_weak_behavior": weak})
    for cs, listed in GOLDEN.items():
        for own, cell in zip(STATES, listed, strict=True):
            decided = pair(plan, "A", f"{cs}/{own}")
            expected = {"strong": BOTH_STRONG[strong], "weak": BOTH_WEAK[weak]}.get(cell, cell)
            assert (decided["cs_state"], decided["local_state"]) == (cs, own)
            assert decided["route"] == expected, f"{cs} and {own}"


@pytest.mark.parametrize(
    ("difference", "se", "route"),
    [
        (0.05, 0.01, SYMBOL),
        (-0.05, 0.01, CS),
        (0.02, 0.01, BOTH),
        (-0.02, 0.01, BOTH),
        (None, None, BOTH),
        (0.05, None, BOTH),
    ],
)
def test_prefer_better_needs_an_interval_that_excludes_zero(
    difference: float | None, se: float | None, route: str
) -> None:
    own = local(score=0.62, difference=difference, difference_se=se)
    plan = routed(pooled(score=0.60), own, settings={"both_strong_behavior": "PREFER_BETTER"})
    assert pair(plan)["route"] == route


def test_prefer_better_widens_the_interval_by_the_inflation_of_standard_errors() -> None:
    own = local(score=0.62, difference=0.025, difference_se=0.01)
    settings = {"both_strong_behavior": "PREFER_BETTER", "fdr": {"inflate_se": 1.0}}
    assert pair(routed(pooled(score=0.60), own, settings=settings))["route"] == SYMBOL
    settings["fdr"] = {"inflate_se": 1.3}
    assert pair(routed(pooled(score=0.60), own, settings=settings))["route"] == BOTH


@pytest.mark.parametrize(
    ("cs", "difference", "both", "route"),
    [
        (0.61, 0.01, 0.63, BOTH),
        (0.61, 0.01, 0.62, BOTH),
        (0.61, 0.01, 0.615, SYMBOL),
        (0.62, -0.01, 0.615, CS),
        (0.62, -0.01, None, BOTH),
        (0.56, 0.05, 0.65, SYMBOL),
    ],
)
def test_prefer_better_averages_only_where_that_costs_nothing(
    cs: float, difference: float, both: float | None, route: str
) -> None:
    own = local(score=0.62, difference=difference, difference_se=0.01, cs_score=cs, both_score=both)
    plan = routed(pooled(score=0.60), own, settings={"both_strong_behavior": "PREFER_BETTER"})
    assert (pair(plan)["rule"], pair(plan)["route"]) == ("both_strong", route)


@pytest.mark.parametrize("behavior", ["ROUTE_BOTH", "PREFER_BETTER"])
@pytest.mark.parametrize("method", ["thresholds", "shrinkage"])
def test_the_difference_and_its_interval_are_in_the_plan_whatever_the_policy(
    method: str, behavior: str
) -> None:
    own = local(score=0.62, difference=0.02, difference_se=0.01, cs_score=0.6, both_score=0.63)
    settings = {"method": method, "both_strong_behavior": behavior, "fdr": {"inflate_se": 1.0}}
    row = pair(routed(pooled(score=0.60), own, settings=settings))
    found = [
        row[name]
        for name in ("pooled_score", "both_score", "difference", "difference_low", "difference_high")
    ]
    assert found == pytest.approx([0.6, 0.63, 0.02, 0.02 - 1.959964 * 0.01, 0.02 + 1.959964 * 0.01])


def test_a_pair_of_the_universe_without_a_row_counts_as_disallowed_for_want_of_metrics() -> None:
    plan = routed(pooled(score=0.60), local("A", score=0.62), universe={"y": ["A", "B"], "z": ["A"]})
    missing = pair(plan, "B")
    assert (missing["route"], missing["local_rule"]) == (CS, "no_metrics")
    assert "no local metrics" in missing["reason"]
    unknown_target = pair(plan, "A", "z")
    assert (unknown_target["route"], unknown_target["cs_rule"]) == (BLOCKED, "no_metrics")
    assert "no CS metrics" in unknown_target["reason"]


def test_no_candidates_at_all_give_an_empty_plan() -> None:
    plan = routed()
    assert plan.pairs.empty
    assert plan.targets.empty
    assert plan.metadata.n_pairs == 0
    assert sum(plan.metadata.by_route.values()) == 0
