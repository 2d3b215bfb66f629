"""Policies that are refused, each with the setting, the value and the line."""

from pathlib import Path

import pytest

from foxml_assets.core.config_files import parse_config
from foxml_assets.core.errors import ConfigError
from foxml_assets.core.vocabulary import SignalState, Stability, TrainingType
from foxml_assets.routing.policy.job_rules import FamilyRule
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import BothStrongBehavior, Side

BAD = [
    ("metod: thresholds", "metod"),
    ("method: votes", "method"),
    ("gate_on: mean", "gate_on"),
    ("hysteresis: -0.1", "hysteresis"),
    ("hysteresis: .nan", "hysteresis"),
    (
        "cross_sectional: {auc: {min_score: 0.6, strong_score: 0.5}}",
        "strong_score 0.5 is below min_score 0.6",
    ),
    ("symbol: {ic: {min_score: 1.5, strong_score: 2}}", "symbol.ic.min_score"),
    ("symbol: {auc: {min_score: -0.1, strong_score: 0.6}}", "symbol.auc.min_score"),
    ("symbol: {auc: {min_score: 0.6}}", "symbol.auc.strong_score"),
    ("symbol: {horizon_tiers: {weekly: {}}}", "weekly"),
    ("experimental: {min_score: {symbol: {auc: 0.55}}}", "experimental.min_score.symbol.auc 0.55 is above"),
    ("experimental: {max_fraction_symbols_per_target: 0}", "max_fraction_symbols_per_target"),
    ("experimental: {max_fraction_symbols_per_target: 1.1}", "max_fraction_symbols_per_target"),
    ("experimental: {allowed_stabilities: [SHAKY]}", "allowed_stabilities"),
    ("stability_classification: {stable_tau_min: 0.1, drifting_tau_min: 0.2}", "stable_tau_min 0.1 is below"),
    ("fdr: {q: 0.1}", "fdr.q"),
    ("fdr: {q: {symbol: 0}}", "fdr.q.symbol"),
    ("fdr: {q: {cross_sectional: 1.0}}", "fdr.q.cross_sectional"),
    ("shrinkage: {q: 0.05}", "shrinkage.q"),
    ("skill_on_symbol: {min_probability: 1.0}", "skill_on_symbol.min_probability"),
    ("skill_on_symbol: {min_skill: -0.1}", "skill_on_symbol.min_skill"),
    ("stability_classification: {fade_z: 0}", "stability_classification.fade_z"),
    ("stability_classification: {gone_z: -1}", "stability_classification.gone_z"),
    ("families: by_luck", "families"),
    ("fdr: {inflate_se: 0.9}", "inflate_se"),
    ("allowed_feature_leakage_status: [BLOCKED]", "BLOCKED"),
    ("min_features: 0", "min_features"),
    ("min_sample_size: {symbol: -1}", "min_sample_size.symbol"),
    ("development_min_sample_size: {symbol: 100000}", "may only relax"),
    ("both_weak_behavior: PREFER_BETTER", "both_weak_behavior"),
    ("priority: {experimental: 101}", "priority.experimental"),
    ("families: []", "last rule must have no conditions"),
    ("families: [{use: [lightgbm]}, {use: [xgboost]}]", "never used"),
    ("families: [{when: {route: [ROUTE_BOTH]}, use: [lightgbm]}]", "last rule must have no conditions"),
    ("families: [{use: [lightgbm, lightgbm]}]", "listed twice"),
    ("families: [{use: []}]", "families.0.use"),
    ("families: [{use: [forest]}]", "families.0.use.0"),
    ("families: [{when: {route: [ROUTE_BLOCKED]}, use: [lightgbm]}, {use: [lightgbm]}]", "never a job"),
    (
        "families: [{when: {min_sample_size: 9, max_sample_size: 1}, use: [lightgbm]}, {use: [lightgbm]}]",
        "no job can match",
    ),
    ("families: [{when: {colour: red}, use: [lightgbm]}, {use: [lightgbm]}]", "colour"),
]


@pytest.mark.parametrize(("text", "named"), BAD, ids=[text for text, _ in BAD])
def test_a_wrong_policy_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), RoutingPolicy, file=Path("routing_config.yaml"))
    assert named in str(caught.value)
    assert "line 1" in str(caught.value)


def test_all_problems_are_listed_at_once_with_their_lines() -> None:
    text = "gate_on: mean\nhysteresis: 7\nfdr:\n  inflate_se: 0\n"
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), RoutingPolicy, file=Path("routing_config.yaml"))
    assert [problem.line for problem in caught.value.problems] == [1, 2, 4]


def test_the_layout_of_the_file_has_no_part_in_the_hash() -> None:
    one = parse_config(b"gate_on: ci_low\nfdr: {q: {symbol: 0.2}}\n", RoutingPolicy, file=Path("a"))
    other = parse_config(
        b"# note\nfdr:\n  q:\n    symbol: 0.20\ngate_on: ci_low\n", RoutingPolicy, file=Path("b")
    )
    assert one.config_hash() == other.config_hash() != RoutingPolicy().config_hash()


def test_the_defaults_are_the_ones_that_are_documented() -> None:
    policy = RoutingPolicy()
    assert policy.method == "shrinkage"
    assert policy.both_strong_behavior is BothStrongBehavior.PREFER_BETTER
    assert policy.stability_allowlist.symbol == (Stability.STABLE, Stability.DRIFTING)
    assert [policy.fdr_q(side) for side in Side] == [0.005, 0.005]
    assert policy.fdr.inflate_se == 1.0
    by_evidence = parse_config(b"families: by_evidence", RoutingPolicy, file=Path("a")).families
    assert policy.families == by_evidence == (FamilyRule(use=("lightgbm", "ridge"), by_evidence=True),)


def test_shrinkage_cannot_do_without_error_control() -> None:
    off = {"fdr": {"enabled": False}}
    assert RoutingPolicy.model_validate(off).fdr_q(Side.SYMBOL) == 0.005
    assert RoutingPolicy.model_validate({**off, "method": "thresholds"}).fdr_q(Side.SYMBOL) is None


def test_priorities_follow_the_jobs_own_side_and_state() -> None:
    priority = RoutingPolicy().priority
    found = {(kind, state): priority.of(kind, state) for kind in TrainingType for state in SignalState}
    cs, symbol = TrainingType.CROSS_SECTIONAL, TrainingType.SYMBOL_SPECIFIC
    assert found[cs, SignalState.STRONG] == 90
    assert found[cs, SignalState.WEAK_BUT_OK] == 75
    assert found[symbol, SignalState.STRONG] == 80
    assert found[symbol, SignalState.WEAK_BUT_OK] == 70
    assert found[symbol, SignalState.EXPERIMENTAL] == found[symbol, SignalState.DISALLOWED] == 30
