"""Under a real `foxml dev`, one launch in the UI takes an empty root to a plan with jobs to train."""

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import dagster as dg
import pytest
from test_live import is_serving, running_dev, wait_for
from worlds import World

from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.storage.layout import Layout

# What the launch button of a job's page sends.
_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""


def launch(port: int, job: str) -> str:
    """Launch a job as its page does; returns the id of the run."""
    selector = {
        "repositoryLocationName": "foxml_assets.definitions",
        "repositoryName": "__repository__",
        "jobName": job,
    }
    params = {"selector": selector, "runConfigData": {}, "mode": "default"}
    body = json.dumps({"query": _LAUNCH, "variables": {"params": params}})
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        answer = json.load(connection.getresponse())
    return str(answer["data"]["launchRun"]["run"]["runId"])


@pytest.mark.slow
def test_the_job_bootstrap_makes_a_plan_and_the_partitions_to_train(
    empty_world: World, tmp_path: Path
) -> None:
    layout, log = Layout(empty_world.root), tmp_path / "dev.log"
    with running_dev(empty_world, log) as port:
        wait_for("the UI did not start", lambda: is_serving(port), log)
        run_id = launch(port, "bootstrap")
        with dg.DagsterInstance.from_config(str(empty_world.root / "dagster")) as instance:

            def is_finished() -> bool:
                run = instance.get_run_by_id(run_id)
                return run is not None and run.is_finished

            wait_for("the job does not end", is_finished, log)
            run = instance.get_run_by_id(run_id)
            assert run is not None
            assert run.status is dg.DagsterRunStatus.SUCCESS
            symbols = instance.get_dynamic_partitions("symbol_jobs")
            pooled = instance.get_dynamic_partitions("cross_sectional_jobs")
    plan = load_master_training_plan(layout.master_plan)
    assert plan.jobs
    assert len(symbols) + len(pooled) == len(plan.jobs)
    assert not layout.models.exists(), "the first training is the user's to start"
