"""Which plan may be trained from."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from routed_world import POLICY, SCORES, STAMP, Routed, copied, route_and_plan
from training_world import RETURN, UP, World, make_world, panel_frame

from foxml_assets.core.errors import (
    PlanCorruptError,
    PlanInconsistentError,
    PlanMissingError,
    PlanStaleError,
    RoutingPlanError,
)
from foxml_assets.core.vocabulary import OnMissingPlan, OnStalePlan, Route
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.training.runner import train_jobs
from foxml_assets.training.training_gate import TrainingPermit, authorise_training


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Routed:
    return route_and_plan(make_world(tmp_path_factory.mktemp("template")))


@pytest.fixture
def routed(template: Routed, tmp_path: Path) -> Routed:
    return copied(template, tmp_path / "root")


def authorise(world: World, policy: RoutingPolicy = POLICY) -> TrainingPermit:
    return authorise_training(world.context, policy, STAMP)


OTHER_POLICY = POLICY.model_copy(update={"hysteresis": 0.01})


def test_a_current_plan_is_trained_from_and_the_filter_is_told_once(
    routed: Routed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    permit = authorise(routed.world)
    assert caplog.text == ""
    assert permit.plan == routed.plan
    assert permit.warnings == ()
    assert permit.filter_line == "[FILTER] Training plan filter applied: 3 -> 2 targets"
    assert {(job.target, job.symbol, job.route) for job in permit.plan.jobs} == {
        (UP, None, Route.CROSS_SECTIONAL),
        (UP, "AAA", Route.BOTH),
        (RETURN, "BBB", Route.SYMBOL_SPECIFIC),
        (RETURN, "CCC", Route.SYMBOL_SPECIFIC),
    }


def test_a_missing_plan_trains_every_target_pooled_with_a_warning(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    permit = authorise(world)
    assert [job.job_id for job in permit.plan.jobs] == ["cs_fwd_ret_5d", "cs_y_lonely_5d", "cs_y_up_5d"]
    assert {job.model_families for job in permit.plan.jobs} == {POLICY.families[-1].use}
    assert "there is no master training plan" in permit.warnings[0]
    assert {outcome.status for outcome in train_jobs(permit.plan.jobs, world.context)} == {"done"}


def test_a_missing_plan_can_be_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanMissingError):
        authorise(make_world(tmp_path).with_config(on_missing_plan=OnMissingPlan.REFUSE))


def test_another_policy_makes_the_plan_stale(routed: Routed) -> None:
    with pytest.raises(PlanStaleError, match="routing policy"):
        authorise(routed.world, OTHER_POLICY)


def test_a_stale_plan_can_be_trained_with_a_warning(routed: Routed) -> None:
    lenient = routed.world.with_config(on_stale_plan=OnStalePlan.WARN)
    permit = authorise(lenient, OTHER_POLICY)
    assert permit.plan == routed.plan
    assert "routing policy" in permit.warnings[0]


def test_newer_evidence_makes_the_plan_stale(routed: Routed) -> None:
    before = routed.world.layout.master_plan.read_bytes()
    route_and_plan(routed.world, {**SCORES, UP: {None: 0.6}})
    routed.world.layout.master_plan.write_bytes(before)
    with pytest.raises(PlanStaleError, match=r"(?s)routing plan.*routing candidates"):
        authorise(routed.world)


def test_another_panel_makes_the_plan_stale(routed: Routed, tmp_path: Path) -> None:
    other = make_world(tmp_path / "other", panel_frame(seed=8))
    moved = replace(other.context, layout=routed.world.layout)
    with pytest.raises(PlanStaleError, match="data of y_up_5d"):
        authorise(World(moved))


def test_other_training_settings_are_refused_even_when_stale_plans_are_let_through(routed: Routed) -> None:
    with pytest.raises(PlanStaleError, match="training settings"):
        authorise(routed.world.with_config(seed=1))
    with pytest.raises(PlanStaleError, match="training settings"):
        authorise(routed.world.with_config(seed=1, on_stale_plan=OnStalePlan.WARN))


def test_a_corrupt_plan_is_refused_whatever_the_settings(routed: Routed) -> None:
    plan = routed.world.layout.master_plan
    whole = plan.read_bytes()
    for damaged in (b"", whole[:-20], whole.replace(b'"jobs"', b'"jabs"')):
        plan.write_bytes(damaged)
        with pytest.raises(PlanCorruptError):
            authorise(routed.world.with_config(on_stale_plan=OnStalePlan.WARN))


def test_an_edited_plan_is_refused_whatever_the_settings(routed: Routed) -> None:
    path = routed.world.layout.master_plan
    content = json.loads(path.read_bytes())
    content["jobs"][0]["model_families"] = ["xgboost"]
    path.write_text(json.dumps(content))
    with pytest.raises(PlanInconsistentError):
        authorise(routed.world.with_config(on_stale_plan=OnStalePlan.WARN))


def test_a_damaged_routing_plan_is_refused(routed: Routed) -> None:
    routed.world.layout.routing_plan.write_bytes(b"{}")
    with pytest.raises(RoutingPlanError):
        authorise(routed.world)


def test_without_metrics_the_plan_has_no_jobs_and_nothing_is_trained(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    route_and_plan(world, {})
    permit = authorise(world)
    assert permit.plan.jobs == ()
    assert list(train_jobs(permit.plan.jobs, world.context)) == []
    assert not world.layout.models.exists()
