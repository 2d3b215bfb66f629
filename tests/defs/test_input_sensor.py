"""Changed inputs are observed without a run, and what is made from them is renewed by itself; but what cannot
succeed is not tried again without end."""

import dagster as dg
import pytest
from shell_world import Shell, Tick

from foxml_assets.defs.assets.events import observed_version
from foxml_assets.defs.running.stage_runs import StageRun, evidence_run
from foxml_assets.defs.sensors.input_sensor import changed_inputs, observed_inputs
from foxml_assets.panel.data_config import FilePanel
from foxml_assets.panel.panel_store import load_panel_info

INPUTS = ["data_config", "routing_config", "training_config", "panel_source"]


@pytest.fixture
def ran(shell: Shell) -> Shell:
    """A root whose panel was made from another source than the present one."""
    for name in ("routing_candidates", "panel"):
        tags = {"dagster/data_version": "old", "dagster/input_data_version/panel_source": "old"}
        shell.instance.report_runless_asset_event(dg.AssetMaterialization(name, tags=tags))
    shell.tick(observed_inputs)
    return shell


def look(shell: Shell) -> Tick:
    return shell.tick(changed_inputs)


def launch(shell: Shell, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """The run of the one request of a tick, in that state."""
    (request,) = look(shell).requests
    assert request.asset_selection == [dg.AssetKey("panel")]
    return shell.queue(["panel"], dict(request.tags), status)


def read_otherwise(shell: Shell) -> None:
    """Change how the panel's source is read."""
    panel = shell.workspace.data_config().panel
    assert isinstance(panel, FilePanel)
    other = panel.model_dump(mode="json") | {"targets": list(panel.targets)[:-1]}
    shell.edit("data_config.yaml", panel=other)


def test_a_new_content_is_a_new_data_version_and_no_run(shell: Shell) -> None:
    runs = len(shell.instance.get_run_ids())
    assert shell.tick(observed_inputs).observed == INPUTS
    assert shell.tick(observed_inputs).reason == "no input changed"
    config = shell.workspace.routing_config_file
    config.write_text(config.read_text() + "\n# Another byte and the same content.\n")
    assert shell.tick(observed_inputs).observed == []
    evidence = shell.workspace.data_config().evidence.model_dump(mode="json")
    shell.edit("data_config.yaml", evidence=evidence | {"top_k": 3})
    assert shell.tick(observed_inputs).observed == ["data_config"]
    # The panel's description counts the rows before the hold-out.
    shell.edit("data_config.yaml", evidence=evidence | {"holdout_fraction": 0.3})
    assert shell.tick(observed_inputs).observed == ["data_config", "panel_source"]
    read_otherwise(shell)
    assert shell.tick(observed_inputs).observed == ["data_config", "panel_source"]
    assert shell.tick(observed_inputs).observed == []
    assert len(shell.instance.get_run_ids()) == runs


def test_a_missing_source_is_told_and_hides_no_config(shell: Shell) -> None:
    shell.tick(observed_inputs)
    source = shell.workspace.config_dir.parent / "source.parquet"
    source.rename(source.with_suffix(".away"))
    shell.edit("training_config.yaml", seed=4711)
    assert shell.tick(observed_inputs).observed == ["training_config"]
    assert "source.parquet" in shell.tick(observed_inputs).reason


def test_an_input_can_be_observed_in_the_ui(shell: Shell) -> None:
    run = shell.execute(StageRun(("routing_config",)))
    assert run.success
    assert [event.asset_key.path for event in run.get_asset_observation_events()] == [["routing_config"]]
    assert shell.tick(observed_inputs).observed == [name for name in INPUTS if name != "routing_config"]


def test_nothing_begins_on_a_root_that_was_never_run(shell: Shell) -> None:
    assert "nothing was run here yet" in look(shell).reason


def test_a_change_is_launched_once_and_the_sensor_names_the_run_it_waits_for(ran: Shell) -> None:
    run = launch(ran, dg.DagsterRunStatus.QUEUED)
    waiting = look(ran)
    assert waiting.requests == []
    assert f"waiting for run {run.run_id[:8]} (panel, queued)" in waiting.reason


def test_a_panel_that_was_renewed_is_that_of_its_source(ran: Shell) -> None:
    (request,) = look(ran).requests
    assert ran.execute(StageRun(("panel",), request.tags)).success
    assert [one.asset_selection for one in look(ran).requests] == [[dg.AssetKey("feature_selections")]]


def test_a_run_that_lost_its_process_is_tried_again_three_times(ran: Shell) -> None:
    for _ in range(3):
        launch(ran, dg.DagsterRunStatus.FAILURE)
    tick = look(ran)
    assert tick.requests == []
    assert "lost their process" in tick.reason
    assert "foxml run --until plan" in tick.reason
    read_otherwise(ran)
    ran.tick(observed_inputs)
    assert len(look(ran).requests) == 1, "other content is another request"


def test_what_failed_in_a_step_is_not_tried_again_until_its_content_changes(ran: Shell) -> None:
    (request,) = look(ran).requests
    good = ran.workspace.data_config_file.read_bytes()
    ran.edit("data_config.yaml", panel={})
    failed = ran.execute(StageRun(("panel",), request.tags))
    assert not failed.success
    ran.workspace.data_config_file.write_bytes(good)
    tick = look(ran)
    assert tick.requests == []
    assert f"run {failed.run_id[:8]} (panel, failure) ended without a result" in tick.reason


def test_a_config_error_is_a_skip_reason_with_the_text_of_the_error(ran: Shell) -> None:
    ran.edit("routing_config.yaml", gate_on="hope")
    for sensor in (changed_inputs, observed_inputs):
        tick = ran.tick(sensor)
        assert tick.requests == []
        assert "gate_on" in tick.reason


def test_candidates_are_renewed_after_a_new_panel_that_left_the_evidence_as_it_was(shell: Shell) -> None:
    shell.tick(observed_inputs)
    names = [spec.name for spec in load_panel_info(shell.layout).targets]
    evidence, candidates = evidence_run(shell.ledger, names, set(names)), StageRun(("routing_candidates",))
    for run in (StageRun(("panel",)), evidence, candidates):
        assert shell.execute(run).success
    assert look(shell).reason == "no input changed"
    source = observed_version(shell.ledger, "panel_source")
    tags = {"dagster/data_version": "new", "dagster/input_data_version/panel_source": str(source)}
    shell.instance.report_runless_asset_event(dg.AssetMaterialization("panel", tags=tags))
    (request,) = look(shell).requests
    assert request.asset_selection == [dg.AssetKey("routing_candidates")]
    assert shell.execute(candidates).success
    assert look(shell).reason == "no input changed"


def test_what_is_not_mended_by_its_own_run_is_not_made_without_end(ran: Shell) -> None:
    (request,) = look(ran).requests
    # Whoever reports by hand that the source was made is believed by Dagster more than any observation.
    by_hand = dg.AssetMaterialization("panel_source", tags={"dagster/data_version": "by hand"})
    ran.instance.report_runless_asset_event(by_hand)
    assert ran.execute(StageRun(("panel",), request.tags)).success
    tick = look(ran)
    assert tick.requests == []
    assert "it was just made for this content, and is still not of it" in tick.reason
