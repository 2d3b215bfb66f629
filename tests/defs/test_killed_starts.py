"""A real command that is killed between the making of a run and its start holds nothing up."""

import signal
import subprocess
import sys

import dagster as dg
import pytest
from shell_world import Shell

from foxml_assets.defs.running.claims import find_claims

pytestmark = pytest.mark.slow

# `foxml`, which dies when its run stands in the database and before anything has begun.
DYING = """
import os, signal
import dagster as dg
from foxml_assets.cli import main

make = dg.DagsterInstance.create_run_for_job

def make_and_die(*arguments, **named):
    make(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

dg.DagsterInstance.create_run_for_job = make_and_die
main()
"""


def foxml(shell: Shell, script: str) -> int:
    workspace = shell.workspace
    places = ["--root", str(workspace.root), "--config-dir", str(workspace.config_dir)]
    command = [sys.executable, "-c", script, "train", *places]
    return subprocess.run(command, capture_output=True).returncode


@pytest.fixture
def left(shell: Shell) -> str:
    """The id of the run that a killed `foxml train` has left."""
    assert shell.execute(shell.runs_of(shell.plan.jobs[:1])[0]).success
    assert foxml(shell, DYING) == -signal.SIGKILL
    (run,) = shell.unfinished()
    assert run.status is dg.DagsterRunStatus.NOT_STARTED
    assert not find_claims(shell.workspace.root)[run.run_id].is_held
    return run.run_id


def status(shell: Shell, run_id: str) -> dg.DagsterRunStatus:
    run = shell.instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_the_next_tick_ends_it_and_trains_on(shell: Shell, left: str) -> None:
    tick = shell.tick()
    assert status(shell, left) is dg.DagsterRunStatus.FAILURE
    assert len(tick.requests) == 1, tick.reason


def test_the_next_command_ends_it_and_trains_the_rest(shell: Shell, left: str) -> None:
    assert foxml(shell, "from foxml_assets.cli import main; main()") == 0
    assert status(shell, left) is dg.DagsterRunStatus.FAILURE
    assert shell.pending() == []
    assert shell.unfinished() == []
