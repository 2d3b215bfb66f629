"""Jobs that fail, are refused, or whose models are damaged; and the inventory that tells them apart."""

import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from training_world import BOTH_FAMILIES, LONELY, RETURN, UP, World, make_world, panel_frame

from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.inventory import job_status, take_inventory
from foxml_assets.training.models.manifest import (
    MANIFEST_FILE,
    ModelState,
    manifest_path,
    model_folders,
    model_path,
)
from foxml_assets.training.models.stored import is_done
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def train(world: World, jobs: Sequence[Job]) -> dict[str, JobOutcome]:
    return {outcome.job.job_id: outcome for outcome in train_jobs(jobs, world.context)}


def test_one_failing_job_leaves_the_others_standing_and_keeps_its_reason(world: World) -> None:
    bad = [
        world.job(LONELY, "BBB", families=BOTH_FAMILIES),
        world.job("y_unknown_5d"),
        world.job(UP, features=["mom", "nowhere"]),
        msgspec.structs.replace(world.job(UP, "CCC"), symbol="ZZZ", job_id="sym_ZZZ"),
    ]
    good = [world.job(RETURN), world.job(UP, "AAA")]
    outcomes = train(world, [*bad, *good])
    for job in good:
        assert outcomes[job.job_id].status is OutcomeStatus.DONE
    reasons = {job.job_id: outcomes[job.job_id].reason for job in bad}
    assert reasons[bad[0].job_id] == "one class only in the training rows: 1"
    assert "does not hold the target" in reasons[bad[1].job_id]
    assert "panel.targets in data_config.yaml" in reasons[bad[1].job_id]
    assert "nowhere" in reasons[bad[2].job_id]
    for job in bad:
        status = job_status(job, world.context)
        assert status.state is ModelState.FAILED
        assert status.reason == outcomes[job.job_id].reason
        assert not is_done(job, world.context)


def test_one_failing_family_leaves_the_other_standing(world: World) -> None:
    job = world.job(UP, "AAA", families=BOTH_FAMILIES)
    blocked = model_path(job, "xgboost", world.layout).parent
    blocked.parent.mkdir(parents=True)
    blocked.symlink_to(world.layout.root)
    outcome = train(world, [job])[job.job_id]
    assert [model.status for model in outcome.models] == [OutcomeStatus.DONE, OutcomeStatus.FAILED]
    assert outcome.status is OutcomeStatus.FAILED
    assert "xgboost: " in outcome.reason
    assert "lightgbm: " not in outcome.reason
    blocked.unlink()
    outcome = train(world, [job])[job.job_id]
    assert [model.status for model in outcome.models] == [OutcomeStatus.SKIPPED, OutcomeStatus.DONE]
    assert job_status(job, world.context).reason == ""


def test_where_nothing_can_be_written_the_outcome_still_tells_why(world: World) -> None:
    world.layout.models.mkdir()
    (world.layout.models / "cross_sectional").write_text("in the way")
    outcomes = train(world, [world.job(UP), world.job(UP, "AAA")])
    assert "Not a directory" in outcomes["cs_" + UP].reason
    assert "could not be recorded" in outcomes["cs_" + UP].reason
    assert outcomes[f"sym_AAA_{UP}"].status is OutcomeStatus.DONE


def test_a_later_success_clears_the_failure(world: World) -> None:
    strict = world.with_config(min_train_rows=10_000)
    assert train(strict, [strict.job(UP, "AAA")]).popitem()[1].status is OutcomeStatus.FAILED
    job = world.job(UP, "AAA")
    assert job_status(job, world.context).state is ModelState.MISSING
    assert train(world, [job])[job.job_id].status is OutcomeStatus.DONE
    assert not list(world.layout.models.rglob("failure.json"))


def test_an_error_nobody_foresaw_fails_its_job_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    odd = msgspec.structs.replace(world.job(UP), excluded_symbols=("AAA",), job_id="odd")
    good = world.job(RETURN)
    outcomes = train(world, [odd, good])
    assert outcomes[good.job_id].status is OutcomeStatus.DONE
    assert outcomes["odd"].status is OutcomeStatus.FAILED
    assert "AttributeError" in outcomes["odd"].reason
    assert "Traceback" in caplog.text


def test_a_job_of_another_panel_is_refused(world: World, tmp_path: Path) -> None:
    job = world.job(UP)
    moved = make_world(tmp_path / "moved", panel_frame(seed=4))
    outcome = train(moved, [job])[job.job_id]
    assert "the panel has changed since the plan was made" in outcome.reason


def test_a_job_of_other_settings_is_refused(world: World) -> None:
    job = world.job(UP)
    other = world.with_config(seed=1)
    assert "not that of the current training settings" in train(other, [job])[job.job_id].reason
    wider = World(replace(world.context, holdout_fraction=0.3))
    assert "not that of the current training settings" in train(wider, [job])[job.job_id].reason
    planned = wider.job(UP)
    assert "the panel was described for another hold-out" in train(wider, [planned])[planned.job_id].reason


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "manifest", "empty manifest"])
def test_a_damaged_model_is_corrupt_and_trained_again(world: World, damage: str) -> None:
    job = world.job(UP, "AAA")
    train(world, [job])
    model, manifest = (path(job, "lightgbm", world.layout) for path in (model_path, manifest_path))
    whole = model.read_bytes()
    match damage:
        case "flip":
            model.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        case "cut":
            model.write_bytes(whole[:-1])
        case "remove":
            model.unlink()
        case "manifest":
            manifest.write_text(manifest.read_text().replace('"seed"', '"sead"'))
        case "empty manifest":
            manifest.write_bytes(b"")
    assert job_status(job, world.context).state is ModelState.CORRUPT
    assert train(world, [job])[job.job_id].status is OutcomeStatus.DONE
    assert model.read_bytes() == whole


def test_an_inventory_knows_every_state_and_the_orphans(world: World) -> None:
    trained, stale, failed, missing = (
        world.job(UP),
        world.job(RETURN),
        world.job(LONELY, "BBB"),
        world.job(UP, "BBB"),
    )
    gone = world.job(UP, "CCC")
    train(world, [trained, stale, failed, gone])
    newer = world.job(RETURN, features=["mom"])
    inventory = take_inventory([trained, newer, failed, missing], world.context)
    assert [status.state for status in inventory.jobs] == [
        ModelState.TRAINED,
        ModelState.STALE,
        ModelState.FAILED,
        ModelState.MISSING,
    ]
    assert [path.name for path in inventory.orphans] == ["lightgbm"]
    assert inventory.orphans[0] == world.layout.model_dir(UP, "CCC", "lightgbm")
    assert inventory.counts[ModelState.CORRUPT] == 0
    assert sum(inventory.counts.values()) == 4


def test_a_family_that_left_the_job_is_an_orphan(world: World) -> None:
    train(world, [world.job(UP, families=BOTH_FAMILIES)])
    inventory = take_inventory([world.job(UP)], world.context)
    assert [path.name for path in inventory.orphans] == ["xgboost"]


def test_models_are_listed_while_a_training_makes_and_removes_folders(tmp_path: Path) -> None:
    layout, done = Layout(tmp_path), threading.Event()
    kept = layout.model_dir("y", "AAA", "ridge")
    kept.mkdir(parents=True)
    (kept / MANIFEST_FILE).write_text("{}")

    def work() -> None:
        while not done.is_set():
            for number in range(20):
                (layout.staged_models / f"{number}" / "y" / "AAA").mkdir(parents=True)
            shutil.rmtree(layout.staged_models)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert {model_folders(layout) for _ in range(1_000)} == {(kept,)}
    finally:
        done.set()
        worker.join()
