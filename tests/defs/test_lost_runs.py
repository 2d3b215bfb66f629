"""Which runs of an instance are this root's, and which of them nobody will finish."""

import os
import uuid
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from shell_world import Shell, another_process

from foxml_assets.defs.running.claims import Role, claimed, find_claims, root_id
from foxml_assets.defs.running.runs import (
    claim_run,
    command_tags,
    daemon_tags,
    end_lost_runs,
    living_command,
    runs_at_work,
    runs_in_flight,
)
from foxml_assets.stages import STAGE_ASSETS

NOT_STARTED, STARTING, STARTED, QUEUED, FAILURE = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.FAILURE,
)


def status(shell: Shell, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = shell.instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def own_run(
    shell: Shell, state: dg.DagsterRunStatus, tags: dict[str, str] | None = None, parent: str | None = None
) -> dg.DagsterRun:
    marks = command_tags(shell.workspace.root) if tags is None else tags
    return shell.queue(["symbol_models"], {**marks, "dagster/partition": "a"}, state, parent)


@pytest.mark.parametrize("state", [NOT_STARTED, STARTED])
def test_runs_of_other_code_locations_and_roots_are_untouched_and_block_nothing(
    shell: Shell, state: dg.DagsterRunStatus, tmp_path: Path
) -> None:
    @dg.op
    def work() -> None:
        pass

    @dg.job
    def foreign() -> None:
        work()

    other = shell.instance.create_run_for_job(foreign, status=state)
    shell.instance.report_engine_event(
        "it runs", other, EngineEventData({"pid": dg.MetadataValue.text("999999999")})
    )
    elsewhere = own_run(shell, state, command_tags(tmp_path / "other root"))
    assert runs_in_flight(shell.ledger, shell.workspace.root, STAGE_ASSETS) == ()
    assert status(shell, other) is status(shell, elsewhere) is state


def test_a_run_whose_process_was_killed_is_ended_at_any_stage_and_not_before(shell: Shell) -> None:
    root = shell.workspace.root
    for state, tags in ((NOT_STARTED, None), (STARTED, None), (STARTED, {})):
        run = own_run(shell, state, tags)
        with another_process(root, run.run_id, Role.RUN) as process:
            assert [one.run_id for one in runs_at_work(shell.ledger, root, STAGE_ASSETS)] == [run.run_id]
            assert status(shell, run) is state
            process.kill()
            process.wait()
            assert runs_in_flight(shell.ledger, root, STAGE_ASSETS) == ()
        assert status(shell, run) is FAILURE
    assert find_claims(root) == {}, "the files of the dead are removed"


def test_a_run_that_a_dead_server_left_behind_is_ended_and_a_queued_one_waits(shell: Shell) -> None:
    root = shell.workspace.root
    left = {**daemon_tags(shell.workspace), "foxml/requested_by": uuid.uuid4().hex}
    orphan, queued = own_run(shell, NOT_STARTED, left), own_run(shell, QUEUED, left)
    made, starting = own_run(shell, NOT_STARTED, daemon_tags(shell.workspace)), own_run(shell, STARTING, left)
    flying = {run.run_id for run in runs_in_flight(shell.ledger, root, STAGE_ASSETS)}
    assert flying == {queued.run_id, made.run_id, starting.run_id}, "this process is the living server"
    assert status(shell, orphan) is FAILURE


def test_a_run_that_is_launched_again_holds_nobody_up_before_it_is_queued(shell: Shell) -> None:
    root = shell.workspace.root
    first = own_run(shell, FAILURE)
    made, queued = (own_run(shell, state, parent=first.run_id) for state in (NOT_STARTED, QUEUED))
    with another_process(root, "the server", Role.SERVER) as process:
        flying = runs_in_flight(shell.ledger, root, STAGE_ASSETS)
        assert [run.run_id for run in flying] == [queued.run_id]
        assert status(shell, made) is NOT_STARTED, "the UI that makes it may live"
        process.kill()
        process.wait()
    runs_in_flight(shell.ledger, root, STAGE_ASSETS)
    assert (status(shell, made), status(shell, queued)) == (FAILURE, QUEUED)


def test_without_a_server_nothing_can_start_and_a_queue_holds_nobody_up(shell: Shell) -> None:
    root = shell.workspace.root
    queued, starting = own_run(shell, QUEUED), own_run(shell, STARTING)
    assert runs_at_work(shell.ledger, root, STAGE_ASSETS) == ()
    assert status(shell, queued) is QUEUED
    assert status(shell, starting) is FAILURE


def test_a_run_from_the_ui_counts_as_soon_as_it_is_queued(shell: Shell) -> None:
    made, queued = own_run(shell, NOT_STARTED, {}), own_run(shell, QUEUED, {})
    other = shell.queue(["routing_audit"], {}, QUEUED)
    flying = runs_in_flight(shell.ledger, shell.workspace.root, STAGE_ASSETS)
    assert [run.run_id for run in flying] == [queued.run_id]
    assert {status(shell, made), status(shell, other)} == {NOT_STARTED, QUEUED}


def test_an_executed_run_bears_the_mark_of_its_root(shell: Shell) -> None:
    run = shell.execute(shell.runs_of(shell.plan.jobs[:1])[0]).dagster_run
    found = shell.instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.tags["foxml/root"] == root_id(shell.workspace.root)
    assert find_claims(shell.workspace.root)[run.run_id].is_held, "until this process ends"


def test_a_run_of_which_this_process_executes_one_step_is_left_to_dagster(shell: Shell) -> None:
    root = shell.workspace.root
    run = shell.queue(["panel"], {}, STARTED)
    claim_run(shell.instance, run, root)
    assert run.run_id not in find_claims(root), "the step ends before the run does"
    assert [one.run_id for one in runs_in_flight(shell.ledger, root, STAGE_ASSETS)] == [run.run_id]


def test_a_copy_of_a_root_is_another_root(shell: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "root"
    copy.mkdir(parents=True)
    assert root_id(copy) != root_id(shell.workspace.root)
    link = tmp_path / "link"
    link.symlink_to(shell.workspace.root)
    assert root_id(link) == root_id(shell.workspace.root)


def test_a_living_command_is_known_by_its_lock(tmp_path: Path) -> None:
    with another_process(tmp_path, "the command", Role.COMMAND) as process:
        found = living_command(tmp_path)
        assert found is not None
        assert str(found) == f"`foxml train` (process {process.pid})"
        process.kill()
        process.wait()
        assert living_command(tmp_path) is None


def test_a_claim_ends_with_its_block_and_those_who_look_do_not_see_each_other(tmp_path: Path) -> None:
    with claimed(tmp_path, "mine", Role.RUN, "a test"):
        assert [find_claims(tmp_path)["mine"].is_held for _ in range(3)] == [True] * 3
        assert find_claims(tmp_path)["mine"].pid == os.getpid()
    assert find_claims(tmp_path) == {}


def test_a_run_that_ended_meanwhile_is_not_ended_again(shell: Shell) -> None:
    run = own_run(shell, STARTED)
    shell.instance.report_run_canceled(run)
    end_lost_runs(shell.instance, shell.workspace.root)
    assert status(shell, run) is dg.DagsterRunStatus.CANCELED
