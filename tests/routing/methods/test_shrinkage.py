"""Method shrinkage: choices by empirical-Bayes skills, behind the same states, routes and traces."""

import numpy as np
import pytest
from candidate_rows import explanation_text, local, pair, pooled, routed, target_row

from foxml_assets.routing.pages.explanation import explain
from foxml_assets.routing.policy.routing_config import RoutingPolicy

SHRINK = {"method": "shrinkage"}


def _pair(
    symbol: str, own: float, cs: float, both: float, se: float = 0.005, **values: object
) -> dict[str, object]:
    return local(
        symbol,
        score=own,
        score_se=se,
        cs_score=cs,
        cs_score_se=se,
        both_score=both,
        both_score_se=se,
        **values,
    )


def test_a_target_without_pooled_scores_on_symbols_falls_back_to_its_own_row() -> None:
    rows = [pooled(score=0.56, score_se=0.01), local("A", score=0.50, score_se=0.01)]
    row = pair(routed(*rows, settings=SHRINK))
    assert row["cs_skill"] == pytest.approx(0.12)
    assert (row["route"], row["rule"]) == ("ROUTE_CROSS_SECTIONAL", "shrunk_cs")


def test_a_quarantined_pooled_row_stands_in_for_nothing() -> None:
    rows = [pooled(score=9.0, score_se=0.01), local("A", score=0.60, score_se=0.01)]
    row = pair(routed(*rows, settings=SHRINK))
    assert np.isnan(row["cs_skill"])
    assert row["route"] == "ROUTE_SYMBOL_SPECIFIC"


def test_the_best_allowed_choice_wins_and_must_beat_the_pooled_model_clearly() -> None:
    rows = [
        _pair("cs", own=0.55, cs=0.57, both=0.566),
        _pair("own", own=0.66, cs=0.56, both=0.62),
        _pair("both", own=0.58, cs=0.57, both=0.61),
        _pair("near", own=0.571, cs=0.57, both=0.571),
    ]
    plan = routed(pooled(score=0.57, score_se=0.005), *rows, settings=SHRINK)
    found = {
        name: (pair(plan, name)["route"], pair(plan, name)["rule"]) for name in ("cs", "own", "both", "near")
    }
    assert found == {
        "cs": ("ROUTE_CROSS_SECTIONAL", "shrunk_cs"),
        "own": ("ROUTE_SYMBOL_SPECIFIC", "shrunk_local"),
        "both": ("ROUTE_BOTH", "shrunk_both"),
        "near": ("ROUTE_CROSS_SECTIONAL", "shrunk_cs"),
    }


def test_the_own_model_needs_no_lead_where_the_pooled_one_is_not_allowed() -> None:
    plan = routed(
        pooled(score=0.501, score_se=0.005), _pair("A", own=0.55, cs=0.501, both=0.53), settings=SHRINK
    )
    assert target_row(plan)["cs_rule"] == "fdr"
    assert pair(plan)["route"] == "ROUTE_SYMBOL_SPECIFIC"


def test_a_pair_on_which_the_pooled_model_has_no_skill_is_not_served_by_it() -> None:
    rows = [_pair(f"S{at}", own=0.50, cs=0.60, both=0.55, se=0.01) for at in range(5)]
    rows.append(_pair("bad", own=0.50, cs=0.48, both=0.49, se=0.01))
    plan = routed(pooled(score=0.58, score_se=0.005), *rows, settings=SHRINK)
    assert pair(plan, "S0")["route"] == "ROUTE_CROSS_SECTIONAL"
    assert (pair(plan, "bad")["route"], pair(plan, "bad")["rule"]) == ("ROUTE_BLOCKED", "pooled_too_small")
    assert pair(plan, "bad")["cs_probability"] < 0.9


# Own evidence that may not join the pooled model, beside what it would be worth with it.
_FADED = {"earlier_score": 0.60, "earlier_score_se": 0.01, "recent_score": 0.49, "recent_score_se": 0.01}
_NOT_AVERAGED = {
    "suspect": {"leakage_status": "SUSPECT"},
    "short": {"sample_size": 10},
    "faded": _FADED,
    "quarantined": {"own": 9.0},
}


def test_the_average_needs_no_own_model_that_is_a_discovery_by_itself() -> None:
    rows = [_pair("A", own=0.50, cs=0.55, both=0.62)]
    plan = routed(pooled(score=0.56, score_se=0.005), *rows, settings=SHRINK)
    assert pair(plan)["local_rule"] == "fdr"
    assert (pair(plan)["route"], pair(plan)["rule"]) == ("ROUTE_BOTH", "shrunk_both")
    assert "skill of both on this symbol" in explanation_text(explain(plan, "y", "A"))


@pytest.mark.parametrize("values", _NOT_AVERAGED.values(), ids=_NOT_AVERAGED)
def test_the_average_needs_sound_evidence_of_the_own_model(values: dict[str, object]) -> None:
    rows = [_pair("A", **{"own": 0.50, "cs": 0.55, "both": 0.62} | values)]
    plan = routed(pooled(score=0.56, score_se=0.005), *rows, settings=SHRINK)
    assert pair(plan)["route"] in ("ROUTE_CROSS_SECTIONAL", "ROUTE_EXPERIMENTAL_ONLY", "ROUTE_BLOCKED")


def test_the_average_needs_a_pooled_model_that_is_a_discovery() -> None:
    rows = [_pair("A", own=0.50, cs=0.55, both=0.62)]
    plan = routed(pooled(score=0.501, score_se=0.005), *rows, settings=SHRINK)
    assert target_row(plan)["cs_rule"] == "fdr"
    assert pair(plan)["both_probability"] > 0.99
    assert pair(plan)["route"] == "ROUTE_BLOCKED"


def test_the_average_may_serve_a_symbol_on_which_the_pooled_model_alone_is_not_sure_enough() -> None:
    rows = [_pair(f"S{at}", own=0.50, cs=0.60, both=0.55, se=0.01) for at in range(5)]
    rows.append(_pair("lent", own=0.50, cs=0.50, both=0.58, se=0.01))
    rows.append(_pair("bad", own=0.50, cs=0.49, both=0.50, se=0.01))
    plan = routed(pooled(score=0.58, score_se=0.005), *rows, settings=SHRINK)
    asked = RoutingPolicy().skill_on_symbol.min_probability
    assert pair(plan, "lent")["cs_probability"] < asked < pair(plan, "lent")["both_probability"]
    assert pair(plan, "lent")["route"] == "ROUTE_BOTH"
    assert pair(plan, "bad")["both_probability"] < asked
    assert pair(plan, "bad")["rule"] == "pooled_too_small"


def test_suspect_evidence_goes_to_the_lane_and_no_further() -> None:
    rows = [_pair("A", own=0.66, cs=0.5, both=0.6, leakage_status="SUSPECT")]
    plan = routed(pooled(score=0.501, score_se=0.005), *rows, settings=SHRINK)
    assert (pair(plan)["route"], pair(plan)["local_state"]) == ("ROUTE_EXPERIMENTAL_ONLY", "EXPERIMENTAL")
    closed = routed(
        *[pooled(score=0.501, score_se=0.005), *rows], settings={**SHRINK, "enable_experimental_lane": False}
    )
    assert pair(closed)["route"] == "ROUTE_BLOCKED"


def test_rows_without_a_standard_error_cannot_be_judged() -> None:
    plan = routed(pooled(score=0.9), local(score=0.9), settings=SHRINK)
    assert (target_row(plan)["cs_rule"], pair(plan)["local_rule"]) == ("no_gate", "no_gate")
    assert pair(plan)["route"] == "ROUTE_BLOCKED"


def test_planted_truth_is_routed_no_worse_than_by_thresholds() -> None:
    """Global, local and noise targets with honest errors: the share of pairs with the right route."""
    rng = np.random.default_rng(5)
    rows, truth = [], {}
    for kind, (cs, own) in {"global": (0.58, 0.55), "local": (0.50, 0.58), "noise": (0.50, 0.50)}.items():
        for at in range(4):
            target = f"{kind}{at}"
            rows.append(pooled(target, score=cs + rng.normal(0, 0.004), score_se=0.004))
            for symbol in range(20):
                drawn = {
                    name: value + rng.normal(0, 0.015)
                    for name, value in (("own", own), ("cs", cs), ("both", (own + cs) / 2))
                }
                rows.append({**_pair(f"S{symbol:02d}", **drawn, se=0.015), "target": target})
                truth[target, f"S{symbol:02d}"] = {"global": "CS", "local": "SYM", "noise": "NONE"}[kind]

    def accuracy(settings: dict[str, object]) -> float:
        pairs = routed(*rows, settings=settings).pairs
        served = {"ROUTE_CROSS_SECTIONAL": "CS", "ROUTE_SYMBOL_SPECIFIC": "SYM", "ROUTE_BLOCKED": "NONE"}
        hits = [
            served.get(route) == truth[target, symbol]
            for target, symbol, route in zip(pairs["target"], pairs["symbol"], pairs["route"], strict=True)
        ]
        return float(np.mean(hits))

    assert accuracy(SHRINK) > 0.9
    assert accuracy(SHRINK) >= accuracy({})
