"""Changed inputs are renewed by themselves, but what cannot succeed is not tried again without end."""

import dagster as dg
import pytest
from shell_world import Shell, Tick

from foxml_assets.defs.running.stage_runs import StageRun
from foxml_assets.defs.sensors.input_sensor import changed_inputs


@pytest.fixture
def ran(shell: Shell) -> Shell:
    """A root whose inputs the instance knows in another version than the present one."""
    for name in ("routing_candidates", "data_config"):
        event = dg.AssetMaterialization(name, tags={"dagster/data_version": "old"})
        shell.instance.report_runless_asset_event(event)
    return shell


def look(shell: Shell) -> Tick:
    return shell.tick(changed_inputs)


def launch(shell: Shell, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """The run of the one request of a tick, in that state."""
    (request,) = look(shell).requests
    assert request.asset_selection == [dg.AssetKey("data_config")]
    return shell.queue(["data_config"], dict(request.tags), status)


def test_nothing_begins_on_a_root_that_was_never_run(shell: Shell) -> None:
    assert "nothing was run here yet" in look(shell).reason


def test_a_change_is_launched_once_and_the_sensor_names_the_run_it_waits_for(ran: Shell) -> None:
    run = launch(ran, dg.DagsterRunStatus.QUEUED)
    waiting = look(ran)
    assert waiting.requests == []
    assert f"waiting for run {run.run_id[:8]} (data_config, queued)" in waiting.reason


def test_a_run_that_lost_its_process_is_tried_again_three_times(ran: Shell) -> None:
    for _ in range(3):
        launch(ran, dg.DagsterRunStatus.FAILURE)
    tick = look(ran)
    assert tick.requests == []
    assert "lost their process" in tick.reason
    assert "foxml run --until plan" in tick.reason
    ran.edit("data_config.yaml", evidence={"n_folds": 3})
    assert len(look(ran).requests) == 1, "other content is another request"


def test_what_failed_in_a_step_is_not_tried_again_until_its_content_changes(ran: Shell) -> None:
    (request,) = look(ran).requests
    good = ran.workspace.data_config_file.read_bytes()
    ran.edit("data_config.yaml", panel={})
    failed = ran.execute(StageRun(("data_config",), request.tags))
    assert not failed.success
    ran.workspace.data_config_file.write_bytes(good)
    tick = look(ran)
    assert tick.requests == []
    assert f"run {failed.run_id[:8]} (data_config, failure) ended without a result" in tick.reason


def test_a_config_error_is_a_skip_reason_with_the_text_of_the_error(ran: Shell) -> None:
    ran.edit("routing_config.yaml", gate_on="hope")
    tick = look(ran)
    assert tick.requests == []
    assert "gate_on" in tick.reason
