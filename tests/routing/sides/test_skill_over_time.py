"""Stability by skill over the folds: what faded, what is gone, and what that does to a row."""

import pytest
from candidate_rows import STAMP, local, pair, pooled, routed, table, target_row

from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.explanation import explain, explanation_lines, explanation_rows
from foxml_assets.routing.plan.plan_json import parse_plan, plan_json
from foxml_assets.routing.policy.routing_config import RoutingPolicy

SHRINK = {"method": "shrinkage"}


def _over_time(earlier: float, recent: float, se: float = 0.01, **values: object) -> dict[str, object]:
    return {
        "score_se": 0.005,
        "earlier_score": earlier,
        "earlier_score_se": se,
        "recent_score": recent,
        "recent_score_se": se,
        **values,
    }


# The fade is the difference over 0.01 * sqrt(2), the recent z its distance from 0.5 over 0.01.
@pytest.mark.parametrize(
    ("earlier", "recent", "stability"),
    [
        (0.60, 0.60, "STABLE"),
        (0.55, 0.65, "STABLE"),
        (0.60, 0.5718, "STABLE"),
        (0.60, 0.5717, "DRIFTING"),
        (0.60, 0.5301, "DRIFTING"),
        (0.60, 0.5299, "DIVERGED"),
        (0.51, 0.50, "STABLE"),
        (0.49, 0.481, "STABLE"),
        (0.49, 0.479, "DIVERGED"),
    ],
)
def test_skill_over_time_is_classified_by_its_fade(earlier: float, recent: float, stability: str) -> None:
    row = _over_time(earlier, recent, score=0.6)
    assert target_row(routed(pooled(**row)))["cs_stability"] == stability
    assert pair(routed(pooled(), local(**row)))["local_stability"] == stability


def test_an_ic_fades_towards_zero() -> None:
    row = _over_time(0.10, 0.0301, score=0.06, score_metric="ic", task_type="regression")
    assert target_row(routed(pooled(**row)))["cs_stability"] == "DRIFTING"
    gone = _over_time(0.10, 0.0299, score=0.06, score_metric="ic", task_type="regression")
    assert target_row(routed(pooled(**gone)))["cs_stability"] == "DIVERGED"


def test_a_row_followed_over_time_ignores_agreement_and_stated_words() -> None:
    unsteady = {
        "mean_overlap": 0.0,
        "mean_tau": -0.5,
        "std_tau": 0.9,
        "n_snapshots": 1,
        "stability": "DIVERGED",
    }
    row = target_row(routed(pooled(**_over_time(0.6, 0.6, score=0.6, **unsteady))))
    assert row["cs_stability"] == "STABLE"
    assert row[["cs_overlap", "cs_tau", "cs_snapshots"]].isna().all()
    assert (row["cs_earlier"], row["cs_recent"], row["cs_recent_se"]) == (0.6, 0.6, 0.01)


def test_without_an_error_or_one_of_the_scores_agreement_decides() -> None:
    for missing in ({"recent_score": None}, {"earlier_score_se": None}, {"recent_score_se": None}):
        row = target_row(routed(pooled(**{**_over_time(0.6, 0.4, score=0.6), **missing})))
        assert row["cs_stability"] == "STABLE"
        assert (row["cs_overlap"], row["cs_tau"], row["cs_snapshots"]) == (0.9, 0.8, 5)


def test_under_shrinkage_what_is_gone_is_not_routed() -> None:
    gone = _over_time(0.65, 0.51, score=0.6)
    plan = routed(pooled(**gone), local(**gone), settings=SHRINK)
    assert (target_row(plan)["cs_state"], target_row(plan)["cs_rule"]) == ("DISALLOWED", "stability")
    assert (pair(plan)["local_state"], pair(plan)["local_rule"]) == ("DISALLOWED", "stability")
    assert pair(plan)["route"] == "ROUTE_BLOCKED"
    assert "its skill is gone in the recent folds" in pair(plan)["reason"]


def test_under_shrinkage_the_allow_list_says_whether_fading_skill_may_be_routed() -> None:
    fading = _over_time(0.65, 0.58, score=0.62)
    allowed = {**SHRINK, "stability_allowlist": {"symbol": ["STABLE", "DRIFTING"]}}
    assert pair(routed(pooled(), local(**fading), settings=allowed))["local_state"] == "STRONG"
    only_stable = {**SHRINK, "stability_allowlist": {"symbol": ["STABLE"]}}
    assert pair(routed(pooled(), local(**fading), settings=only_stable))["local_rule"] == "stability"
    by_default = route(table(pooled(), local(**fading)), RoutingPolicy(), stamp=STAMP)
    assert pair(by_default)["local_state"] == "STRONG"


def test_under_shrinkage_agreement_of_importances_is_not_asked_for() -> None:
    plan = routed(pooled(), local(score=0.6, score_se=0.005, mean_overlap=0.0), settings=SHRINK)
    assert (pair(plan)["local_stability"], pair(plan)["local_state"]) == ("DIVERGED", "STRONG")


def test_under_thresholds_fading_skill_is_a_drifting_row_like_any_other() -> None:
    fading = local(**_over_time(0.65, 0.58, score=0.62))
    assert pair(routed(pooled(), fading))["local_state"] == "EXPERIMENTAL"
    assert pair(routed(pooled(), fading))["reason"].startswith("Local on trial, as its skill fades")
    gone = local(**_over_time(0.65, 0.51, score=0.62))
    assert (pair(routed(pooled(), gone))["local_rule"]) == "stability"


@pytest.mark.parametrize(
    "values",
    [
        {"earlier_score": 1.2},
        {"recent_score": float("inf")},
        {"recent_score_se": -0.01},
        {"earlier_score_ci_low": 0.7, "earlier_score_ci_high": 0.6},
    ],
)
def test_scores_over_time_that_cannot_be_true_quarantine_the_row(values: dict[str, object]) -> None:
    row = pair(routed(pooled(), local(**{**_over_time(0.6, 0.6, score=0.6), **values})))
    assert row["local_rule"] == "quarantined"
    assert "earlier_score or recent_score is out of range" in row["quarantine_reason"]


@pytest.mark.parametrize(
    ("earlier", "recent", "stability"),
    [(0.56, 0.535, "STABLE"), (0.54, 0.525, "DIVERGED"), (0.52, 0.525, "STABLE")],
)
def test_where_the_pooled_skill_is_gone_a_symbol_must_show_its_own(
    earlier: float, recent: float, stability: str
) -> None:
    # One symbol knows too little to show a fade of 2 errors; the pooled model does, and its sign is enough.
    own = _over_time(earlier, recent, score=0.6)
    plan = routed(pooled(**_over_time(0.62, 0.51, score=0.6)), local(**own), settings=SHRINK)
    assert target_row(plan)["cs_stability"] == "DIVERGED"
    assert pair(plan)["local_stability"] == stability
    steady = routed(pooled(**_over_time(0.62, 0.62, score=0.6)), local(**own), settings=SHRINK)
    assert pair(steady)["local_stability"] == "STABLE"
    if stability == "DIVERGED":
        told = "\n".join(explanation_lines(explain(plan, "y", "A")))
        assert "fade 1.1 as that of the pooled model, which is gone, and recent z 2.5 < gone_z 3" in told


def test_an_explanation_gives_the_numbers_and_the_keys_they_were_held_against() -> None:
    gone = _over_time(0.62, 0.51, score=0.6)
    plan = routed(pooled(**gone), local(score=0.62, score_se=0.01, mean_overlap=0.155), settings=SHRINK)
    told = "\n".join(explanation_lines(explain(plan, "y", "A")))
    assert "DIVERGED: earlier 0.620, recent 0.510, fade 7.8 >= fade_z 2 and recent z 1.0 < gone_z 3" in told
    assert "overlap 0.155 below drifting_overlap_min 0.5, tau 0.800 >= stable_tau_min 0.6" in told
    assert "0.6000 auc, standard error 0.0050, 95 % 0.5902 to 0.6098" in told
    assert "stability STABLE or DRIFTING (now DIVERGED: earlier 0.620" in told
    decided = [
        row.name for row in explanation_rows(explain(plan, "y", "A")) if row.decided and row.side == "pooled"
    ]
    assert decided == ["stability"]
    back = parse_plan(b"".join(plan_json(plan)))
    assert explanation_lines(explain(back, "y", "A")) == explanation_lines(explain(plan, "y", "A"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (_over_time(0.6, 0.6), "STABLE: earlier 0.600, recent 0.600, fade 0.0 < fade_z 2"),
        (_over_time(0.48, 0.47), "DIVERGED: earlier 0.480, recent 0.470, recent z -3.0 <= -fade_z -2"),
        (
            {**_over_time(0.6, 0.51), "recent_score_se": 0.0},
            "STABLE: overlap 0.900 >= stable_overlap_min 0.7, tau 0.800 >= stable_tau_min 0.6",
        ),
        ({"n_snapshots": 1}, "UNKNOWN: 1 snapshots, below min_snapshots_for_stability 2"),
        ({"std_tau": 0.4}, "DIVERGED: std of tau 0.400 above max_std_tau 0.25"),
        (
            {"mean_tau": 0.5},
            "DRIFTING: overlap 0.900 >= stable_overlap_min 0.7, tau 0.500 below stable_tau_min 0.6",
        ),
        ({"mean_tau": None}, "UNKNOWN: overlap 0.900 >= stable_overlap_min 0.7, tau unknown"),
        ({"mean_tau": None, "mean_overlap": None}, "no standard error; UNKNOWN"),
    ],
)
def test_every_stability_is_explained(values: dict[str, object], words: str) -> None:
    plan = routed(pooled(), local(**{"score": 0.6, **values}))
    assert any(words in line for line in explanation_lines(explain(plan, "y", "A")))
