"""A command beside a living daemon has its training done by the daemon's queue."""

import threading
from pathlib import Path

import dagster as dg
import pytest
from shell_world import Shell

from foxml_assets.commands.run import run_training
from foxml_assets.defs.running.attempts import REQUEST_TAG
from foxml_assets.defs.running.claims import Role, claimed
from foxml_assets.defs.running.requested import ask_for, requested_runs
from foxml_assets.defs.running.runs import daemon_tags, runs_in_flight
from foxml_assets.defs.running.stages import STAGE_ASSETS, StageRun


def execute_what_is_asked_for(shell: Shell) -> list[str]:
    """What the daemon would do with one tick. Returns the ids of the runs."""
    done = []
    for request in shell.tick(requested_runs).requests:
        (name,) = [key.to_user_string() for key in request.asset_selection or ()]
        keys = tuple(request.run_config["ops"][name]["config"]["keys"])
        done.append(shell.execute(StageRun((name,), request.tags, checks=(), keys=keys)).run_id)
    return done


def test_training_beside_a_living_daemon_is_put_into_its_queue_and_followed(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    root, config_dir = shell.workspace.root, shell.workspace.config_dir
    shell.edit("training_config.yaml", batch_size=4)
    tags = daemon_tags(root)  # this process is the daemon's
    codes: list[int] = []
    command = threading.Thread(target=lambda: codes.append(run_training(root, config_dir)))
    command.start()
    launched: list[str] = []
    while command.is_alive():
        launched += execute_what_is_asked_for(shell)
        command.join(0.2)
    assert codes == [0]
    assert shell.pending() == []
    assert len(launched) == 2, "each is launched once"
    for run_id in launched:
        run = shell.instance.get_run_by_id(run_id)
        assert run is not None
        assert run.tags["foxml/requested_by"] == tags["foxml/requested_by"]
    assert not list(root.rglob(".requests/*.json"))
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
        assert len(runs_in_flight(shell.instance, root, STAGE_ASSETS)) == 1
        ask_for(root, run, "the command")
    assert shell.tick(requested_runs).requests == []
    assert not list(Path(root).rglob(".requests/*.json"))
