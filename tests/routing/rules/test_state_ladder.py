"""The ladder from evidence to signal state, rung by rung and at every boundary."""

import pytest
from candidate_rows import local, pair, pooled, routed, target_row

STEP = 1e-9


@pytest.mark.parametrize(
    ("metric", "task", "strong", "low", "trial"),
    [("auc", "classification", 0.58, 0.52, 0.51), ("ic", "regression", 0.05, 0.02, 0.01)],
)
def test_pooled_scores_turn_at_their_bars(
    metric: str, task: str, strong: float, low: float, trial: float
) -> None:
    cases = [
        (strong, "STRONG", "strong_score"),
        (strong - STEP, "WEAK_BUT_OK", "min_score"),
        (low, "WEAK_BUT_OK", "min_score"),
        (low - STEP, "EXPERIMENTAL", "experimental_score"),
        (trial, "EXPERIMENTAL", "experimental_score"),
        (trial - STEP, "DISALLOWED", "below_thresholds"),
    ]
    for score, state, rule in cases:
        row = target_row(routed(pooled(score=score, score_metric=metric, task_type=task)))
        assert (row["cs_state"], row["cs_rule"]) == (state, rule), score


@pytest.mark.parametrize(
    ("metric", "task", "strong", "low", "trial"),
    [("auc", "classification", 0.60, 0.54, 0.52), ("ic", "regression", 0.08, 0.03, 0.02)],
)
def test_symbol_scores_turn_at_their_own_bars(
    metric: str, task: str, strong: float, low: float, trial: float
) -> None:
    kind = {"score_metric": metric, "task_type": task}
    cases = [
        (strong, "STRONG", strong),
        (strong - STEP, "WEAK_BUT_OK", low),
        (low, "WEAK_BUT_OK", low),
        (low - STEP, "EXPERIMENTAL", trial),
        (trial, "EXPERIMENTAL", trial),
        (trial - STEP, "DISALLOWED", trial),
    ]
    for score, state, threshold in cases:
        row = pair(routed(pooled(score=0.0, **kind), local(score=score, **kind)))
        assert row["local_state"] == state, score
        assert row["local_threshold"] == threshold


def test_a_sample_below_the_minimum_is_disallowed_whatever_its_score() -> None:
    for size, state, rule in ((999, "DISALLOWED", "sample_size"), (1_000, "STRONG", "strong_score")):
        row = pair(routed(pooled(), local(score=0.9, sample_size=size)))
        assert (row["local_state"], row["local_rule"]) == (state, rule)
    for size, state in ((999, "DISALLOWED"), (1_000, "STRONG")):
        assert target_row(routed(pooled(score=0.9, sample_size=size)))["cs_state"] == state


def test_the_sample_rule_comes_before_leakage_and_families() -> None:
    two = {"require_min_successful_families": 2}
    rows = pooled(score=0.9, sample_size=5, leakage_status="BLOCKED", successful_families="lightgbm")
    assert target_row(routed(rows, settings=two))["cs_rule"] == "sample_size"
    rows["sample_size"] = 100_000
    assert target_row(routed(rows, settings=two))["cs_rule"] == "leakage_blocked"
    rows["leakage_status"] = "SAFE"
    assert target_row(routed(rows, settings=two))["cs_rule"] == "families"


def test_too_few_fitted_families_disallow_but_unrecorded_ones_do_not() -> None:
    two = {"require_min_successful_families": 2}
    one = local(score=0.9, successful_families="lightgbm")
    assert pair(routed(pooled(), one, settings=two))["local_rule"] == "families"
    # It has a score, so some family fitted: which, nobody said.
    for failed in (None, "xgboost"):
        unrecorded = local(score=0.9, successful_families=None, failed_families=failed)
        assert pair(routed(pooled(), unrecorded))["local_state"] == "STRONG"


@pytest.mark.parametrize("status", ["SUSPECT", "UNKNOWN", None])
def test_suspect_or_unexamined_rows_reach_experimental_at_most(status: str | None) -> None:
    row = pair(routed(pooled(), local(score=0.9, leakage_status=status)))
    assert row["local_state"] == "EXPERIMENTAL"
    assert row["local_rule"] == ("suspect_leakage" if status == "SUSPECT" else "unknown_leakage")
    closed = pair(
        routed(
            pooled(), local(score=0.9, leakage_status=status), settings={"enable_experimental_lane": False}
        )
    )
    assert closed["local_state"] == "DISALLOWED"
    diverged = pair(routed(pooled(), local(score=0.9, leakage_status=status, mean_tau=0.0)))
    assert diverged["local_state"] == "DISALLOWED"


@pytest.mark.parametrize(
    ("setting", "state"), [("experimental", "EXPERIMENTAL"), ("allow", "STRONG"), ("block", "DISALLOWED")]
)
def test_unknown_leakage_is_read_as_the_policy_says(setting: str, state: str) -> None:
    plan = routed(pooled(), local(score=0.9, leakage_status="UNKNOWN"), settings={"unknown_leakage": setting})
    assert pair(plan)["local_state"] == state
    assert bool(pair(plan)["hard_block"]) is (setting == "block")


def test_stability_outside_the_allowlist_leaves_only_the_lane() -> None:
    drifting = {"mean_overlap": 0.6, "mean_tau": 0.5}
    assert target_row(routed(pooled(score=0.9, **drifting)))["cs_state"] == "STRONG"
    row = pair(routed(pooled(), local(score=0.9, **drifting)))
    assert (row["local_state"], row["local_stability"]) == ("EXPERIMENTAL", "DRIFTING")
    diverged = pair(routed(pooled(), local(score=0.9, mean_overlap=0.1)))
    assert (diverged["local_state"], diverged["local_rule"]) == ("DISALLOWED", "stability")


def test_the_reason_says_what_holds_a_row_back() -> None:
    cases = [
        ({"score": 0.53}, "Local on trial, as its score is below the threshold"),
        ({"score": 0.62, "mean_overlap": 0.6, "mean_tau": 0.5}, "Local on trial, as its features drift"),
        ({"score": 0.62, "n_snapshots": 1}, "Local on trial, as its stability is unknown"),
        ({"score": 0.62, "leakage_status": "SUSPECT"}, "Local on trial, as it is suspected of leakage"),
        ({"score": 0.62}, "Local strong and stable"),
        ({"score": 0.51}, "Local score below every threshold"),
        ({"score": 0.62, "sample_size": 3}, "Local has too few samples"),
    ]
    for values, reason in cases:
        assert pair(routed(pooled(), local(**values)))["reason"].startswith(reason)


def test_the_gate_may_be_the_lower_confidence_bound() -> None:
    row = local(score=0.62, score_se=0.02)
    settings = {"fdr": {"enabled": False}}
    assert pair(routed(pooled(), row, settings=settings))["local_state"] == "STRONG"
    lower = pair(routed(pooled(), row, settings={**settings, "gate_on": "ci_low"}))
    assert lower["local_state"] == "WEAK_BUT_OK"
    assert lower["local_gate"] == pytest.approx(0.62 - 1.96 * 0.02, abs=1e-4)
    given = pair(routed(pooled(), {**row, "score_ci_low": 0.601}, settings={**settings, "gate_on": "ci_low"}))
    assert (given["local_state"], given["local_gate"]) == ("STRONG", 0.601)
    none = pair(routed(pooled(), local(score=0.9), settings={**settings, "gate_on": "ci_low"}))
    assert (none["local_state"], none["local_rule"]) == ("DISALLOWED", "no_gate")


@pytest.mark.parametrize(
    ("minutes", "tier"),
    [
        (0.0, "short"),
        (59.9, "short"),
        (60.0, "medium"),
        (239.9, "medium"),
        (240.0, "long"),
        (1440.0, "long"),
        (1440.1, "very_long"),
        (None, "any"),
    ],
)
def test_horizons_fall_into_tiers_with_their_own_bars(minutes: float | None, tier: str) -> None:
    thresholds = {"auc": {"min_score": 0.80, "strong_score": 0.90}}
    tiers = {name: thresholds for name in ("short", "medium", "long", "very_long") if name == tier}
    symbol = {"auc": {"min_score": 0.54, "strong_score": 0.60}, "horizon_tiers": tiers}
    row = pair(routed(pooled(), local(score=0.85, horizon_minutes=minutes), settings={"symbol": symbol}))
    assert row["local_tier"] == tier
    assert row["local_state"] == ("STRONG" if tier == "any" else "WEAK_BUT_OK")


@pytest.mark.parametrize(
    ("metrics", "stability"),
    [
        ({}, "STABLE"),
        ({"n_snapshots": 1}, "UNKNOWN"),
        ({"n_snapshots": None}, "UNKNOWN"),
        ({"mean_overlap": None, "mean_tau": None}, "UNKNOWN"),
        ({"std_overlap": 0.2000001}, "DIVERGED"),
        ({"std_overlap": 0.20}, "STABLE"),
        ({"std_tau": 0.2500001}, "DIVERGED"),
        ({"std_tau": 0.25}, "STABLE"),
        ({"mean_overlap": 0.70, "mean_tau": 0.60}, "STABLE"),
        ({"mean_overlap": 0.6999, "mean_tau": 0.60}, "DRIFTING"),
        ({"mean_overlap": 0.70, "mean_tau": 0.5999}, "DRIFTING"),
        ({"mean_overlap": 0.50, "mean_tau": 0.40}, "DRIFTING"),
        ({"mean_overlap": 0.4999, "mean_tau": 0.90}, "DIVERGED"),
        ({"mean_overlap": 0.90, "mean_tau": 0.3999}, "DIVERGED"),
        ({"mean_overlap": None, "mean_tau": 0.9}, "UNKNOWN"),
        ({"mean_overlap": None, "mean_tau": 0.1}, "DIVERGED"),
        ({"stability": "DIVERGED"}, "STABLE"),
        ({"mean_overlap": None, "mean_tau": None, "stability": "STABLE"}, "STABLE"),
        ({"mean_overlap": None, "mean_tau": None, "n_snapshots": 1, "stability": "STABLE"}, "UNKNOWN"),
    ],
)
def test_stability_is_classified_from_the_metrics_first(metrics: dict[str, object], stability: str) -> None:
    assert target_row(routed(pooled(**metrics)))["cs_stability"] == stability
