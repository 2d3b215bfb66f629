"""Events of single jobs: as few as keep every badge true, because each costs four commits on SQLite."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from routed_world import POLICY
from shell_world import Shell
from training_world import RETURN

from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.running.stage_runs import partition_key
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.routing.policy.routing_config import RoutingPolicy

N_JOBS = 6
RULES = POLICY.model_dump(mode="json")["families"]
# Of the jobs whose target is a regression, RETURN, the spec is another under this policy.
WITHOUT_XGBOOST = POLICY.model_copy(
    update={
        "families": RoutingPolicy.model_validate(
            {"families": [{"when": {"task_type": ["regression"]}, "use": ["lightgbm"]}, *RULES]}
        ).families
    }
)


def plan(shell: Shell, policy: RoutingPolicy = POLICY) -> Counter[str]:
    """Route and plan under `policy`, and count the events of partitions."""
    shell.edit("routing_config.yaml", families=policy.model_dump(mode="json")["families"])
    before = runs(shell)
    shell.make_plan(policy=policy)
    (run_id,) = runs(shell) - before
    return events_of(shell, run_id)


def train(shell: Shell, jobs: list[Job]) -> Counter[str]:
    """Train `jobs`, one range, and count the events of partitions."""
    (run,) = shell.runs_of(jobs)
    result = shell.execute(run)
    assert result.success
    return events_of(shell, result.run_id)


def runs(shell: Shell) -> set[str]:
    return {run.run_id for run in shell.instance.get_runs()}


def events_of(shell: Shell, run_id: str) -> Counter[str]:
    entries = [entry.dagster_event for entry in shell.instance.all_logs(run_id)]
    return Counter(event.event_type_value for event in entries if event and event.partition is not None)


def stale(shell: Shell) -> set[str]:
    """The partitions whose model reads stale in the UI. Asserts that no job's badge says anything else."""
    graph = build_definitions(shell.workspace).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(shell.instance, graph, LoadingContextForTest(shell.instance))
    keys = shell.instance.get_dynamic_partitions("symbol_jobs")
    job_badges = {resolver.get_status(dg.AssetKey("symbol_jobs"), key) for key in keys}
    assert job_badges == {StaleStatus.FRESH}
    badges = {key: resolver.get_status(dg.AssetKey("symbol_models"), key) for key in keys}
    return {key for key, badge in badges.items() if badge is StaleStatus.STALE}


@contextmanager
def once_a_job_is_done(work: Callable[[], object]) -> Iterator[None]:
    """Do `work` as soon as a batch logs its first job, before it reports it."""

    class Worker(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logger.removeHandler(self)
            work()

    logger = logging.getLogger("foxml_assets.defs.assets.training")
    worker = Worker()
    logger.addHandler(worker)
    yield
    assert worker not in logger.handlers


def of_return(shell: Shell) -> list[Job]:
    return [job for job in shell.plan.jobs if job.target == RETURN]


def test_a_first_plan_and_the_same_plan_again_report_no_job(shell: Shell) -> None:
    assert len(shell.plan.jobs) == N_JOBS
    (first,) = runs(shell)
    assert events_of(shell, first) == {}
    assert plan(shell) == {}
    assert plan(shell, WITHOUT_XGBOOST) == {}


def test_a_batch_reports_what_it_intends_and_each_model(shell: Shell) -> None:
    events = train(shell, list(shell.plan.jobs))
    assert events == {"ASSET_MATERIALIZATION_PLANNED": N_JOBS, "ASSET_MATERIALIZATION": N_JOBS}
    assert stale(shell) == set()
    assert plan(shell) == {}
    assert stale(shell) == set()


def test_of_changed_jobs_only_that_of_a_model_is_reported(shell: Shell) -> None:
    trained, *others = of_return(shell)
    assert others
    train(shell, [trained])
    assert plan(shell, WITHOUT_XGBOOST) == {"ASSET_OBSERVATION": 1}
    assert stale(shell) == {partition_key(trained)}
    assert plan(shell, WITHOUT_XGBOOST) == {}
    assert stale(shell) == {partition_key(trained)}


def test_a_job_that_is_that_of_its_model_again_is_reported_once(shell: Shell) -> None:
    train(shell, of_return(shell))
    changed = len(of_return(shell))
    assert plan(shell, WITHOUT_XGBOOST) == {"ASSET_OBSERVATION": changed}
    assert plan(shell) == {"ASSET_OBSERVATION": changed}
    assert stale(shell) == set()
    assert plan(shell) == {}
    assert plan(shell, WITHOUT_XGBOOST) == {"ASSET_OBSERVATION": changed}
    assert len(stale(shell)) == changed


def test_a_changed_job_that_is_trained_reads_fresh_until_it_changes_again(shell: Shell) -> None:
    train(shell, list(shell.plan.jobs))
    changed = len(of_return(shell))
    plan(shell, WITHOUT_XGBOOST)
    events = train(shell, list(shell.plan.jobs))
    assert events == {
        "ASSET_MATERIALIZATION_PLANNED": N_JOBS,
        "ASSET_MATERIALIZATION": N_JOBS,
        "ASSET_OBSERVATION": changed,
    }
    assert stale(shell) == set()
    assert plan(shell, WITHOUT_XGBOOST) == {}
    assert plan(shell) == {"ASSET_OBSERVATION": changed}
    assert len(stale(shell)) == changed


def test_a_plan_that_is_made_during_a_batch_makes_its_models_stale(shell: Shell) -> None:
    with once_a_job_is_done(lambda: plan(shell, WITHOUT_XGBOOST)):
        train(shell, list(shell.plan.jobs))
    assert stale(shell) == {partition_key(job) for job in of_return(shell)}
    assert plan(shell, WITHOUT_XGBOOST) == {}
