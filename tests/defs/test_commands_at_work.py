"""One command at a time launches runs of a root, beside nothing that is in progress."""

import threading

import dagster as dg
import pytest
from shell_world import Shell, another_process

from foxml_assets.commands.running.launch import open_pipeline
from foxml_assets.core.errors import LockHeldError
from foxml_assets.defs.running.claims import Role
from foxml_assets.defs.running.runs import command_tags, living_command


def test_a_second_command_is_refused_while_the_first_is_at_work(shell: Shell) -> None:
    with open_pipeline(shell.workspace, "foxml run"):
        with (
            pytest.raises(LockHeldError, match="running the pipeline"),
            open_pipeline(shell.workspace, "again"),
        ):
            pass
        assert "`foxml run`" in str(living_command(shell.workspace.root))
    assert living_command(shell.workspace.root) is None


def test_a_command_waits_for_a_run_in_progress_but_not_for_a_dead_one(shell: Shell) -> None:
    root = shell.workspace.root
    run = shell.queue(["routing_plan"], command_tags(root), dg.DagsterRunStatus.STARTED)
    began = threading.Event()

    def work() -> None:
        with open_pipeline(shell.workspace, "foxml run"):
            began.set()

    with another_process(root, run.run_id, Role.RUN) as process:
        command = threading.Thread(target=work)
        command.start()
        assert not began.wait(3.0)
        process.kill()
        process.wait()
        assert began.wait(30.0)
        command.join()
    found = shell.instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.FAILURE
