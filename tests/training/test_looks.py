"""What a look has verified is not read again, and no more than that is believed of what is remembered."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from training_world import BOTH_FAMILIES, RETURN, UP, World, make_world, plan_of

from foxml_assets.core.errors import TrainingError
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.serving.job_models import load_job_model
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models import look, stored
from foxml_assets.training.models.inventory import take_inventory
from foxml_assets.training.models.manifest import ModelState, manifest_path, model_path
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.models.stored import StoredModel
from foxml_assets.training.runner import train_jobs


def jobs_of(world: World) -> list[Job]:
    return [world.job(UP, families=BOTH_FAMILIES), world.job(RETURN, "AAA"), world.job(UP, "BBB")]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Three trained jobs. Not to be changed: copy it."""
    world = make_world(tmp_path_factory.mktemp("template"))
    list(train_jobs(jobs_of(world), world.context))
    return world


@pytest.fixture
def world(template: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three trained jobs, as if long ago, at which one look was taken."""
    monkeypatch.setattr(look, "_TICK_NS", 0)
    shutil.copytree(template.layout.root, tmp_path / "root")
    world = World(replace(template.context, layout=replace(template.layout, root=tmp_path / "root")))
    assert pending(world) == []
    return world


def plan(world: World) -> MasterPlan:
    return plan_of(world, jobs_of(world))


def pending(world: World, context: ModelContext | None = None) -> list[str]:
    return [job.job_id for job in pending_jobs(plan(world), context or world.context)]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs whose files are read."""
    found: list[str] = []

    def counting(job: Job, *arguments: object, **options: object) -> StoredModel:
        found.append(job.job_id)
        return stored.stored_model(job, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(look, "stored_model", counting)
    return found


def tree(root: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in (root, *root.rglob("*"))}


def test_what_is_unchanged_is_neither_read_nor_remembered_again(world: World, read: list[str]) -> None:
    before = tree(world.layout.root)
    assert pending(world) == []
    assert take_inventory(jobs_of(world), world.context).counts[ModelState.TRAINED] == 3
    assert read == []
    assert tree(world.layout.root) == before


def in_place(path: Path) -> None:
    content = path.read_bytes()
    with path.open("r+b") as stream:
        stream.write(bytes([content[0] ^ 1]))


def with_time_put_back(path: Path) -> None:
    before = path.stat()
    in_place(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_rename(path: Path) -> None:
    other = path.with_name("other")
    shutil.copy2(path, other)
    in_place(other)
    other.rename(path)


def by_link(path: Path) -> None:
    other = path.with_name("other")
    path.rename(other)
    path.symlink_to(other)


def by_linked_folder(path: Path) -> None:
    other = path.parent.with_name("other")
    path.parent.rename(other)
    path.parent.symlink_to(other)


CHANGES: list[Callable[[Path], object]] = [
    in_place,
    with_time_put_back,
    by_rename,
    by_link,
    by_linked_folder,
    Path.unlink,
]


@pytest.mark.parametrize("find", [manifest_path, model_path])
@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_read_again(
    world: World, read: list[str], change: Callable[[Path], object], find: Callable[..., Path]
) -> None:
    job = jobs_of(world)[1]
    change(find(job, "lightgbm", world.layout))
    assert pending(world) == [job.job_id]
    assert read == [job.job_id]


def test_other_settings_another_panel_and_another_record_are_held_against_what_is_remembered(
    world: World, read: list[str]
) -> None:
    info = world.context.info
    shorter = replace(info, end=info.start)
    assert len(pending(world, replace(world.context, info=shorter))) == 3
    assert pending(world) == []
    job = jobs_of(world)[1]
    read.clear()
    context = replace(world.context, recorded={(job.spec_hash, "lightgbm"): "0" * 64})
    assert pending(world, context) == [job.job_id]
    assert read == [job.job_id]


def test_a_changed_job_is_pending_though_its_files_are_not_read(world: World, read: list[str]) -> None:
    newer = world.job(UP, "BBB", features=["mom"])
    assert pending_jobs(plan_of(world, [newer]), world.context) == (newer,)
    assert read == [newer.job_id]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b'{"version": 2, "basis": "", "models": {}}',
        b'{"version": 1, "basis": "", "models": {"x": 1}}',
        b'{"version": 1, "basis": "", "models": {"../../etc": ["", "", "", [[1,2,3,4],[1,2,3,4]], true]}}',
        b"a folder",
        b"a link",
        b"a pipe",
    ],
    ids=range(10),
)
def test_a_damaged_memory_is_ignored_and_made_anew(
    world: World, read: list[str], content: bytes, tmp_path: Path
) -> None:
    path = world.layout.model_memory
    whole = path.read_bytes()
    path.unlink()
    match content:
        case b"a folder":
            path.mkdir()
        case b"a link":
            (tmp_path / "elsewhere").write_bytes(whole)
            path.symlink_to(tmp_path / "elsewhere")
        case b"a pipe":
            os.mkfifo(path)
        case _:
            path.write_bytes(content)
    assert pending(world) == []
    assert len(read) == 4
    if content not in (b"a folder", b"a link"):
        assert path.read_bytes() == whole
    else:
        assert (tmp_path / "elsewhere").exists() == (content == b"a link")


def test_who_may_not_write_reads_all_the_same(world: World, read: list[str]) -> None:
    shutil.rmtree(world.layout.model_memory.parent)
    world.layout.model_memory.parent.write_text("in the way")
    assert pending(world) == []
    assert len(read) == 4


def test_a_file_that_was_just_written_is_not_believed_by_its_times(
    world: World, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.layout.model_memory.unlink()
    monkeypatch.setattr(look, "_TICK_NS", 10**15)
    assert pending(world) == []
    before = tree(world.layout.root)
    monkeypatch.setattr(look, "_TICK_NS", 0)
    read.clear()
    assert pending(world) == []
    assert len(read) == 4
    assert tree(world.layout.root) == before


def test_what_a_forged_memory_hides_is_seen_by_a_deep_look_and_by_loading(world: World) -> None:
    job = jobs_of(world)[1]
    model = model_path(job, "lightgbm", world.layout)
    in_place(model)
    path = world.layout.model_memory
    memory = json.loads(path.read_bytes())
    folder = world.layout.model_folder(job.target, job.symbol, "lightgbm")
    status = model.stat()
    stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    memory["models"][folder][3][1] = stamp
    path.write_text(json.dumps(memory))
    assert pending(world) == []
    found = take_inventory(jobs_of(world), world.context, deep=True)
    assert [one.job for one in found.jobs if one.state is ModelState.CORRUPT] == [job]
    with pytest.raises(TrainingError, match="not the one that was trained"):
        load_job_model(job, world.context)


def test_models_that_are_gone_are_forgotten(world: World) -> None:
    folder = world.layout.model_folder(UP, "BBB", "lightgbm")
    path = world.layout.model_memory
    assert folder in json.loads(path.read_bytes())["models"]
    shutil.rmtree(world.layout.models / folder)
    other = world.job(RETURN, "CCC")
    list(train_jobs([other], world.context))
    assert pending_jobs(plan_of(world, [*jobs_of(world)[:2], other]), world.context) == ()
    remembered = json.loads(path.read_bytes())["models"]
    assert folder not in remembered
    assert len(remembered) == 4
