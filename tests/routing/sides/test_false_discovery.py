"""False-discovery control over all rows of one side."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from candidate_rows import STAMP, explanation_text, local, pair, policy, pooled, routed, table, target_row
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, norm

from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.explanation import explain
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.sides.fdr import benjamini_hochberg


def _by_default(*rows: Mapping[str, object], **settings: object) -> RoutingPlan:
    return route(table(*rows), RoutingPolicy.model_validate(settings), stamp=STAMP)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=50), st.sampled_from([0.01, 0.05, 0.1, 0.3]))
def test_the_cutoff_discovers_what_scipy_discovers(p: list[float], q: float) -> None:
    values = np.array(p)
    adjusted = false_discovery_control(values, method="bh")
    close = np.abs(adjusted - q) < 1e-9
    np.testing.assert_array_equal((values <= benjamini_hochberg(values, q))[~close], (adjusted <= q)[~close])


def test_a_p_value_exactly_at_its_rank_counts() -> None:
    assert benjamini_hochberg(np.array([0.08, 0.1]), 0.1) == 0.1
    assert benjamini_hochberg(np.array([0.08, 0.11]), 0.1) == 0.05
    assert benjamini_hochberg(np.array([]), 0.1) == 1.0


def test_rejected_rows_are_disallowed_and_show_the_score_they_would_need() -> None:
    weak = local("A", score=0.56, score_se=0.05)
    strong = local("B", score=0.62, score_se=0.01)
    plan = routed(pooled(score=0.6, score_se=0.01), weak, strong)
    rejected = pair(plan, "A")
    assert (rejected["local_state"], rejected["local_rule"]) == ("DISALLOWED", "fdr")
    assert rejected["local_error_control"] == "rejected"
    assert rejected["local_threshold"] == rejected["local_fdr_threshold"] > 0.56
    # One discovery among two tests: the threshold is that of p = q / 2.
    assert rejected["local_fdr_threshold"] == pytest.approx(0.5 + norm.isf(0.05) * 0.05 * 1.2)
    assert pair(plan, "B")["local_error_control"] == "discovered"
    assert pair(routed(pooled(), weak, settings={"fdr": {"enabled": False}}))["local_state"] == "WEAK_BUT_OK"


def test_rows_without_a_standard_error_are_reported_as_not_controlled() -> None:
    plan = routed(pooled(score=0.6), local("A", score=0.62), local("B", score=0.62, score_se=0.01))
    assert pair(plan, "A")["local_error_control"] == "not_controlled"
    assert pair(plan, "A")["local_state"] == "STRONG"
    assert (plan.metadata.symbol.not_controlled, plan.metadata.symbol.tested) == (1, 1)
    assert plan.metadata.cross_sectional.not_controlled == 1


def test_the_standard_error_may_come_from_the_interval() -> None:
    row = local(score=0.56, score_ci_low=0.46, score_ci_high=0.66)
    assert pair(routed(pooled(), row))["local_rule"] == "fdr"
    assert pair(routed(pooled(), row))["local_se"] == pytest.approx(0.2 / (2 * 1.959964))


def test_rows_that_could_never_be_routed_are_not_tested() -> None:
    leaks = [local(f"L{at}", score=0.9, score_se=0.001, leakage_status="BLOCKED") for at in range(9)]
    few = [local(f"F{at}", score=0.9, score_se=0.001, sample_size=10) for at in range(9)]
    plan = routed(pooled(), *leaks, *few, local("A", score=0.56, score_se=0.03))
    assert plan.metadata.symbol.tested == 1
    assert pair(plan, "A")["local_error_control"] == "discovered"


def test_each_side_has_its_own_rate_under_both_methods() -> None:
    # One-sided p = 0.007: between the rates of the two sides.
    rates = {"q": {"cross_sectional": 0.005, "symbol": 0.01}}
    score = 0.5 + norm.isf(0.007) * 0.02
    rows = pooled("x", score=score, score_se=0.02), pooled(), local(score=score, score_se=0.02)
    for method in ("thresholds", "shrinkage"):
        plan = _by_default(*rows, method=method, fdr=rates)
        assert (target_row(plan, "x")["cs_error_control"], pair(plan)["local_error_control"]) == (
            "rejected",
            "discovered",
        )
        in_force = plan.metadata.policy
        assert (in_force.fdr_q_cross_sectional, in_force.fdr_q_symbol) == (0.005, 0.01)


@pytest.mark.parametrize("method", ["thresholds", "shrinkage"])
def test_a_usable_own_model_confirms_the_target_of_a_pooled_row(method: str) -> None:
    # One-sided p = 0.02: above q.cross_sectional 0.005, below q_confirmed 0.05.
    weak = {"score": 0.5 + norm.isf(0.02) * 0.02, "score_se": 0.02}
    strong = {"score": 0.62, "score_se": 0.01}
    rows = [pooled(target, **weak) for target in ("confirmed", "alone", "leaks", "faint")]
    rows += [
        local("A", "confirmed", **strong),
        local("B", "confirmed"),
        local("A", "alone"),
        local("A", "leaks", **strong, leakage_status="SUSPECT"),
        local("A", "faint", **weak),
    ]
    settings: dict[str, object] = {"method": method}
    plan = _by_default(*rows, **settings)
    found = {name: target_row(plan, name)["cs_error_control"] for name in plan.targets["target"]}
    assert found == {"confirmed": "discovered", "alone": "rejected", "leaks": "rejected", "faint": "rejected"}
    assert target_row(plan, "confirmed")["cs_fdr_q"] == 0.05
    assert target_row(plan, "alone")["cs_fdr_q"] == 0.005
    assert plan.metadata.policy.fdr_q_confirmed == 0.05
    told = explanation_text(explain(plan, "confirmed", "A"))
    assert "fdr.q_confirmed 0.05" in told
    off = _by_default(*rows, **settings, fdr={"q_confirmed": None})
    assert target_row(off, "confirmed")["cs_error_control"] == "rejected"


def test_what_confirmed_rows_are_asked_for_is_never_more() -> None:
    # Of three confirmed rows two are faint, so that among themselves the first is asked for more.
    scores = {"a": 0.56, "b": 0.50, "c": 0.49} | {f"strong{at}": 0.70 for at in range(20)}
    rows = [pooled(name, score=score, score_se=0.02) for name, score in scores.items()]
    own = [local("A", name, score=0.7, score_se=0.01) for name in ("a", "b", "c")]
    plan = _by_default(*rows, *own, fdr={"q": {"cross_sectional": 0.04}, "q_confirmed": 0.001})
    assert target_row(plan, "a")["cs_error_control"] == "discovered"
    assert target_row(plan, "a")["cs_fdr_q"] == 0.04


def test_over_a_history_one_rate_holds_for_all_pooled_rows() -> None:
    rows = [pooled(score=0.541, score_se=0.02), local(score=0.62, score_se=0.01)]
    plan = _by_default(*rows, fdr={"over": "history"})
    assert target_row(plan)["cs_error_control"] == "rejected"
    assert plan.metadata.policy.fdr_q_confirmed is None


def test_both_sides_are_controlled_apart() -> None:
    rows = [local(f"S{at}", score=0.9, score_se=0.001) for at in range(30)]
    plan = routed(pooled(score=0.56, score_se=0.05), *rows)
    assert target_row(plan)["cs_rule"] == "fdr"


def _noise(seed: int, n_targets: int, n_symbols: int) -> pd.DataFrame:
    """Scores around chance with the standard errors that they truly have."""
    rng = np.random.default_rng(seed)
    targets = np.repeat([f"y{at:02d}" for at in range(n_targets)], n_symbols + 1)
    symbols = np.tile([None, *(f"S{at:03d}" for at in range(n_symbols))], n_targets)
    is_pooled = np.array([symbol is None for symbol in symbols])
    se = np.where(is_pooled, 0.006, rng.uniform(0.01, 0.04, len(symbols)))
    base = {name: value for name, value in pooled().items() if name not in ("target", "symbol", "score")}
    score = 0.5 + rng.normal(0.0, se)
    return typed_candidates(
        pd.DataFrame(
            {
                **base,
                "target": targets,
                "symbol": symbols,
                "score": score,
                "score_se": se,
                "sample_size": 50_000,
            }
        )
    )


def test_pure_noise_is_routed_next_to_never() -> None:
    plans = [route(_noise(seed, 50, 200), policy(), stamp=STAMP) for seed in range(20)]
    routed_pairs = [int((plan.pairs["route"] != "ROUTE_BLOCKED").sum()) for plan in plans]
    discoveries = [
        plan.metadata.symbol.discovered + plan.metadata.cross_sectional.discovered for plan in plans
    ]
    # All hypotheses are null, so the rate is the chance of any discovery on a side of a plan.
    assert sum(count > 0 for count in discoveries) <= 0.1 * 2 * len(plans)
    assert sum(routed_pairs) / (20 * 50 * 200) <= 0.001
    unguarded = route(_noise(0, 50, 200), policy(fdr={"enabled": False}), stamp=STAMP)
    assert (unguarded.pairs["route"] != "ROUTE_BLOCKED").sum() > 500


def test_the_plan_states_how_many_false_rows_its_thresholds_let_through() -> None:
    # Without control the bound is the number that noise would send over the lowest threshold.
    settings = {"fdr": {"enabled": False, "inflate_se": 1.0}}
    plans = [route(_noise(seed, 50, 200), policy(**settings), stamp=STAMP) for seed in range(5)]
    passed = [int((plan.pairs["local_state"] != "DISALLOWED").sum()) for plan in plans]
    expected = [plan.metadata.symbol.expected_false for plan in plans]
    assert np.mean(passed) == pytest.approx(np.mean(expected), rel=0.05)
    controlled = route(_noise(0, 50, 200), policy(), stamp=STAMP)
    assert controlled.metadata.symbol.expected_false <= 0.1 * max(controlled.metadata.symbol.discovered, 1)
