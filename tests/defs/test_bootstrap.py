"""The job `bootstrap`: one launch takes a root from nothing to a plan whose jobs can be trained."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from shell_world import Shell, another_process, copy_root, open_shell

from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.running.claims import Role
from foxml_assets.defs.running.stage_runs import MODEL_PARTITIONS, partition_key

HERE = {".dagster/repository": "__repository__@somewhere"}


@pytest.fixture
def empty(planned_root: Path, tmp_path: Path) -> Iterator[Shell]:
    """A root in which nothing was ever run, with its configs and its panel's source."""
    world = copy_root(planned_root, tmp_path)
    shutil.rmtree(world.layout.root)
    with open_shell(world, tmp_path) as opened:
        yield opened


def bootstrap(shell: Shell) -> dg.ExecuteInProcessResult:
    job = build_definitions(shell.workspace).resolve_job_def("bootstrap")
    return job.execute_in_process(instance=shell.instance, tags=HERE, raise_on_error=False)


def made(shell: Shell) -> list[str]:
    """What was materialized, in the order of the runs."""
    runs = shell.instance.get_runs(ascending=True)
    return [key.to_user_string() for run in runs for key in sorted(run.asset_selection or ())]


def test_it_takes_an_empty_root_to_a_plan_and_its_partitions(empty: Shell) -> None:
    assert bootstrap(empty).success
    plan = empty.plan
    for kind, partition_set in MODEL_PARTITIONS.items():
        planned = {partition_key(job) for job in plan.jobs if job.training_type is kind}
        assert set(empty.instance.get_dynamic_partitions(partition_set)) == planned
    assert any(job.training_type is TrainingType.CROSS_SECTIONAL for job in plan.jobs)
    order = made(empty)
    assert order.index("panel") < order.index("feature_selections") < order.index("routing_candidates")
    runs = empty.instance.get_runs()
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    assert all(HERE.items() <= run.tags.items() for run in runs), "they belong to its code location"
    assert not empty.layout.models.exists()
    written, known = empty.layout.master_plan.read_bytes(), len(made(empty))
    assert bootstrap(empty).success
    assert "feature_selections" not in made(empty)[known:], "its evidence is current"
    assert empty.layout.master_plan.read_bytes() == written


def test_a_stage_that_fails_ends_it_and_is_named(empty: Shell) -> None:
    panel = empty.workspace.data_config().panel.model_dump(mode="json")
    empty.edit("data_config.yaml", panel=panel | {"path": "absent.parquet"})
    result = bootstrap(empty)
    assert not result.success
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert "Panel: run" in str(failure.step_failure_data.error)
    assert "routing_plan" not in made(empty)


def test_it_is_refused_beside_another_command(empty: Shell) -> None:
    run = empty.queue(["panel"], {}, dg.DagsterRunStatus.QUEUED)
    with another_process(empty.layout.root, "x" * 32, Role.SERVER):
        result = bootstrap(empty)
    assert not result.success
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert run.run_id[:8] in str(failure.step_failure_data.error)
