"""The one notion of pending."""

from pathlib import Path

import pytest
from training_world import BOTH_FAMILIES, LONELY, RETURN, UP, World, make_world, plan_of

from foxml_assets.training.models.failures import record_failure
from foxml_assets.training.models.manifest import model_path
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.runner import train_jobs


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def ids(world: World, *jobs: object, retry_failed: bool = True) -> list[str]:
    plan = plan_of(world, jobs)  # type: ignore[arg-type]
    return [job.job_id for job in pending_jobs(plan, world.context, retry_failed=retry_failed)]


def test_pending_jobs_come_by_priority(world: World) -> None:
    low, high = world.job(UP, "AAA", priority=10), world.job(UP, "BBB", priority=90)
    middle = [world.job(UP, "DDD", priority=50), world.job(UP, "CCC", priority=50)]
    assert ids(world, low, high, *middle) == [
        "sym_BBB_y_up_5d",
        "sym_CCC_y_up_5d",
        "sym_DDD_y_up_5d",
        "sym_AAA_y_up_5d",
    ]


def test_a_trained_job_is_not_pending_until_its_spec_or_its_file_changes(world: World) -> None:
    job, other = world.job(UP, "AAA"), world.job(RETURN)
    list(train_jobs([job], world.context))
    assert ids(world, job, other) == ["cs_fwd_ret_5d"]
    assert ids(world, world.job(UP, "AAA", features=["mom"])) == ["sym_AAA_y_up_5d"]
    model = model_path(job, "lightgbm", world.layout)
    model.write_bytes(model.read_bytes()[:-9])
    assert ids(world, job) == ["sym_AAA_y_up_5d"]


def test_changed_parameters_of_a_family_make_the_jobs_pending_that_name_it(world: World) -> None:
    def jobs(of: World) -> tuple[object, ...]:
        return (
            of.job(UP, "AAA"),
            of.job(UP, "BBB", families=("ridge",)),
            of.job(RETURN, families=BOTH_FAMILIES),
        )

    list(train_jobs(jobs(world), world.context))  # type: ignore[arg-type]
    families = world.context.config.families.model_dump()
    other = world.with_config(families={**families, "ridge": {"clip": 4.0}})
    assert ids(other, *jobs(other)) == ["sym_BBB_y_up_5d"]
    other = world.with_config(families={**families, "lightgbm": {**families["lightgbm"], "rounds": 9}})
    assert sorted(ids(other, *jobs(other))) == ["cs_fwd_ret_5d", "sym_AAA_y_up_5d"]
    assert ids(world.with_config(seed=9), *jobs(world.with_config(seed=9)))


def test_route_priority_and_score_do_not_make_a_job_pending(world: World) -> None:
    list(train_jobs([world.job(UP, "AAA", priority=10)], world.context))
    assert ids(world, world.job(UP, "AAA", priority=90, score=0.7)) == []


def test_a_failed_job_is_pending_for_people_but_not_for_what_runs_by_itself(world: World) -> None:
    bad = world.job(LONELY, "BBB")
    list(train_jobs([bad], world.context))
    assert ids(world, bad) == [bad.job_id]
    assert ids(world, bad, retry_failed=False) == []
    mended = world.job(LONELY, "BBB", features=["mom"])
    assert ids(world, mended, retry_failed=False) == [mended.job_id]


def test_a_family_that_was_not_tried_makes_its_job_pending_though_another_failed(world: World) -> None:
    job = world.job(UP, families=BOTH_FAMILIES)
    record_failure(job, "lightgbm", "it broke", world.layout)
    assert ids(world, job, retry_failed=False) == [job.job_id]
    record_failure(job, "xgboost", "it broke", world.layout)
    assert ids(world, job, retry_failed=False) == []


def test_a_plan_without_jobs_leaves_nothing_to_do(world: World) -> None:
    assert ids(world) == []
