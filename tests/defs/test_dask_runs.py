"""Runs whose targets and jobs are tasks of a real Dask cluster, as Dagster shows and ends them."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dask_cluster import Cluster, dask_cluster, n_steps
from shell_world import Shell
from test_live_training import daemon, training_runs, wait_for
from training_world import LONELY, RETURN, UP

from foxml_assets.commands.running.run import run_training
from foxml_assets.core.errors import EngineError
from foxml_assets.defs.running.stage_runs import EVIDENCE_ASSET, evidence_run
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.planning.plan.master_plan import MasterPlan

if TYPE_CHECKING:
    from distributed import Client

# Seconds of each fit, so that a run can be ended in the midst of some.
SLOW = {"lightgbm": {"rounds": 20_000, "min_data_in_leaf": 10}, "xgboost": {"rounds": 1}}


TARGETS = (RETURN, UP, LONELY)


def go_to(cluster: Cluster, shell: Shell) -> None:
    """Have the engine of the root be `cluster`."""
    shell.edit("training_config.yaml", engine={"kind": "dask", "scheduler": cluster.address})


def plan_for(cluster: Cluster, shell: Shell, **settings: object) -> MasterPlan:
    """The plan of the root when its jobs are to be trained on `cluster`."""
    shell.edit("training_config.yaml", engine={"kind": "dask", "scheduler": cluster.address}, **settings)
    return shell.make_plan()


def at_work(client: "Client") -> int:
    """How many workers are training."""
    return sum(bool(stack) for stack in client.call_stack().values())


@pytest.mark.slow
def test_a_batch_on_dask_reports_every_partition(shell: Shell, tmp_path: Path) -> None:
    with dask_cluster(tmp_path) as cluster:
        plan = plan_for(cluster, shell)
        (run,) = shell.runs_of(plan.jobs)
        result = shell.execute(run)
    assert result.success
    events = result.asset_materializations_for_node("symbol_models")
    assert {event.partition for event in events} == set(run.keys)
    assert all(event.metadata["trained in this run"].value for event in events)
    assert shell.pending() == []


@pytest.mark.slow
def test_evidence_on_dask_reports_every_partition_and_is_current_on_threads(
    shell: Shell, tmp_path: Path
) -> None:
    wanted = evidence_run(shell.ledger, TARGETS, set(TARGETS))
    with dask_cluster(tmp_path) as cluster, cluster.client() as client:
        go_to(cluster, shell)
        shell.edit("training_config.yaml", storage={"panel": f"file://{tmp_path}/store"})
        assert not client.run_on_scheduler(n_steps)
        result = shell.execute(wanted)
        assert client.run_on_scheduler(n_steps)
    assert result.success
    assert list((tmp_path / "store").glob("*/panel.parquet")), "workers were left to the root"
    events = result.asset_materializations_for_node(EVIDENCE_ASSET)
    assert {event.partition for event in events} == set(TARGETS)
    assert all(event.metadata["verdict"].value for event in events)
    shell.edit("training_config.yaml", engine={"kind": "threads"})
    inputs = shell.workspace.read_inputs()
    assert stale_targets(inputs.require_panel(), inputs.data, inputs.layout) == ()


@pytest.mark.slow
def test_terminate_cancels_what_is_in_flight_and_no_further_job_begins(shell: Shell, tmp_path: Path) -> None:
    with dask_cluster(tmp_path) as cluster, cluster.client() as client:
        plan = plan_for(cluster, shell, families=SLOW)
        assert shell.execute(shell.runs_of(plan.jobs[:1])[0]).success
        with daemon(shell, tmp_path, tmp_path / "never") as log:
            wait_for("no job is begun", lambda: at_work(client) == 2, log, every=0.1)
            (run,) = training_runs(shell, dg.DagsterRunStatus.STARTED)
            shell.instance.run_launcher.terminate(run.run_id)
            wait_for("it does not end", lambda: training_runs(shell, dg.DagsterRunStatus.CANCELED), log)
            wait_for("jobs go on", lambda: not at_work(client), log)
            assert not any(client.processing().values())
    # The fits that ran could not be ended; but for the first job, none of a second family was begun.
    made = Counter(path.parent.name for path in shell.layout.models.rglob("manifest.json"))
    assert made["lightgbm"] <= 3
    assert made["xgboost"] == 1


def test_a_command_whose_cluster_does_not_answer_launches_no_batch(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foxml_assets.engines.cluster.CONNECT_SECONDS", 0.3)
    shell.edit("training_config.yaml", engine={"kind": "dask", "scheduler": "tcp://127.0.0.1:9"})
    before = shell.instance.get_runs_count()
    with pytest.raises(EngineError, match=r"tcp://127.0.0.1:9"):
        run_training(shell.workspace.root, shell.workspace.config_dir)
    assert shell.instance.get_runs_count() == before
