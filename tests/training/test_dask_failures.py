"""What is killed under a batch on a Dask cluster, and what becomes of its jobs."""

import os
import signal
import time
from pathlib import Path

import pytest
from dask_cluster import Cluster, dask_cluster
from test_dask_engine import contents, jobs_of, on_dask
from training_world import UP, World, make_world

from foxml_assets.core.entry_points import forget_entry_points
from foxml_assets.core.errors import EngineError
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs

pytestmark = [pytest.mark.xdist_group("dask"), pytest.mark.slow]

DEADLY = '''
"""A family that the system kills where it fits."""
import os, signal
from pathlib import Path
from foxml_assets.families.family import Family
from foxml_assets.families.params import FamilyParams

def fit(task, X, y, *, params, seed, categorical=()):
    with (Path(__file__).parent / "begun").open("a") as stream:
        stream.write("begun\\n")
    os.kill(os.getpid(), signal.SIGKILL)

DEADLY = Family(
    name="deadly", fit=fit, load=None, params=FamilyParams, probe=FamilyParams(),
    model_file="model.json", distribution="deadly",
)
'''
SLOW = {"lightgbm": {"rounds": 400, "min_data_in_leaf": 10}, "xgboost": {"rounds": 400}}


def kill_a_worker(cluster: Cluster) -> None:
    """Kill one of the workers that are at work."""
    with cluster.client() as client:
        deadline = time.monotonic() + 60
        while not (busy := [address for address, keys in client.processing().items() if keys]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        pids = client.run(os.getpid)
    os.kill(pids[busy[0]], signal.SIGKILL)


def failed(outcomes: list[JobOutcome]) -> dict[str, bool]:
    """Whether each job failed. A worker may be killed with an outcome that nobody has asked for yet; the
    job, begun again, is then found trained."""
    return {outcome.job.job_id: outcome.status is OutcomeStatus.FAILED for outcome in outcomes}


@pytest.mark.parametrize("nannies", [True, False])
def test_a_worker_that_is_killed_costs_no_job(tmp_path: Path, nannies: bool) -> None:
    with dask_cluster(tmp_path, nannies=nannies) as cluster:
        world = on_dask(make_world(tmp_path / "dask"), cluster.address).with_config(families=SLOW)
        outcomes = train_jobs(jobs_of(world), world.context)
        found = [next(outcomes)]
        kill_a_worker(cluster)
        found += outcomes
    threads = make_world(tmp_path / "threads").with_config(families=SLOW)
    expected = list(train_jobs(jobs_of(threads), threads.context))
    assert failed(found) == failed(expected)
    # What the killed worker was making stays for a day: no lock tells of another machine's processes.
    finished = {name: data for name, data in contents(world).items() if ".staged" not in name}
    assert finished == contents(threads)


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package whose family kills whoever fits it."""
    site = tmp_path / "site"
    metadata = site / "deadly-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "deadly.py").write_text(DEADLY)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[foxml_assets.families]\ndeadly = deadly:DEADLY\n")
    monkeypatch.syspath_prepend(str(site))
    forget_entry_points()
    return site


@pytest.mark.parametrize("allowed", [0, 3])
def test_a_job_that_kills_its_worker_twice_fails_alone_whatever_the_scheduler_allows(
    tmp_path: Path, deadly: Path, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", str(allowed))
    with dask_cluster(tmp_path, nannies=True, paths=[deadly]) as cluster:
        world = on_dask(make_world(tmp_path / "dask"), cluster.address)
        world = world.with_config(families={**world.context.config.model_dump()["families"], "deadly": {}})
        killers = [world.job(UP, symbol, families=["deadly"]) for symbol in ("AAA", "BBB")]
        others = [job for job in jobs_of(world) if job.job_id != f"sym_BBB_{UP}"]
        found = {one.job.job_id: one for one in train_jobs([*killers, *others], world.context)}
    assert (deadly / "begun").read_text().splitlines() == 4 * ["begun"]
    for job in killers:
        assert found[job.job_id].reason.startswith("the worker that had it was killed, 2 times")
    wrong = {name for name, has_failed in failed(list(found.values())).items() if has_failed}
    assert wrong == {*(job.job_id for job in killers), "sym_BBB_y_lonely_5d"}
    assert set(found) == {job.job_id for job in [*killers, *others]}


def refused(tmp_path: Path, first_on_its_path: Path, match: str) -> World:
    """A world whose training a worker with other software has refused."""
    with dask_cluster(tmp_path, workers=1, paths=[first_on_its_path]) as cluster:
        world = on_dask(make_world(tmp_path / "dask"), cluster.address)
        with pytest.raises(EngineError, match=match):
            list(train_jobs(jobs_of(world), world.context))
    return world


def test_workers_with_other_software_train_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other" / "foxml_assets"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise ImportError('another program')")
    world = refused(tmp_path, other.parent, r"(?s)other software.*another program")
    assert not world.layout.models.exists()


def test_a_library_of_another_version_is_named(tmp_path: Path) -> None:
    other = tmp_path / "other" / "lightgbm-0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: lightgbm\nVersion: 0.1\n")
    refused(tmp_path, other.parent, r"(?s)lightgbm: is .* here .found '0.1'")


def test_without_workers_jobs_wait_for_one_and_only_as_long_as_the_time_lasts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with dask_cluster(tmp_path, workers=0) as cluster:
        world = on_dask(make_world(tmp_path / "dask"), cluster.address)
        assert list(train_jobs(jobs_of(world), world.context, seconds=2.0)) == []
        assert "the Dask scheduler has no worker; jobs wait for one" in caplog.text


def test_a_scheduler_that_is_lost_is_an_error_with_its_fix(tmp_path: Path) -> None:
    with dask_cluster(tmp_path) as cluster:
        world = on_dask(make_world(tmp_path / "dask"), cluster.address).with_config(families=SLOW)
        outcomes = train_jobs(jobs_of(world), world.context)
        next(outcomes)
        cluster.scheduler.kill()
        started = time.monotonic()
        with pytest.raises(EngineError, match=r"(?s)scheduler was lost.*Fix: start it again"):
            list(outcomes)
        assert time.monotonic() - started < 30
