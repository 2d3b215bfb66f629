"""A preview is what the real thing would do, and writes nothing."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from plan_makers import SETTINGS
from routing_makers import STAMP, candidates, policy, routed, row

from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.diff.change_causes import Cause
from foxml_assets.planning.diff.preview import FitKey, Preview, RouteMove, estimate_seconds, preview_plan
from foxml_assets.planning.diff.preview_report import move_rows, preview_json, preview_markdown, route_rows
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy

LGB, XGB = "lightgbm", "xgboost"
ROWS = [row("y", None, "strong"), row("y", "A", "strong"), row("y", "B", "weak"), row("y", "C", "none")]


def planned(by: RoutingPolicy) -> MasterPlan:
    """The plan of `by`."""
    return build_plan(
        routed(ROWS, by),
        by,
        data_hashes={"y": {"A": "d"}},
        training_hashes=SETTINGS,
        parent_plan_hash=None,
        stamp=STAMP,
    )


def previewed(
    with_policy: RoutingPolicy,
    past: Mapping[FitKey, float] | None = None,
    current: RoutingPolicy | None = None,
) -> Preview:
    """A preview where everything that a plan of the default policy asks for is trained."""
    now = current or policy()
    trained = {job.spec_hash for job in planned(policy()).jobs}
    return preview_plan(
        candidates(ROWS),
        with_policy,
        universe=None,
        current_routing=routed(ROWS, now),
        current=planned(now),
        data_hashes={"y": {"A": "d"}},
        training_hashes=SETTINGS,
        past_seconds=past or {},
        untrained=lambda plan: [job for job in plan.jobs if job.spec_hash not in trained],
        stamp=STAMP,
    )


def test_a_preview_is_the_plan_that_the_policy_would_make() -> None:
    stricter = policy(both_strong_behavior="PREFER_CS")
    preview = previewed(stricter)
    real = planned(stricter)
    assert preview.plan.metadata.plan_hash == real.metadata.plan_hash
    assert preview.plan.jobs == real.jobs
    assert [entry.causes for entry in preview.diff.removed] == [(Cause.POLICY,)]


def test_moves_between_routes_are_counted() -> None:
    preview = previewed(policy(both_strong_behavior="PREFER_SYMBOL"))
    assert RouteMove(Route.BOTH, Route.SYMBOL_SPECIFIC, 1) in preview.moves
    assert move_rows(preview) == [("ROUTE_BOTH", "ROUTE_SYMBOL_SPECIFIC", 1)]
    assert ("ROUTE_BOTH", 1, 0) in route_rows(preview)
    assert (
        sum(now for _, now, _ in route_rows(preview)) == sum(then for _, _, then in route_rows(preview)) == 3
    )


def test_without_a_current_plan_all_is_new() -> None:
    preview = preview_plan(
        candidates(ROWS),
        policy(),
        universe=None,
        current_routing=None,
        current=None,
        data_hashes={},
        training_hashes=SETTINGS,
        past_seconds={},
        untrained=lambda plan: plan.jobs,
        stamp=STAMP,
    )
    assert {move.before for move in preview.moves} == {None}
    assert preview.to_train == preview.all_jobs
    assert "(new pair)" in preview_markdown(preview)


def test_training_time_comes_from_past_fits_and_their_medians() -> None:
    past = {("y", None, LGB): 10.0, ("y", None, XGB): 20.0, ("old", "A", LGB): 1.0, ("old", "B", LGB): 3.0}
    jobs = build_plan(
        routed(ROWS), policy(), data_hashes={}, training_hashes=SETTINGS, parent_plan_hash=None, stamp=STAMP
    ).jobs
    assert {job.symbol for job in jobs} == {None, "A"}
    estimate = estimate_seconds(jobs, past)
    assert estimate.seconds == pytest.approx(10.0 + 20.0 + 2.0)
    assert (estimate.known, estimate.guessed, estimate.unknown) == (2, 1, 1)


def test_only_jobs_that_are_not_trained_cost_time() -> None:
    past = {("y", None, LGB): 10.0, ("y", None, XGB): 20.0, ("y", "A", LGB): 1.0, ("y", "A", XGB): 2.0}
    unchanged = previewed(policy(priority={"experimental": 1}), past)
    assert unchanged.to_train.seconds == 0.0
    assert unchanged.all_jobs.seconds == pytest.approx(33.0)
    lighter = previewed(
        policy(
            families=[
                {"when": {"training_type": ["symbol_specific"]}, "use": ["lightgbm"]},
                {"use": ["lightgbm", "xgboost"]},
            ]
        ),
        past,
    )
    assert lighter.to_train.seconds == pytest.approx(1.0)


def test_jobs_that_come_back_are_not_to_train_where_their_models_lie_ready() -> None:
    back = previewed(policy(), current=policy(both_strong_behavior="PREFER_CS"))
    page = preview_markdown(back)
    assert [entry.job_id for entry in back.diff.added] == ["sym_A_y"]
    assert "1 added, 0 removed, 0 changed; 0 to train anew." in page
    assert "| lies ready |" in page


def test_a_preview_writes_nothing_and_reads_as_markdown_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    preview = previewed(policy(both_strong_behavior="PREFER_CS"))
    assert list(tmp_path.iterdir()) == []
    assert "| ROUTE_BOTH | 1 | 0 |" in preview_markdown(preview)
    document = json.loads(preview_json(preview))
    assert document["by_route"]["ROUTE_BOTH"] == [1, 0]
    assert len(document["diff"]["removed"]) == 1
    assert preview_json(preview) == preview_json(previewed(policy(both_strong_behavior="PREFER_CS")))


def test_a_preview_of_the_same_policy_changes_nothing() -> None:
    assert not previewed(policy()).diff.has_changes
