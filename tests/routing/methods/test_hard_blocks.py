"""Leakage blocks that no behaviour, lane or mode overrides, and features that may not be used."""

import json

import pytest
from candidate_rows import local, pair, pooled, routed, target_row

from foxml_assets.routing.pages.explanation import explain, explanation_lines

GENEROUS = {
    "both_strong_behavior": "ROUTE_BOTH",
    "unknown_leakage": "allow",
    "profile": "development",
    "require_safe_features_only": False,
    "stability_allowlist": {"symbol": ["STABLE", "DRIFTING", "DIVERGED", "UNKNOWN"]},
    "fdr": {"enabled": False},
}


@pytest.mark.parametrize("settings", [{}, GENEROUS, {"method": "shrinkage"}])
def test_a_leaking_symbol_is_blocked_and_left_out_of_the_pooled_model(settings: dict[str, object]) -> None:
    leak = local(
        "A", score=0.99, score_se=0.001, leakage_status="BLOCKED", leakage_reason="f1 copies the label"
    )
    plan = routed(
        pooled(score=0.9, score_se=0.001), leak, local("B", score=0.99, score_se=0.001), settings=settings
    )
    blocked, other = pair(plan, "A"), pair(plan, "B")
    assert (blocked["route"], blocked["rule"]) == ("ROUTE_BLOCKED", "symbol_leakage")
    assert blocked["hard_block"]
    assert blocked["excluded_from_pooled"]
    assert "f1 copies the label" in blocked["hard_block_reason"]
    assert other["route"] != "ROUTE_BLOCKED"
    assert not other["excluded_from_pooled"]


@pytest.mark.parametrize("settings", [{}, GENEROUS, {"method": "shrinkage"}])
def test_a_leaking_target_blocks_every_pair_even_those_without_rows(settings: dict[str, object]) -> None:
    leak = pooled(score=0.99, score_se=0.001, leakage_status="BLOCKED")
    rows = [leak, local("A", score=0.9, score_se=0.001)]
    plan = routed(*rows, settings=settings, universe={"y": ["A", "B"]})
    assert set(plan.pairs["route"]) == {"ROUTE_BLOCKED"}
    assert set(plan.pairs["rule"]) == {"target_leakage"}
    assert target_row(plan)["hard_block"]
    assert not plan.pairs["excluded_from_pooled"].any()


@pytest.mark.parametrize("broken", [{"score": float("nan")}, {"sample_size": 3}, {"score_metric": "zeta"}])
def test_a_leak_blocks_even_when_the_rest_of_its_row_is_useless(broken: dict[str, object]) -> None:
    plan = routed(pooled(score=0.9), local(leakage_status="BLOCKED", **broken))
    assert pair(plan)["rule"] == "symbol_leakage"
    plan = routed(pooled(leakage_status="BLOCKED", **broken), local(score=0.9))
    assert pair(plan)["rule"] == "target_leakage"


def test_a_leakage_word_nobody_knows_keeps_its_symbol_out() -> None:
    plan = routed(pooled(score=0.9), local(score=0.9, leakage_status="FISHY"))
    assert pair(plan)["route"] == "ROUTE_BLOCKED"
    assert pair(plan)["excluded_from_pooled"]


def test_one_leaking_row_of_a_repeated_pair_is_enough() -> None:
    plan = routed(pooled(score=0.9), local(score=0.9), local(score=0.9, leakage_status="BLOCKED"))
    assert pair(plan)["rule"] == "symbol_leakage"


FEATURES = json.dumps({"f1": "SAFE", "f2": "SUSPECT", "f3": "BLOCKED", "f4": "UNKNOWN"})


def test_features_of_other_statuses_are_dropped_from_jobs() -> None:
    plan = routed(pooled(score=0.9, features=FEATURES), local(score=0.9))
    assert json.loads(target_row(plan)["features"]) == {"f1": "SAFE", "f4": "UNKNOWN"}
    assert json.loads(target_row(plan)["dropped_features"]) == {"f2": "SUSPECT", "f3": "BLOCKED"}
    assert json.loads(pair(plan)["features"]) == {"f1": "SAFE", "f4": "UNKNOWN"}


def test_a_symbols_own_feature_list_goes_before_the_targets() -> None:
    own = json.dumps({"g": "SAFE", "h": "SUSPECT"})
    plan = routed(pooled(score=0.9, features=FEATURES), local("A", features=own), local("B"))
    assert json.loads(pair(plan, "A")["features"]) == {"g": "SAFE"}
    assert "f1" in json.loads(pair(plan, "B")["features"])


def test_too_few_allowed_features_block_the_pair_for_that_reason() -> None:
    settings = {"min_features": 3}
    plan = routed(
        pooled(score=0.9, features=FEATURES), local(score=0.9, features=FEATURES), settings=settings
    )
    assert (pair(plan)["route"], pair(plan)["local_rule"], pair(plan)["cs_rule"]) == (
        "ROUTE_BLOCKED",
        "features",
        "features",
    )
    assert "features" in pair(plan)["reason"]
    kept = routed(pooled(score=0.9, features=FEATURES), local(score=0.9), settings={"min_features": 2})
    assert pair(kept)["route"] == "ROUTE_BOTH"


def test_a_symbol_inherits_the_targets_want_of_features() -> None:
    plan = routed(pooled(score=0.9, features=FEATURES), local(score=0.9), settings={"min_features": 3})
    assert (pair(plan)["local_rule"], pair(plan)["route"]) == ("features", "ROUTE_BLOCKED")


def test_unknown_feature_lists_pass_only_where_unknown_features_do() -> None:
    rows = [pooled(score=0.9), local(score=0.9)]
    assert pair(routed(*rows))["route"] == "ROUTE_BOTH"
    strict = routed(*rows, settings={"allowed_feature_leakage_status": ["SAFE"]})
    assert pair(strict)["local_rule"] == "features"
    free = {"allowed_feature_leakage_status": ["SAFE"], "require_safe_features_only": False}
    assert pair(routed(*rows, settings=free))["route"] == "ROUTE_BOTH"


@pytest.mark.parametrize(("suspects", "left_out"), [("A", "A"), ("AB", "")])
def test_few_suspected_symbols_stay_out_of_the_pooled_model(suspects: str, left_out: str) -> None:
    status = {True: "SUSPECT", False: "SAFE"}
    own = [local(name, score=0.9, leakage_status=status[name in suspects]) for name in "ABC"]
    plan = routed(pooled(score=0.9, score_se=0.001), *own)
    assert [name for name in "ABC" if pair(plan, name)["excluded_from_pooled"]] == list(left_out)
    assert not plan.pairs["hard_block"].any()


@pytest.mark.parametrize("method", ["thresholds", "shrinkage"])
def test_a_pooled_model_does_not_serve_a_symbol_that_it_leaves_out(method: str) -> None:
    suspect = local("A", score=0.9, score_se=0.01, leakage_status="SUSPECT")
    rows = [suspect, *(local(name, score=0.9, score_se=0.01) for name in "BC")]
    plan = routed(pooled(score=0.9, score_se=0.001), *rows, settings={"method": method})
    assert pair(plan, "A")["route"] == "ROUTE_EXPERIMENTAL_ONLY"
    told = "\n".join(explanation_lines(explain(plan, "y", "A")))
    assert "Until the suspicion is cleared the pooled model is trained without the symbol" in told
