"""A model that left the plan is kept apart, comes back without training, and is deleted by `prune` alone."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from training_world import BOTH_FAMILIES, RETURN, UP, World, make_world, plan_of

from foxml_assets.commands.prune import run_prune
from foxml_assets.core.errors import ConfigError, LinkError
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.models.inventory import take_inventory
from foxml_assets.training.models.manifest import manifest_path, model_path
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.models.retired import (
    RetiredModel,
    is_retired,
    prune,
    retire_models,
    retired_models,
)
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
OWN = "symbol_specific/y_up_5d/AAA/lightgbm"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A pooled job and one of AAA, both trained."""
    world = make_world(tmp_path)
    train(world, jobs_of(world))
    return world


def jobs_of(world: World) -> list[Job]:
    return [world.job(UP), world.job(UP, "AAA")]


def train(world: World, jobs: Sequence[Job]) -> list[JobOutcome]:
    return list(train_jobs(jobs, world.context))


def retire(world: World, *jobs: Job, now: datetime = NOW, waiting: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Put aside what a plan of `jobs` does not ask for."""
    pairs = {(UP, symbol) for symbol in waiting}
    return retire_models(plan_of(world, jobs), world.layout, now, waiting=pairs)


def only(world: World) -> RetiredModel:
    (model,) = retired_models(world.layout)
    return model


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_model_whose_job_left_the_plan_is_put_aside_with_date_and_reason(world: World) -> None:
    pooled, own = jobs_of(world)
    before = files(world.layout.model_dir(UP, "AAA", "lightgbm"))
    assert retire(world, pooled) == (OWN,)
    model = only(world)
    assert model.name == f"{OWN}/{own.spec_hash}"
    assert model.described == f"{OWN}/{own.spec_hash}: 2026-03-01, its job left the plan"
    record = files(model.folder).pop("retired.json")
    assert json.loads(record) == {"retired_at": "2026-03-01T12:00:00Z", "reason": "its job left the plan"}
    assert files(model.folder) == before | {"retired.json": record}
    assert not world.layout.model_dir(UP, "AAA", "lightgbm").exists()
    inventory = take_inventory([pooled], world.context)
    assert inventory.orphans == ()
    assert not pending_jobs(plan_of(world, [pooled]), world.context)


def test_to_retire_again_changes_nothing(world: World) -> None:
    pooled, _ = jobs_of(world)
    retire(world, pooled)
    before = files(world.layout.models)
    assert retire(world, pooled, now=LATER) == ()
    assert files(world.layout.models) == before


def test_what_a_run_still_refers_to_waits(world: World) -> None:
    pooled, _ = jobs_of(world)
    assert retire(world, pooled, waiting=("AAA",)) == ()
    assert retired_models(world.layout) == ()
    assert retire(world, pooled) == (OWN,)


def test_a_family_that_left_its_job_is_put_aside_too(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    train(world, [world.job(UP, families=BOTH_FAMILIES)])
    assert retire(world, world.job(UP)) == ("cross_sectional/y_up_5d/xgboost",)
    assert only(world).described.endswith("2026-03-01, its job has other families")


def test_a_job_of_the_same_spec_takes_its_model_back_without_training(world: World) -> None:
    pooled, own = jobs_of(world)
    path = model_path(own, "lightgbm", world.layout)
    before, inode = files(path.parent), path.stat().st_ino
    retire(world, pooled)
    assert is_retired(own, "lightgbm", world.layout)
    assert [job.job_id for job in pending_jobs(plan_of(world, [pooled, own]), world.context)] == [own.job_id]
    (outcome,) = train(world, [own])
    assert outcome.status is OutcomeStatus.TAKEN_BACK
    assert outcome.models[0].manifest_sha256
    assert files(path.parent) == before
    assert path.stat().st_ino == inode
    assert retired_models(world.layout) == ()
    assert train(world, [own])[0].status is OutcomeStatus.SKIPPED


def test_it_takes_the_place_of_a_model_of_another_spec_and_of_a_failure(world: World) -> None:
    pooled, own = jobs_of(world)
    before = files(world.layout.model_dir(UP, "AAA", "lightgbm"))
    retire(world, pooled)
    other = world.job(UP, "AAA", features=["mom"])
    assert train(world, [other])[0].status is OutcomeStatus.DONE
    assert train(world, [own])[0].status is OutcomeStatus.TAKEN_BACK
    assert files(world.layout.model_dir(UP, "AAA", "lightgbm")) == before
    retire(world, pooled)
    strict = world.with_config(min_train_rows=10_000)
    assert train(strict, [strict.job(UP, "AAA")])[0].status is OutcomeStatus.FAILED
    assert train(world, [own])[0].status is OutcomeStatus.TAKEN_BACK
    assert files(world.layout.model_dir(UP, "AAA", "lightgbm")) == before


def test_a_job_of_another_spec_is_trained_and_leaves_it(world: World) -> None:
    pooled, _ = jobs_of(world)
    retire(world, pooled)
    other = world.job(UP, "AAA", features=["mom"])
    assert not is_retired(other, "lightgbm", world.layout)
    assert train(world, [other])[0].status is OutcomeStatus.DONE
    before = only(world)
    assert retire(world, pooled) == (OWN,)
    assert len(retired_models(world.layout)) == 2
    assert before in retired_models(world.layout)


@pytest.mark.parametrize("damage", ["the model", "the manifest"])
def test_a_damaged_one_is_not_believed_but_trained_again(world: World, damage: str) -> None:
    pooled, own = jobs_of(world)
    find = model_path if damage == "the model" else manifest_path
    path = find(own, "lightgbm", world.layout)
    before = files(path.parent)
    retire(world, pooled)
    damaged = only(world).folder / path.name
    damaged.write_bytes(damaged.read_bytes().replace(b"AAA", b"BBB")[:-9])
    # Announced is what has a manifest that can be read; the model's file is not read for that.
    assert is_retired(own, "lightgbm", world.layout) == (damage == "the model")
    assert train(world, [own])[0].status is OutcomeStatus.DONE
    assert files(path.parent).keys() == before.keys()
    assert path.read_bytes() == before[path.name]
    assert retired_models(world.layout) == ()


def test_what_is_no_model_of_its_folder_stays_and_is_an_orphan(world: World) -> None:
    """A manifest may say anything: that it is of another place, or a hash that leads out of the root."""
    pooled, own = jobs_of(world)
    path = manifest_path(own, "lightgbm", world.layout)
    sound = json.loads(path.read_bytes())
    for lie in ({"symbol": "BBB"}, {"spec_hash": "../../../elsewhere"}, {"target": "\ud800"}, {"family": 3}):
        path.write_text(json.dumps(sound | lie), encoding="utf-8")
        assert retire(world, pooled) == ()
        assert take_inventory([pooled], world.context).orphans == (path.parent,)


def test_no_step_is_taken_through_a_link(world: World, tmp_path: Path) -> None:
    pooled, own = jobs_of(world)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    world.layout.retired_models.symlink_to(elsewhere)
    with pytest.raises(LinkError, match="retired: is a link"):
        retire(world, pooled)
    with pytest.raises(LinkError, match="retired: is a link"):
        list(prune(world.layout, before=LATER))
    assert not list(elsewhere.iterdir())
    world.layout.retired_models.unlink()
    retire(world, pooled)
    folder = only(world).folder
    folder.rename(elsewhere / "model")
    folder.symlink_to(elsewhere / "model")
    (outcome,) = train(world, [own])
    assert outcome.status is OutcomeStatus.FAILED
    assert "is a link" in outcome.reason
    assert (elsewhere / "model" / "manifest.json").is_file()


def test_a_kill_before_the_record_is_made_good_by_the_next_plan(world: World) -> None:
    pooled, _ = jobs_of(world)
    retire(world, pooled)
    (only(world).folder / "retired.json").write_bytes(b"{")
    assert only(world).record is None
    assert list(prune(world.layout, before=LATER)) == []
    assert retire(world, pooled, now=LATER) == ()
    assert only(world).described.endswith("2026-03-31, its job left the plan")


def test_prune_deletes_what_was_retired_long_enough_ago(world: World) -> None:
    pooled, _ = jobs_of(world)
    retire(world, pooled)
    train(world, [world.job(RETURN)])
    retire(world, pooled, now=LATER)
    early, late = sorted(retired_models(world.layout), key=lambda model: "cross" in model.name)
    live = files(world.layout.model_dir(UP, None, "lightgbm"))
    assert list(prune(world.layout, before=NOW)) == []
    assert list(prune(world.layout, before=LATER, is_rehearsal=True)) == [early]
    assert len(retired_models(world.layout)) == 2
    assert list(prune(world.layout, before=LATER)) == [early]
    assert retired_models(world.layout) == (late,)
    assert not early.folder.exists()
    # Nor is a folder left that held nothing else.
    folders = [path for path in world.layout.retired_models.rglob("*") if path.is_dir()]
    assert all(any(folder.iterdir()) for folder in folders)
    assert files(world.layout.model_dir(UP, None, "lightgbm")) == live
    assert not list(world.layout.staged_models.iterdir())


def test_the_command_prints_what_it_deletes_or_would(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    pooled, own = jobs_of(world)
    retire(world, pooled)

    def pruned(age: str, *, is_rehearsal: bool = False) -> list[str]:
        assert run_prune(world.layout.root, None, age, is_rehearsal=is_rehearsal) == 0
        return capsys.readouterr().out.splitlines()

    line = f"{OWN}/{own.spec_hash}: 2026-03-01, its job left the plan"
    assert pruned("9999w") == ["0 retired models were deleted"]
    assert pruned("1d", is_rehearsal=True) == [line, "1 retired models would be deleted"]
    assert pruned(" 1H ") == [line, "1 retired models were deleted"]
    assert pruned("0d") == ["0 retired models were deleted"]
    for age in ("30", "d", "-1d", "1.5d", "1m", "99999d", ""):
        with pytest.raises(ConfigError, match="30d"):
            pruned(age)


def test_what_a_killed_prune_has_left_is_swept_by_the_next(world: World) -> None:
    pooled, _ = jobs_of(world)
    retire(world, pooled)
    left = world.layout.staged_models / "0123456789abcdef"
    only(world).folder.rename(left)
    assert list(prune(world.layout, before=LATER)) == []
    assert not left.exists()
