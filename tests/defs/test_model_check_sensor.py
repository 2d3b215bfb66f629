"""Models that were trained in the UI are checked by themselves, once for each change."""

import time

import dagster as dg
import pytest
from shell_world import SIX, Shell, Tick
from training_world import RETURN

from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.running.stage_runs import MODEL_CHECKS, StageRun, partition_key, report_run
from foxml_assets.defs.sensors import model_check_sensor
from foxml_assets.defs.sensors.model_check_sensor import MODEL_CHECK_JOB, unchecked_models

MODELS = "symbol_models"


@pytest.fixture
def trained(shell: Shell) -> Shell:
    """A root in which one of six jobs was trained by a click."""
    train_as_the_ui_does(shell, 0)
    return shell


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what may follow."""
    monkeypatch.setattr(model_check_sensor, "SETTLED_SECONDS", 0.0)


def train_as_the_ui_does(shell: Shell, number: int) -> None:
    """Launch a partition of the models with all checks of the asset, as its page does."""
    run = StageRun((MODELS,), {"dagster/partition": partition_key(shell.plan.jobs[number])})
    assert shell.execute(run).success


def look(shell: Shell) -> Tick:
    return shell.tick(unchecked_models)


def next_second() -> None:
    """SQLite counts by the second when checks were asked for: in one, they would be older than the models."""
    time.sleep(1.0 - time.time() % 1.0)


def make(shell: Shell, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """Execute the run that a tick asked for."""
    next_second()
    job = build_definitions(shell.workspace).resolve_job_def(MODEL_CHECK_JOB)
    own = job.get_subset(asset_selection=set(), asset_check_selection=set(request.asset_check_keys or ()))
    return own.execute_in_process(instance=shell.instance, tags=dict(request.tags), raise_on_error=False)


def shown(shell: Shell) -> dict[str, str]:
    """What the UI shows of each check of the models."""
    keys = [dg.AssetCheckKey(dg.AssetKey(MODELS), name) for name in MODEL_CHECKS]
    records = shell.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    return {key.name: record.status.value for key, record in records.items()}


def test_nothing_is_to_be_checked_before_anything_was_trained(shell: Shell) -> None:
    assert look(shell).reason == "the models were checked as they are"


def test_what_was_trained_in_the_ui_is_checked_when_nothing_else_follows(trained: Shell) -> None:
    assert shown(trained) == dict.fromkeys(MODEL_CHECKS, "PLANNED"), "its own run skips them"
    tick = look(trained)
    assert (tick.requests, tick.reason) == ([], f"{MODELS} to be checked, if no report comes before")


@pytest.mark.usefixtures("settled")
def test_the_checks_are_made_once_for_each_training_and_each_plan(trained: Shell) -> None:
    (request,) = look(trained).requests
    assert make(trained, request).success
    assert shown(trained) == {
        "match_the_plan": "FAILED",
        "files_intact": "SUCCEEDED",
        "as_promised": "SUCCEEDED",
    }
    assert look(trained).reason == "the models were checked as they are"
    for number in range(1, 6):
        train_as_the_ui_does(trained, number)
    (request,) = look(trained).requests
    assert make(trained, request).success
    assert shown(trained)["match_the_plan"] == "SUCCEEDED"
    trained.make_plan(SIX)
    assert look(trained).requests == [], "the same plan is not written again"
    trained.make_plan({**SIX, RETURN: ("AAA", "BBB", "CCC", "DDD")})
    assert len(look(trained).requests) == 1


@pytest.mark.usefixtures("settled")
def test_the_checks_of_a_report_will_do(trained: Shell) -> None:
    assert len(look(trained).requests) == 1
    job = build_definitions(trained.workspace).resolve_job_def("report")
    next_second()
    assert job.execute_in_process(instance=trained.instance).success
    assert report_run().checks
    assert look(trained).requests == []


@pytest.mark.usefixtures("settled")
def test_it_waits_for_batches_and_gives_up_what_was_cancelled(trained: Shell) -> None:
    run = trained.queue([MODELS], {}, dg.DagsterRunStatus.QUEUED)
    assert run.run_id[:8] in look(trained).reason
    trained.instance.delete_run(run.run_id)
    (request,) = look(trained).requests
    trained.queue([], dict(request.tags), dg.DagsterRunStatus.CANCELED)
    tick = look(trained)
    assert tick.requests == []
    assert "ended without a result: foxml check" in tick.reason
