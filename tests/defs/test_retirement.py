"""What left the plan goes when nothing refers to it any more, and comes back without training."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest
from shell_world import Shell
from training_world import RETURN, UP

from foxml_assets.commands.status import print_status
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.models.manifest import model_path
from foxml_assets.training.models.retired import retired_models

FEWER = {UP: ("AAA", "BBB", "CCC"), RETURN: ("AAA", "BBB")}
GONE = f"{RETURN}@CCC"


def keys(shell: Shell) -> Sequence[str]:
    return shell.instance.get_dynamic_partitions("symbol_jobs")


def train(shell: Shell, jobs: Sequence[Job]) -> dict[str, bool]:
    """Whether each job was trained in the run, by partition."""
    (run,) = shell.runs_of(jobs)
    result = shell.execute(run)
    assert result.success
    events = result.asset_materializations_for_node("symbol_models")
    return {str(event.partition): bool(event.metadata["trained in this run"].value) for event in events}


def dropped_job(shell: Shell) -> Job:
    return next(job for job in shell.plan.jobs if (job.target, job.symbol) == (RETURN, "CCC"))


def test_the_plan_retires_what_it_drops_and_training_takes_it_back(
    shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = dropped_job(shell)
    kept = shutil.copytree(shell.layout.metrics, tmp_path / "kept")
    path = model_path(job, "lightgbm", shell.layout)
    assert train(shell, [job]) == {GONE: True}
    before = path.read_bytes()
    shell.make_plan(FEWER)
    assert GONE not in keys(shell)
    assert not path.exists()
    names = [model.described for model in retired_models(shell.layout)]
    assert [name.split(": ")[0] for name in names] == [
        f"symbol_specific/{RETURN}/CCC/{family}/{job.spec_hash}" for family in job.model_families
    ]
    assert all(name.endswith("its job left the plan") for name in names)
    event = shell.instance.get_latest_materialization_event(dg.AssetKey("master_training_plan"))
    assert event is not None
    assert event.asset_materialization is not None
    assert "| models retired | 2 |" in str(event.asset_materialization.metadata["counts"].value)
    shutil.rmtree(shell.layout.metrics)
    kept.rename(shell.layout.metrics)
    assert job.job_id in shell.pending()
    print_status(shell.layout.root, shell.workspace.config_dir)
    assert f"2 retired models, which come back with their jobs:\n  {names[0]}" in capsys.readouterr().out
    assert train(shell, [job]) == {GONE: False}
    assert path.read_bytes() == before
    assert job.job_id not in shell.pending()
    assert retired_models(shell.layout) == ()


def test_a_model_waits_as_long_as_its_partition_and_the_sensor_retires_both(shell: Shell) -> None:
    job = dropped_job(shell)
    train(shell, [job])
    (batch,) = shell.runs_of(shell.plan.jobs)
    waiting = shell.queue(batch.assets, dict(batch.tags), dg.DagsterRunStatus.QUEUED)
    shell.make_plan({})
    assert GONE in keys(shell)
    assert model_path(job, "lightgbm", shell.layout).is_file()
    shell.tick()
    assert GONE in keys(shell)
    shell.instance.report_run_canceled(waiting)
    shell.tick()
    assert GONE not in keys(shell)
    assert not model_path(job, "lightgbm", shell.layout).exists()
    assert len(retired_models(shell.layout)) == 2
