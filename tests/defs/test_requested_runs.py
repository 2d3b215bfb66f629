"""A command beside a living daemon has its work done by the daemon's queue."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from shell_world import Shell

from foxml_assets.commands.running.run import run_pipeline, run_training
from foxml_assets.core.errors import RunError
from foxml_assets.defs.running.attempts import REQUEST_TAG
from foxml_assets.defs.running.claims import Role, claimed
from foxml_assets.defs.running.requested import ask_for, requested_runs
from foxml_assets.defs.running.runs import daemon_tags, runs_in_flight
from foxml_assets.defs.running.stage_runs import StageRun
from foxml_assets.stages import STAGE_ASSETS, Stage


def execute_what_is_asked_for(shell: Shell) -> list[str]:
    """What the daemon would do with one tick. Returns the ids of the runs."""
    done = []
    for request in shell.tick(requested_runs).requests:
        names = tuple(key.to_user_string() for key in request.asset_selection or ())
        meant = [op["config"]["keys"] for op in request.run_config.get("ops", {}).values()]
        keys = tuple(meant[0]) if meant else ()
        done.append(shell.execute(StageRun(names, request.tags, keys=keys)).run_id)
    return done


def where(shell: Shell) -> tuple[Path, Path]:
    """Root and config folder, as commands take them."""
    return shell.workspace.root, shell.workspace.config_dir


def serve(shell: Shell, command: Callable[[], int]) -> list[str]:
    """Run a command to its end beside a daemon. Returns the runs that the daemon was asked for."""
    launched: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(command)
        while not answer.done():
            launched += execute_what_is_asked_for(shell)
            wait([answer], 0.2)
        assert answer.result() == 0
    return launched


def test_training_beside_a_living_daemon_is_put_into_its_queue_and_followed(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.edit("training_config.yaml", batch_size=4)
    tags = daemon_tags(shell.workspace)  # this process is the daemon's
    launched = serve(shell, lambda: run_training(*where(shell)))
    assert shell.pending() == []
    assert len(launched) == 3, "each is launched once, and the report last"
    for run_id in launched:
        run = shell.instance.get_run_by_id(run_id)
        assert run is not None
        assert run.tags["foxml/requested_by"] == tags["foxml/requested_by"]
    assert not list(shell.workspace.root.rglob(".requests/*.json"))
    assert "2 runs are put into its queue" in capsys.readouterr().out


def test_a_request_is_launched_once_and_is_void_when_its_command_is_gone(shell: Shell) -> None:
    root = shell.workspace.root
    (run,) = shell.runs_of(shell.plan.jobs)
    with claimed(root, "the command", Role.COMMAND, "foxml train"):
        name = ask_for(root, run, "the command")
        (request,) = shell.tick(requested_runs).requests
        assert request.tags[REQUEST_TAG] == name
        assert {**run.tags}.items() <= request.tags.items()
        shell.queue(["symbol_models"], dict(request.tags), dg.DagsterRunStatus.QUEUED)
        assert shell.tick(requested_runs).requests == []
        assert len(runs_in_flight(shell.ledger, root, STAGE_ASSETS)) == 1
        ask_for(root, run, "the command")
    assert shell.tick(requested_runs).requests == []
    assert not list(Path(root).rglob(".requests/*.json"))


def test_planning_beside_a_living_daemon_is_its_work_too(shell: Shell) -> None:
    tags = daemon_tags(shell.workspace)
    before = {run.run_id for run in shell.instance.get_runs()}
    launched = serve(shell, lambda: run_pipeline(*where(shell), until=Stage.EVIDENCE))
    made = {run.run_id: run for run in shell.instance.get_runs() if run.run_id not in before}
    assert set(launched) == set(made), "the command executed none itself"
    assert [run.tags["foxml/requested_by"] for run in made.values()] == [tags["foxml/requested_by"]] * 2


def test_a_run_that_fails_in_the_daemon_fails_the_command_with_its_reason(shell: Shell) -> None:
    daemon_tags(shell.workspace)
    shell.edit("data_config.yaml", panel={"source": "parquet", "path": "gone.parquet", "targets": ["y"]})
    with pytest.raises(RunError, match=r"did not succeed(.|\n)*panel: (.|\n)*gone\.parquet"):
        serve(shell, lambda: run_pipeline(*where(shell), until=Stage.EVIDENCE))


def test_a_daemon_with_another_config_is_not_asked(shell: Shell) -> None:
    daemon_tags(replace(shell.workspace, config_dir=shell.workspace.root))
    assert run_training(*where(shell)) == 0
    assert not any(REQUEST_TAG in run.tags for run in shell.instance.get_runs())
