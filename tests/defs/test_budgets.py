"""A command trains what it was allowed and no more; the next one goes on."""

import sys
from dataclasses import replace

import pytest
import typer
from shell_world import SIX, Shell
from training_world import RETURN, UP

from foxml_assets.cli import app, main
from foxml_assets.commands.running.run import run_training
from foxml_assets.defs.running.claims import Role, claimed
from foxml_assets.defs.running.requested import ask_for, requested_runs
from foxml_assets.training.budget import Budget


def train(shell: Shell, **limits: object) -> int:
    budget = Budget(**limits)
    return run_training(shell.workspace.root, shell.workspace.config_dir, budget=budget)


def trained(shell: Shell) -> set[str]:
    return {job.job_id for job in shell.plan.jobs} - set(shell.pending())


def test_the_highest_priorities_are_trained_and_the_rest_is_left_for_the_next_command(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    # New jobs are partitions behind all others, whatever their priority.
    plan = shell.make_plan(SIX, pooled=[UP])
    ranked = [job.job_id for job in sorted(plan.jobs, key=lambda job: (-job.priority, job.job_id))]
    assert train(shell, max_jobs=3) == 0
    told = capsys.readouterr().out
    assert trained(shell) == set(ranked[:3])
    left = len(ranked) - 3
    assert f"Training: 3 of {len(ranked)} pending jobs, " in told
    assert "of which none was timed yet" in told
    assert f"Not reached: {left} jobs, beyond --max-jobs 3" in told
    assert f"foxml train --root {shell.workspace.root}" in " ".join(told.split())
    assert "missing, not trained yet" not in told


def test_only_chosen_jobs_are_trained_whatever_stands_between_them(shell: Shell) -> None:
    ends = [shell.plan.jobs[0], shell.plan.jobs[5]]
    (run,) = shell.runs_of(ends, no_others=True)
    assert len(run.keys) == 6
    result = shell.execute(run)
    assert result.success
    assert trained(shell) == {job.job_id for job in ends}
    events = result.asset_materializations_for_node("symbol_models")
    assert {event.partition for event in events} == {run.keys[0], run.keys[5]}


def test_when_the_time_is_up_no_job_is_begun(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = shell.runs_of(shell.plan.jobs)
    assert shell.execute(replace(run, seconds=0.0)).success
    assert trained(shell) == set()
    assert train(shell, max_minutes=0.0, symbols=("AAA", "B*")) == 0
    told = capsys.readouterr().out
    assert trained(shell) == set()
    assert "Not reached: 2 jobs, not chosen by --target or --symbol" in told
    assert "Not reached: 4 jobs, not begun within --max-minutes 0" in told


def test_a_job_that_fails_within_the_budget_is_a_failure(shell: Shell) -> None:
    folder = shell.layout.model_dir(RETURN, "AAA", "lightgbm").parent
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    assert train(shell, symbols=("AAA",), targets=(RETURN,), max_minutes=10.0) == 1


def test_the_daemon_is_told_the_limits_too(shell: Shell) -> None:
    (run,) = shell.runs_of([shell.plan.jobs[0], shell.plan.jobs[2]], no_others=True)
    run = replace(run, seconds=30.0)
    with claimed(shell.workspace.root, "claim", Role.COMMAND, "foxml train"):
        ask_for(shell.workspace.root, run, "claim")
        (request,) = shell.tick(requested_runs).requests
    assert request.run_config == run.config(shell.ledger.names)
    (meant,) = [op["config"] for op in request.run_config["ops"].values()]
    assert meant["chosen"] == [run.keys[0], run.keys[2]]
    assert meant["seconds"] == 30.0


def test_only_training_can_be_limited() -> None:
    with pytest.raises(typer.BadParameter, match="only training"):
        app(["run", "--until", "plan", "--max-jobs", "1"], standalone_mode=False)


def test_a_wrong_limit_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["foxml", "run", "--max-jobs", "0"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().err
    assert "'--max-jobs': Input should be greater than or equal to 1" in told
