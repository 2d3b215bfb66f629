"""Jobs on a real Dask cluster: what comes of them is what comes of threads."""

import pickle
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dask_cluster import Cluster, dask_cluster, n_tasks
from training_world import BOTH_FAMILIES, LONELY, RETURN, SYMBOLS, UP, World, make_world

from foxml_assets.core.errors import EngineError
from foxml_assets.engines import cluster as clusters
from foxml_assets.engines.task import Task, run_task
from foxml_assets.engines.worker_panel import place_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.engines.dask_task import order_of, train_order
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs

pytestmark = pytest.mark.xdist_group("dask")

# Evaluated by a worker, which does not see this module.
N_SHARED_ROWS = (
    "sum(type(one).__name__ in ('SharedRows', 'RowTable') for one in __import__('gc').get_objects())"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, cluster: Cluster) -> World:
    return on_dask(make_world(tmp_path), cluster.address)


def on_dask(world: World, address: str) -> World:
    return world.with_config(engine={"kind": "dask", "scheduler": address})


def jobs_of(world: World) -> list[Job]:
    """Eight jobs that can be trained, one that cannot."""
    alone = [world.job(target, symbol) for target in (UP, RETURN) for symbol in SYMBOLS[1:]]
    return [world.job(UP, families=BOTH_FAMILIES), world.job(LONELY, "BBB"), *alone, world.job(RETURN)]


def train(world: World) -> dict[str, JobOutcome]:
    return {outcome.job.job_id: outcome for outcome in train_jobs(jobs_of(world), world.context)}


def contents(world: World) -> dict[str, bytes]:
    """Every file of every model, but for what a fit took."""
    models = world.layout.models
    files = [path for path in models.rglob("*") if path.is_file() and path.name != "timing.json"]
    return {str(path.relative_to(models)): path.read_bytes() for path in files}


def told(outcomes: dict[str, JobOutcome]) -> dict[str, object]:
    """What is shown of outcomes, but for the seconds."""
    return {name: (one.status, one.reason, one.manifests) for name, one in outcomes.items()}


def test_models_manifests_and_failures_are_those_of_threads(world: World, tmp_path: Path) -> None:
    threads = make_world(tmp_path / "threads")
    expected = train(threads)
    found = train(world)
    assert told(found) == told(expected)
    assert found[f"sym_BBB_{LONELY}"].status is OutcomeStatus.FAILED
    assert contents(world) == contents(threads)
    assert {one.status for one in train(world).values()} == {OutcomeStatus.SKIPPED, OutcomeStatus.FAILED}


def test_workers_keep_no_rows_after_a_batch(world: World, cluster: Cluster) -> None:
    train(world)
    with cluster.client() as client:
        held = client.run(eval, N_SHARED_ROWS)
    assert held
    assert set(held.values()) == {0}


def test_jobs_begin_in_their_order_and_few_of_them_at_a_time(world: World, cluster: Cluster) -> None:
    jobs = [world.job(target, symbol) for target in (UP, RETURN) for symbol in SYMBOLS]
    most = 0
    with cluster.client() as client:
        for number, outcome in enumerate(train_jobs(jobs, world.context)):
            # Two threads, a job each and another one waiting for each.
            assert jobs.index(outcome.job) < number + 4
            most = max(most, client.run_on_scheduler(n_tasks))
    # What is done is forgotten a moment later.
    assert 1 < most <= 6


def test_who_stops_asking_stops_the_jobs(world: World, cluster: Cluster) -> None:
    slow = {"lightgbm": {"rounds": 1_000, "min_data_in_leaf": 10}, "xgboost": {"rounds": 1}}
    world = world.with_config(families=slow)
    quick, *others = SYMBOLS
    jobs = [world.job(UP, symbol, families=BOTH_FAMILIES) for symbol in others]
    outcomes = train_jobs([world.job(UP, quick, families=["xgboost"]), *jobs], world.context)
    next(outcomes)
    outcomes.close()
    with cluster.client() as client:
        deadline = time.monotonic() + 10
        while any(client.call_stack().values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(client.processing().values())
    # The fits that run cannot be ended, but no family is begun after them.
    made = Counter(path.parent.name for path in world.layout.models.rglob("manifest.json"))
    assert made["xgboost"] == 1
    assert made["lightgbm"] <= 2


def test_a_job_is_not_begun_when_the_time_is_up(world: World, cluster: Cluster) -> None:
    assert list(train_jobs(jobs_of(world), world.context, seconds=0.0)) == []
    context = world.context
    order = order_of(world.job(UP), context, place_panel(context.layout, None, context.info))
    late = Task("late", order, until=time.time(), batch="foxml")
    with cluster.client() as client:
        assert client.submit(run_task, train_order, late).result() is None
    assert not world.layout.models.exists()


def test_a_worker_that_sees_another_panel_says_so(world: World) -> None:
    other = replace(world.context.info, n_rows=1)
    (outcome,) = train_jobs([world.job(UP, "AAA")], replace(world.context, info=other))
    assert "does not see the panel of this run" in outcome.reason
    assert "a file system that all workers share" in outcome.reason


@pytest.mark.parametrize(
    ("address", "fix"), [("tcp://127.0.0.1:9", "dask scheduler"), ("tls://127.0.0.1:9", "DASK_CONFIG")]
)
def test_an_address_at_which_none_answers_is_an_error_with_its_fix(
    tmp_path: Path, address: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 0.3)
    world = on_dask(make_world(tmp_path), address)
    started = time.monotonic()
    with pytest.raises(EngineError, match=rf"(?s)engine.scheduler.*{address}.*Fix: .*{fix}"):
        train(world)
    assert time.monotonic() - started < 5


def test_what_travels_is_small_whatever_the_size_of_panel_and_plan(world: World) -> None:
    info = world.context.info
    many = {f"feature_{number}": "0" * 64 for number in range(2_000)}
    large = replace(info, symbols=tuple(many), feature_hashes=tuple(many.values()))
    recorded = {(f"{number:064}", "lightgbm"): "0" * 64 for number in range(25_000)}
    context = replace(world.context, info=large, recorded=recorded)
    order = order_of(world.job(UP), context, place_panel(context.layout, None, large))
    assert len(pickle.dumps(order)) < 5_000
