"""Jobs to models, through the runner, on a real panel."""

import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from training_world import BOTH_FAMILIES, LONELY, RETURN, SYMBOLS, UP, World, make_world, panel_frame

from foxml_assets.families.registry import load_model
from foxml_assets.layout import Layout
from foxml_assets.planning.plan import Job
from foxml_assets.planning.specs import with_spec_hash
from foxml_assets.selection.panel import read_panel
from foxml_assets.selection.panel_info import PanelInfo
from foxml_assets.training import data
from foxml_assets.training.fit_times import past_fit_seconds
from foxml_assets.training.inventory import job_status, take_inventory
from foxml_assets.training.manifest import (
    Manifest,
    ModelState,
    is_done,
    manifest_path,
    model_path,
    read_manifest,
)
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs
from foxml_assets.vocabulary import ModelFamily


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def train(world: World, jobs: Sequence[Job]) -> dict[str, JobOutcome]:
    return {outcome.job.job_id: outcome for outcome in train_jobs(jobs, world.context)}


def manifest_of(world: World, job: Job, family: ModelFamily = ModelFamily.LIGHTGBM) -> Manifest:
    return read_manifest(manifest_path(job, family, world.layout))


def model_bytes(world: World) -> dict[str, bytes]:
    return {
        str(path.relative_to(world.layout.models)): path.read_bytes()
        for path in sorted(world.layout.models.rglob("model.*"))
    }


def test_a_job_trains_its_families_and_no_others(world: World) -> None:
    job = world.job(UP, families=BOTH_FAMILIES)
    alone = world.job(UP, "AAA", families=(ModelFamily.XGBOOST,))
    outcomes = train(world, [job, alone])
    assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes.values())
    assert sorted(model_bytes(world)) == [
        "cross_sectional/y_up_5d/lightgbm/model.txt",
        "cross_sectional/y_up_5d/xgboost/model.ubj",
        "symbol_specific/y_up_5d/AAA/xgboost/model.ubj",
    ]
    assert is_done(job, world.layout)
    assert is_done(alone, world.layout)


def test_the_manifest_describes_the_model(world: World) -> None:
    job = world.job(UP, features=["mom", "vol"], excluded=["DDD"])
    train(world, [job])
    manifest = manifest_of(world, job)
    assert manifest.spec_hash == job.spec_hash
    assert manifest.features == ("mom", "vol", "symbol")
    assert manifest.categorical == ("symbol",)
    assert manifest.symbols == ("AAA", "BBB", "CCC")
    assert manifest.horizon_bars == 5
    assert manifest.library_versions["lightgbm"].startswith("4.")
    value = manifest.scores.within_symbols.value
    assert value is not None
    assert 0.7 < value < 0.95
    assert [item.symbol for item in manifest.scores.by_symbol] == ["AAA", "BBB", "CCC"]
    assert manifest.scores.within_symbols.value == pytest.approx(
        np.mean([item.score.value for item in manifest.scores.by_symbol])
    )


def test_windows_do_not_touch_and_rows_without_a_label_are_left_out(world: World) -> None:
    job = world.job(UP, "AAA")
    train(world, [job])
    manifest = manifest_of(world, job)
    # 320 business days, the last 64 held out; 5 purged before them, 5 unlabelled at the end.
    assert manifest.training_window.rows == 320 - 64 - 5
    assert manifest.holdout_window.rows == 64 - 5
    assert manifest.training_window.end == "2020-12-16T00:00:00"
    assert manifest.holdout_window.start == "2020-12-24T00:00:00"


def test_the_hold_out_is_not_looked_at(tmp_path: Path) -> None:
    frame = panel_frame()
    spoiled = frame.copy()
    late = spoiled["date"] >= "2020-12-24"
    spoiled.loc[late, ["mom", "vol", "noise", "gap"]] *= -7
    spoiled.loc[late, UP] = 1 - spoiled.loc[late, UP]
    worlds = [make_world(tmp_path / name, data) for name, data in (("a", frame), ("b", spoiled))]
    for world in worlds:
        train(world, [world.job(UP, families=BOTH_FAMILIES), world.job(UP, "AAA")])
    assert model_bytes(worlds[0]) == model_bytes(worlds[1])
    scores = [manifest_of(world, world.job(UP)).scores.within_symbols.value for world in worlds]
    assert scores[0] != scores[1]


def test_excluded_symbols_leave_no_trace(tmp_path: Path) -> None:
    frame = panel_frame()
    altered = frame.copy()
    altered.loc[altered["symbol"] == "BBB", ["mom", "vol", RETURN]] *= 3
    worlds = [make_world(tmp_path / name, data) for name, data in (("a", frame), ("b", altered))]
    for world in worlds:
        train(world, [world.job(RETURN, excluded=["BBB"])])
    assert model_bytes(worlds[0]) == model_bytes(worlds[1])
    everyone = worlds[0].job(RETURN)
    train(worlds[0], [everyone])
    assert model_bytes(worlds[0]) != model_bytes(worlds[1])


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_models_are_the_same_bytes_with_any_number_of_threads(
    world: World, tmp_path: Path, threads: int
) -> None:
    other = make_world(tmp_path / "other").with_config(threads=threads)
    for each in (world, other):
        jobs = [each.job(RETURN, families=BOTH_FAMILIES), *(each.job(UP, symbol) for symbol in SYMBOLS)]
        train(each, jobs)
    assert model_bytes(world) == model_bytes(other)
    assert len(model_bytes(world)) == 6


def test_everything_beside_a_model_but_its_timing_is_the_same_bytes(world: World, tmp_path: Path) -> None:
    other = make_world(tmp_path / "other")
    job = world.job(UP, families=BOTH_FAMILIES)
    for each in (world, other):
        train(each, [job])
    one, two = (
        {
            path.relative_to(each.layout.models): path.read_bytes()
            for path in each.layout.models.rglob("*.*")
            if path.name != "timing.json"
        }
        for each in (world, other)
    )
    assert one == two
    assert {path.name for path in one} == {"manifest.json", "model.txt", "model.ubj"}
    assert len(past_fit_seconds(world.layout)) == 2
    assert all(seconds > 0 for seconds in past_fit_seconds(world.layout).values())


def test_a_reloaded_model_gives_the_recorded_scores(world: World) -> None:
    job = world.job(UP, "AAA", families=BOTH_FAMILIES)
    train(world, [job])
    info = world.context.info
    frame = read_panel(world.layout, info, [*info.features, UP], ["AAA"])
    held = frame[(frame["date"] >= "2020-12-24") & frame[UP].notna()]
    for family in BOTH_FAMILIES:
        manifest = manifest_of(world, job, family)
        model = load_model(family, model_path(job, family, world.layout), sha256=manifest.sha256)
        prediction = pd.Series(model.predict(held))
        up = held[UP].to_numpy() == 1
        pairs = prediction[up].to_numpy()[:, None] - prediction[~up].to_numpy()[None, :]
        assert ((pairs > 0) + (pairs == 0) / 2).mean() == pytest.approx(manifest.scores.stacked.value)


def test_done_jobs_are_skipped_and_their_files_left_alone(world: World) -> None:
    jobs = [world.job(UP, families=BOTH_FAMILIES), world.job(RETURN)]
    train(world, jobs)
    before = {path: path.stat().st_mtime_ns for path in world.layout.models.rglob("*") if path.is_file()}
    outcomes = train(world, jobs)
    assert all(outcome.status is OutcomeStatus.SKIPPED for outcome in outcomes.values())
    assert outcomes["cs_" + UP].manifests[0].spec_hash == jobs[0].spec_hash
    assert before == {
        path: path.stat().st_mtime_ns for path in world.layout.models.rglob("*") if path.is_file()
    }


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
        status = job_status(job, world.layout)
        assert status.state is ModelState.FAILED
        assert status.reason == outcomes[job.job_id].reason
        assert not is_done(job, world.layout)


def test_one_failing_family_leaves_the_other_standing(world: World) -> None:
    job = world.job(UP, "AAA", families=BOTH_FAMILIES)
    blocked = model_path(job, ModelFamily.XGBOOST, world.layout)
    blocked.mkdir(parents=True)
    outcome = train(world, [job])[job.job_id]
    assert [model.status for model in outcome.models] == [OutcomeStatus.DONE, OutcomeStatus.FAILED]
    assert outcome.status is OutcomeStatus.FAILED
    assert "xgboost: " in outcome.reason
    assert "lightgbm: " not in outcome.reason
    blocked.rmdir()
    outcome = train(world, [job])[job.job_id]
    assert [model.status for model in outcome.models] == [OutcomeStatus.SKIPPED, OutcomeStatus.DONE]
    assert job_status(job, world.layout).reason == ""


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
    assert job_status(job, world.layout).state is ModelState.MISSING
    assert train(world, [job])[job.job_id].status is OutcomeStatus.DONE
    assert not list(world.layout.models.rglob("failure.json"))


def test_an_error_nobody_foresaw_fails_its_job_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    odd = msgspec.structs.replace(world.job(UP, "AAA"), task_type="no such task", job_id="odd")
    odd = with_spec_hash(odd, world.context.training_hash)
    good = world.job(RETURN)
    outcomes = train(world, [odd, good])
    assert outcomes[good.job_id].status is OutcomeStatus.DONE
    assert outcomes["odd"].status is OutcomeStatus.FAILED
    assert "KeyError" in outcomes["odd"].reason
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


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "manifest", "empty manifest"])
def test_a_damaged_model_is_corrupt_and_trained_again(world: World, damage: str) -> None:
    job = world.job(UP, "AAA")
    train(world, [job])
    model, manifest = (path(job, ModelFamily.LIGHTGBM, world.layout) for path in (model_path, manifest_path))
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
    assert job_status(job, world.layout).state is ModelState.CORRUPT
    assert train(world, [job])[job.job_id].status is OutcomeStatus.DONE
    assert model.read_bytes() == whole


def test_without_a_hold_out_models_are_trained_on_everything_and_not_scored(tmp_path: Path) -> None:
    world = make_world(tmp_path, holdout=0.0)
    job = world.job(UP)
    train(world, [job])
    manifest = manifest_of(world, job)
    assert manifest.holdout_window.rows == 0
    assert manifest.scores.stacked.value is None
    assert manifest.training_window.rows == int(panel_frame()[UP].notna().sum())


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
    inventory = take_inventory([trained, newer, failed, missing], world.layout)
    assert [status.state for status in inventory.jobs] == [
        ModelState.TRAINED,
        ModelState.STALE,
        ModelState.FAILED,
        ModelState.MISSING,
    ]
    assert [path.name for path in inventory.orphans] == ["lightgbm"]
    assert inventory.orphans[0] == world.layout.model_dir(UP, "CCC", ModelFamily.LIGHTGBM)
    assert inventory.counts[ModelState.CORRUPT] == 0
    assert sum(inventory.counts.values()) == 4


def test_a_family_that_left_the_job_is_an_orphan(world: World) -> None:
    train(world, [world.job(UP, families=BOTH_FAMILIES)])
    inventory = take_inventory([world.job(UP)], world.layout)
    assert [path.name for path in inventory.orphans] == ["xgboost"]


def test_nothing_to_train_reads_nothing(world: World) -> None:
    shutil.rmtree(world.layout.panel_dir)
    assert list(train_jobs([], world.context)) == []


def test_closing_early_starts_no_further_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    single = world.with_config(threads=1)
    jobs = [single.job(target, symbol) for target in (UP, RETURN) for symbol in SYMBOLS]
    read: list[str] = []
    real = data.read_panel

    def counting(
        layout: Layout, info: PanelInfo, columns: Sequence[str], symbols: Sequence[str] | None = None
    ) -> pd.DataFrame:
        read.append(str(symbols))
        return real(layout, info, columns, symbols)

    monkeypatch.setattr(data, "read_panel", counting)
    outcomes = train_jobs(jobs, single.context)
    assert next(outcomes).job is jobs[0]
    outcomes.close()
    for thread in threading.enumerate():
        if thread.name.startswith("training"):
            thread.join(timeout=30)
    # The one worker may have begun the next job or two before it was told to stop.
    assert 1 <= len(model_bytes(single)) <= 3
    assert len(read) <= 3


def test_a_manifest_is_plain_json_with_its_keys_in_order(world: World) -> None:
    job = world.job(UP, "AAA")
    train(world, [job])
    text = manifest_path(job, ModelFamily.LIGHTGBM, world.layout).read_text()
    keys = list(json.loads(text))
    assert keys == sorted(keys)
    assert text.endswith("}\n")
