"""Models whose files are in an object store: the same models, in folders that say what is asked often."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from s3_server import S3Server, allow, become, credentials, deny, s3_server
from training_world import BOTH_FAMILIES, LONELY, RETURN, UP, World, make_world, plan_of

from foxml_assets.core.errors import StoreError, TrainingError
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.serving.job_models import load_family
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore
from foxml_assets.training.models.inventory import take_inventory
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.training.models.model_location import model_file
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.models.retired import prune, retire_models, retired_models
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
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
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which nothing is trained. Not to be changed: copy it."""
    return make_world(tmp_path_factory.mktemp("template"))


@pytest.fixture
def local(template: World, tmp_path: Path) -> World:
    """A copy of it."""
    shutil.copytree(template.layout.root, tmp_path / "root")
    return World(replace(template.context, layout=Layout(tmp_path / "root")))


@pytest.fixture
def stored(local: World, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same with a folder of its own in the store."""
    become(s3.users["writer"], monkeypatch)
    return local.with_config(storage={"models": f"{s3.url}/{tmp_path.name}"})


def jobs_of(world: World) -> list[Job]:
    return [world.job(UP, families=BOTH_FAMILIES), world.job(RETURN, "AAA"), world.job(LONELY, "BBB")]


def train(world: World, jobs: Sequence[Job]) -> dict[str, JobOutcome]:
    return {outcome.job.job_id: outcome for outcome in train_jobs(jobs, world.context)}


def statuses(world: World, *jobs: Job) -> list[OutcomeStatus]:
    return [train(world, [job])[job.job_id].status for job in jobs]


def store_of(world: World) -> ObjectStore:
    store = world.context.config.storage.model_store
    assert store is not None
    return store


def in_store(world: World) -> dict[str, bytes]:
    """Every object by its key."""
    store = store_of(world)
    files = store._files()
    head = len(store.url.partition("://")[2]) + 1
    return {path[head:]: files.cat_file(path) for path in files.find(store.url)}


def in_folders(world: World) -> dict[str, bytes]:
    models = world.layout.models
    files = [path for path in models.rglob("*") if path.is_file() and path.name != "timing.json"]
    return {path.relative_to(models).as_posix(): path.read_bytes() for path in files}


def pending(world: World, *jobs: Job) -> list[str]:
    return [job.job_id for job in pending_jobs(plan_of(world, jobs), world.context)]


def test_models_are_those_beside_their_manifests_byte_for_byte(
    stored: World, template: World, tmp_path: Path
) -> None:
    shutil.copytree(template.layout.root, tmp_path / "other")
    beside = World(replace(template.context, layout=Layout(tmp_path / "other")))
    expected, found = train(beside, jobs_of(beside)), train(stored, jobs_of(stored))
    assert {name: (one.status, one.reason, one.manifests) for name, one in found.items()} == {
        name: (one.status, one.reason, one.manifests) for name, one in expected.items()
    }
    files = in_folders(beside)
    specs = {job.job_id: job.spec_hash for job in jobs_of(stored)}
    keys = {
        f"{folder}/{specs['cs_y_up_5d' if 'cross' in folder else 'sym_AAA_fwd_ret_5d']}/{name}": content
        for path, content in files.items()
        for folder, _, name in [path.rpartition("/")]
        if name != "failure.json"
    }
    assert in_store(stored) == keys
    here = in_folders(stored)
    models = {path for path in files if "/model." in path}
    assert {path: here[path] for path in files.keys() - models} == {
        path: files[path] for path in files.keys() - models
    }
    marks = {f"{path.rpartition('/')[0]}/stored.json" for path in models}
    assert here.keys() - files.keys() == marks


def test_what_is_trained_is_known_without_the_store(
    stored: World, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_of(stored)[:2]
    train(stored, jobs)
    become(credentials("http://127.0.0.1:9", "nobody", "nothing"), monkeypatch)
    assert pending(stored, *jobs) == []
    assert pending(stored, *jobs) == []
    assert {one.state for one in take_inventory(jobs, stored.context).jobs} == {ModelState.TRAINED}
    with pytest.raises(StoreError, match="connect"):
        take_inventory(jobs, stored.context, deep=True)
    with pytest.raises(StoreError, match="connect"):
        load_family(jobs[1], "lightgbm", stored.context)
    become(s3.users["writer"], monkeypatch)
    assert statuses(stored, *jobs) == 2 * [OutcomeStatus.SKIPPED]


@pytest.mark.parametrize("content", [None, b"other bytes"])
def test_an_object_that_is_lost_or_another_is_named_and_mended(stored: World, content: bytes | None) -> None:
    job = stored.job(RETURN, "AAA")
    train(stored, [job])
    file = model_file(job, "lightgbm", stored.context)
    store_of(stored).delete_folder(file.key)
    if content is not None:
        store_of(stored).put(f"{file.key}/model.txt", content)
    with pytest.raises(TrainingError, match=r"(?s)s3://foxml/.*/model.txt.*Fix: put it back .*foxml train"):
        load_family(job, "lightgbm", stored.context)
    (status,) = take_inventory([job], stored.context, deep=True).jobs
    assert status.state is ModelState.CORRUPT
    assert f"at {file.address}: put it back there, or delete the folder {file.path.parent}" in status.reason
    shutil.rmtree(file.path.parent)
    assert pending(stored, job) == [job.job_id]
    assert statuses(stored, job) == [OutcomeStatus.DONE]
    assert load_family(job, "lightgbm", stored.context).features


def test_what_the_store_refuses_fails_its_job_alone_and_what_was_there_stands(
    stored: World, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [stored.job(UP, "AAA"), stored.job(UP, "BBB")]
    train(stored, jobs)
    before = in_store(stored), in_folders(stored)
    changed = stored.with_config(seed=5)
    others = [changed.job(UP, "AAA"), changed.job(UP, "BBB")]
    become(s3.users["partly"], monkeypatch)
    found = train(changed, others)
    assert found["sym_BBB_y_up_5d"].status is OutcomeStatus.DONE
    reason = found["sym_AAA_y_up_5d"].reason
    assert "model.txt could not be written - PermissionError: Access Denied Fix: let the cred" in reason
    (status,) = take_inventory(others[:1], changed.context).jobs
    assert (status.state, status.reason) == (ModelState.FAILED, reason)
    of_own = [{name: data for name, data in one.items() if "/AAA/" in name} for one in before]
    assert {name: data for name, data in in_store(changed).items() if "/AAA/" in name} == of_own[0]
    kept = {name: data for name, data in in_folders(changed).items() if "/AAA/" in name}
    assert {name: data for name, data in kept.items() if "failure" not in name} == of_own[1]
    assert load_family(jobs[0], "lightgbm", stored.context).features


def test_what_was_beside_its_manifest_stays_in_use_and_so_does_what_is_stored(
    local: World, stored: World, s3: S3Server
) -> None:
    early, late = local.job(UP, "AAA"), local.job(UP, "BBB")
    train(local, [early])
    assert pending(stored, early, late) == [late.job_id]
    assert statuses(stored, early, late) == [OutcomeStatus.SKIPPED, OutcomeStatus.DONE]
    assert {key.split("/")[2] for key in in_store(stored)} == {"BBB"}
    assert all(load_family(job, "lightgbm", stored.context).features for job in (early, late))
    # Without the store it is told where the file was put; with it, nothing is trained again.
    (_, status) = take_inventory([early, late], local.context).jobs
    assert status.state is ModelState.CORRUPT
    assert f"set storage.models to it (found '{store_of(stored).url}')" in status.reason
    assert pending(stored, early, late) == []
    # A file that is put beside its manifest again is found there.
    file = model_file(late, "lightgbm", local.context)
    file.path.write_bytes(in_store(stored)[f"{file.key}/model.txt"])
    assert pending(local, early, late) == []
    assert load_family(late, "lightgbm", local.context).features


def test_a_model_of_another_spec_takes_the_place_of_the_earlier_one_in_the_store_too(stored: World) -> None:
    changed = stored.with_config(seed=5)
    train(stored, [stored.job(UP, "AAA")])
    train(changed, [changed.job(UP, "AAA")])
    assert {key.split("/")[-2] for key in in_store(stored)} == {changed.job(UP, "AAA").spec_hash}


def test_a_retired_model_stays_in_the_store_comes_back_and_is_pruned_there(stored: World) -> None:
    pooled, own = stored.job(UP), stored.job(UP, "AAA")
    train(stored, [pooled, own])
    everything = in_store(stored)
    retire_models(plan_of(stored, [pooled]), stored.layout, NOW)
    assert statuses(stored, own) == [OutcomeStatus.TAKEN_BACK]
    retire_models(plan_of(stored, [pooled]), stored.layout, NOW)
    assert in_store(stored) == everything
    later = NOW + timedelta(days=1)
    with pytest.raises(StoreError, match=r"set storage\.models"):
        list(prune(stored.layout, before=later))
    assert len(list(prune(stored.layout, store_of(stored), before=later, is_rehearsal=True))) == 1
    assert in_store(stored) == everything
    assert len(list(prune(stored.layout, store_of(stored), before=later))) == 1
    assert in_store(stored) == {key: data for key, data in everything.items() if key.startswith("cross")}
    assert retired_models(stored.layout) == ()


def test_prune_leaves_in_the_store_what_a_model_in_use_has_there(stored: World) -> None:
    pooled, own = stored.job(UP), stored.job(UP, "AAA")
    train(stored, [pooled, own])
    folder = stored.layout.model_dir(UP, "AAA", "lightgbm")
    shutil.copytree(folder, folder.with_name("kept"))
    retire_models(plan_of(stored, [pooled]), stored.layout, NOW)
    shutil.move(folder.with_name("kept"), folder)
    list(prune(stored.layout, store_of(stored), before=NOW + timedelta(days=1)))
    assert load_family(own, "lightgbm", stored.context).features


def test_the_audits_baselines_are_apart_in_the_store(stored: World) -> None:
    job = stored.job(UP, "AAA")
    apart = World(replace(stored.context, layout=stored.layout.for_baselines()))
    train(apart, [job])
    assert {key.split("/")[0] for key in in_store(stored)} == {"baselines"}
    assert pending(stored, job) == [job.job_id]


def test_a_damaged_mark_is_a_damaged_model(local: World, stored: World) -> None:
    job = stored.job(UP, "AAA")
    train(stored, [job])
    (stored.layout.model_dir(UP, "AAA", "lightgbm") / "stored.json").write_bytes(b"{")
    (status,) = take_inventory([job], local.context).jobs
    assert status.state is ModelState.CORRUPT
    assert "the mark cannot be read" in status.reason


def test_a_mark_that_is_a_link_is_not_believed(stored: World, tmp_path: Path) -> None:
    job = stored.job(UP, "AAA")
    train(stored, [job])
    mark = stored.layout.model_dir(UP, "AAA", "lightgbm") / "stored.json"
    mark.rename(tmp_path / "mark")
    mark.symlink_to(tmp_path / "mark")
    (status,) = take_inventory([job], stored.context).jobs
    assert "is a link" in status.reason


def test_a_stale_model_is_known_without_the_store(stored: World, monkeypatch: pytest.MonkeyPatch) -> None:
    train(stored, [stored.job(UP, "AAA")])
    become(credentials("http://127.0.0.1:9", "nobody", "nothing"), monkeypatch)
    other = msgspec.structs.replace(stored.job(UP, "AAA"), spec_hash="0" * 64)
    (status,) = take_inventory([other], stored.context, deep=True).jobs
    assert status.state is ModelState.STALE
