"""What is trained without being asked for, and what a sensor says that launches nothing."""

from collections.abc import Sequence

import dagster as dg
import pytest
from shell_world import Shell
from training_world import RETURN, UP

from foxml_assets.defs.running.claims import Role, claimed, root_id
from foxml_assets.defs.running.partitions import keys_of
from foxml_assets.defs.running.stage_runs import StageRun

FAILURE, CANCELED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED


@pytest.fixture
def started(shell: Shell) -> Shell:
    """A root in which the user has trained one job of six."""
    assert shell.execute(shell.runs_of(shell.plan.jobs[:1])[0]).success
    return shell


def asked_for(shell: Shell, requests: Sequence[dg.RunRequest]) -> list[str]:
    """The partitions that the requests are for."""
    order = shell.instance.get_dynamic_partitions("symbol_jobs")
    return [key for request in requests for key in keys_of(request.tags, order)]


def end(shell: Shell, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    """The run of `request` ends in that state before it has done anything."""
    assert request.asset_selection is not None
    names = [key.to_user_string() for key in request.asset_selection]
    shell.queue(names, dict(request.tags), status)


def test_before_the_first_training_nothing_is_trained_unasked(shell: Shell) -> None:
    tick = shell.tick()
    assert tick.requests == []
    assert "6 jobs are pending (12 fits, of which none was timed yet)" in tick.reason
    assert "yours to start" in tick.reason
    assert "foxml train" in tick.reason


def test_after_the_first_training_models_are_kept_in_step(started: Shell) -> None:
    tick = started.tick()
    (request,) = tick.requests
    assert (
        asked_for(started, tick.requests) == list(started.instance.get_dynamic_partitions("symbol_jobs"))[1:]
    )
    assert request.tags["foxml/root"] == root_id(started.workspace.root)
    assert int(request.tags["dagster/max_runtime"]) > 0
    assert request.run_key is None


def test_a_training_that_was_asked_for_counts_as_the_first_though_it_was_killed(shell: Shell) -> None:
    asked = shell.queue(["symbol_models"], {"dagster/partition": f"{UP}@AAA"}, dg.DagsterRunStatus.STARTED)
    assert "6 jobs are pending" not in shell.tick().reason
    shell.instance.report_run_failed(asked)
    assert len(asked_for(shell, shell.tick().requests)) == 6


@pytest.mark.parametrize(
    ("setting", "told"),
    [({"enabled": True, "max_jobs": 4}, "max_jobs is 4"), ({"enabled": False}, "enabled is false")],
)
def test_more_than_is_allowed_waits_for_the_user_with_its_cost(
    started: Shell, setting: dict[str, object], told: str
) -> None:
    started.edit("training_config.yaml", automatic_training=setting)
    tick = started.tick()
    assert tick.requests == []
    assert "5 jobs are pending" in tick.reason
    assert "s on 2 threads" in tick.reason
    assert told in tick.reason
    assert "foxml train" in tick.reason
    started.edit("training_config.yaml", automatic_training={"enabled": True, "max_jobs": 5})
    assert len(asked_for(started, started.tick(cursor=tick.cursor).requests)) == 5


def test_several_batches_are_in_flight_and_none_is_launched_twice(started: Shell) -> None:
    started.edit("training_config.yaml", batch_size=2)
    requests = started.tick().requests
    assert len(requests) == 3
    assert len(set(asked_for(started, requests))) == 5
    for request in requests[:2]:
        assert request.asset_selection is not None
        started.queue(["symbol_models"], dict(request.tags), dg.DagsterRunStatus.QUEUED)
    again = started.tick()
    assert asked_for(started, again.requests) == asked_for(started, requests[2:])
    started.queue(["symbol_models"], dict(again.requests[0].tags), dg.DagsterRunStatus.QUEUED)
    last = started.tick()
    assert last.requests == []
    assert "5 jobs are in runs" in last.reason
    assert "symbol_models, queued" in last.reason


def test_a_new_plan_beside_queued_batches_launches_only_what_is_new(started: Shell) -> None:
    queued = started.tick().requests
    started.queue(["symbol_models"], dict(queued[0].tags), dg.DagsterRunStatus.QUEUED)
    started.make_plan({UP: ("AAA", "BBB", "CCC", "DDD"), RETURN: ("AAA", "BBB", "CCC", "DDD")})
    assert set(asked_for(started, started.tick().requests)) == {f"{UP}@DDD", f"{RETURN}@DDD"}


def test_a_batch_that_dies_before_its_first_model_is_launched_again_and_not_for_ever(started: Shell) -> None:
    cursor = None
    for _ in range(3):
        tick = started.tick(cursor=cursor)
        assert len(asked_for(started, tick.requests)) == 5, tick.reason
        end(started, tick.requests[0], FAILURE)
        cursor = tick.cursor
    report = started.tick(cursor=cursor)
    assert [request.tags["foxml/request"].split(":")[0] for request in report.requests] == ["training_report"]
    assert started.execute(StageRun(("training_report",))).success
    left = started.tick()
    assert left.requests == []
    assert "5 jobs are left to you" in left.reason
    assert "foxml train" in left.reason
    assert started.tick(cursor=left.cursor).reason == left.reason


def test_a_batch_that_the_user_cancelled_is_not_launched_again(started: Shell) -> None:
    end(started, started.tick().requests[0], CANCELED)
    assert asked_for(started, started.tick().requests) == []


def test_a_config_error_is_a_skip_reason_and_not_a_failed_tick(started: Shell) -> None:
    started.edit("routing_config.yaml", gate_on="hope")
    tick = started.tick()
    assert tick.requests == []
    assert "gate_on" in tick.reason


def test_a_waiting_sensor_names_the_run_it_waits_for(started: Shell) -> None:
    run = started.queue(["routing_plan"], {}, dg.DagsterRunStatus.STARTED)
    tick = started.tick()
    assert f"waiting for run {run.run_id[:8]} (routing_plan, started)" in tick.reason
    with claimed(started.workspace.root, "c", Role.COMMAND, "foxml train"):
        assert "waiting for `foxml train` (process " in started.tick().reason


def test_when_all_is_trained_the_report_is_written_once(started: Shell) -> None:
    assert started.execute(started.runs_of(started.plan.jobs)[0]).success
    (report,) = started.tick().requests
    assert report.asset_selection == [dg.AssetKey("training_report")]
    assert report.asset_check_keys
    end(started, report, FAILURE)
    assert len(started.tick().requests) == 1, "it lost its process, which may pass"
    end(started, report, CANCELED)
    assert "the report: run" in started.tick().reason
    assert started.execute(StageRun(("training_report",))).success
    done = started.tick()
    assert "trained, and reported" in done.reason
    assert started.tick(cursor=done.cursor).reason == done.reason


def test_a_run_that_is_being_started_is_not_ended_by_the_first_tick_of_a_server(started: Shell) -> None:
    (batch,) = started.runs_of(started.plan.jobs)
    tags = {
        **batch.tags,
        "foxml/root": root_id(started.workspace.root),
        "foxml/requested_by": "a server before",
    }
    run = started.queue(batch.assets, tags, dg.DagsterRunStatus.STARTING)
    tick = started.tick(cursor="left by an earlier version")
    assert "5 jobs are in run" in tick.reason
    found = started.instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.STARTING
