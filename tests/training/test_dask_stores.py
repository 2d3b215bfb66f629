"""Jobs on workers that find the panel, and leave the models, in object stores, and see no root."""

import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_cluster import Cluster, dask_cluster
from s3_server import S3Server, allow, become, deny, s3_server
from test_dask_engine import contents, on_dask, told, train
from training_world import LONELY, UP, World, make_world

from foxml_assets.core.errors import StoreError
from foxml_assets.engines.worker_panel import panel_hash_of, place_panel
from foxml_assets.storage.object_store import ObjectStore
from foxml_assets.training.engines.dask_task import order_of
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs

pytestmark = [pytest.mark.xdist_group("dask"), pytest.mark.slow]
USERS = {
    "writer": [allow("s3:*")],
    "reader": [allow("s3:GetObject", "s3:ListBucket")],
    "partly": [allow("s3:*"), deny("s3:PutObject", on="arn:aws:s3:::foxml/*/AAA/*")],
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3"), USERS) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Workers that may not write the models of AAA."""
    with pytest.MonkeyPatch.context() as patch:
        become(s3.users["partly"], patch)
        with dask_cluster(tmp_path_factory.mktemp("cluster")) as running:
            yield running


@pytest.fixture
def world(cluster: Cluster, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    become(s3.users["writer"], monkeypatch)
    return stored(on_dask(make_world(tmp_path / "dask"), cluster.address), s3, tmp_path.name)


def stored(world: World, s3: S3Server, folder: str) -> World:
    url = f"{s3.url}/{folder}"
    return world.with_config(storage={"panel": f"{url}/panel", "models": f"{url}/models"})


def objects(world: World) -> dict[str, bytes]:
    """Of the models, by what they end with: folder, spec and name."""
    store = world.context.config.storage.model_store
    assert store is not None
    files = store._files()
    return {path.partition("/models/")[2]: files.cat_file(path) for path in files.find(store.url)}


def without_files(world: World) -> dict[str, bytes]:
    return {name: data for name, data in contents(world).items() if "/model." not in name}


def test_workers_that_see_nothing_of_the_root_make_the_models_of_threads(
    world: World, s3: S3Server, tmp_path: Path
) -> None:
    beside = make_world(tmp_path / "beside")
    threads = stored(make_world(tmp_path / "threads"), s3, f"{tmp_path.name}-threads")
    expected, by_threads, found = train(beside), train(threads), train(world)
    assert told(found) == told(by_threads) == told(expected)
    assert found[f"sym_BBB_{LONELY}"].status is OutcomeStatus.FAILED
    assert objects(world) == objects(threads)
    assert sorted(objects(world).values()) == sorted(
        data for name, data in contents(beside).items() if "failure" not in name
    )
    marks = {name for name in contents(world) if name.endswith("stored.json")}
    assert {name: data for name, data in without_files(world).items() if name not in marks} == without_files(
        beside
    )
    assert len(marks) == sum(len(one.manifests) for one in found.values())
    assert {one.status for one in train(world).values()} == {OutcomeStatus.SKIPPED, OutcomeStatus.FAILED}


def test_a_worker_is_told_nothing_of_the_root(world: World) -> None:
    context = world.context
    panel = place_panel(context.layout, context.config.storage.panel_store, context.info)
    order = order_of(world.job(UP), context, panel)
    assert str(context.layout.root).encode() not in pickle.dumps(order)


def test_what_the_store_refuses_a_worker_fails_its_job_alone_and_is_on_the_root(world: World) -> None:
    found = {one: train_one(world, one) for one in ("AAA", "BBB")}
    assert found["BBB"].status is OutcomeStatus.DONE
    assert "could not be written - PermissionError: Access Denied Fix:" in found["AAA"].reason
    (failure,) = (
        data for name, data in contents(world).items() if name.endswith("AAA/lightgbm/failure.json")
    )
    assert b"Access Denied" in failure


def test_a_panel_that_cannot_be_put_there_ends_the_batch_before_its_first_job(
    world: World, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(s3.users["reader"], monkeypatch)
    with pytest.raises(StoreError, match=r"panel\.parquet could not be written"):
        train(world)
    assert not world.layout.models.exists()


def test_the_panel_is_put_there_once_and_again_when_it_is_gone(world: World) -> None:
    url = world.context.config.storage.panel
    assert url is not None
    store, key = ObjectStore(url), panel_hash_of(world.context.info)
    assert train_one(world, "BBB").status is OutcomeStatus.DONE
    store.put(f"{key}/panel.parquet", b"what stands is not written again")
    again = world.with_config(seed=5)
    assert store.address(f"{key}/panel.parquet") in train_one(again, "BBB").reason
    store.delete_folder(key)
    assert train_one(again, "BBB").status is OutcomeStatus.DONE


@pytest.mark.parametrize("kind", ["panel", "models"])
def test_either_may_stay_under_a_root_that_workers_share(world: World, kind: str) -> None:
    storage = world.context.config.storage.model_dump()
    mixed = world.with_config(storage={kind: storage[kind]})
    assert train_one(mixed, "BBB").status is OutcomeStatus.DONE
    assert bool(objects(world)) == (kind == "models")


def test_a_retired_model_comes_back_without_a_worker(world: World) -> None:
    job = world.job(UP, "BBB")
    assert train_one(world, "BBB").status is OutcomeStatus.DONE
    place = world.layout.model_dir(UP, "BBB", "lightgbm")
    retired = world.layout.retired_models / "symbol_specific" / UP / "BBB" / "lightgbm" / job.spec_hash
    retired.parent.mkdir(parents=True)
    shutil.move(place, retired)
    assert train_one(world, "BBB").status is OutcomeStatus.TAKEN_BACK
    assert place.is_dir()


def train_one(world: World, symbol: str) -> JobOutcome:
    (outcome,) = train_jobs([world.job(UP, symbol)], world.context)
    return outcome
