"""Jobs to models, through the runner, on a real panel."""

import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from training_world import BOTH_FAMILIES, LONELY, RETURN, SYMBOLS, UP, World, make_world, panel_frame

from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families import lightgbm_family
from foxml_assets.families.lightgbm_family import LIGHTGBM
from foxml_assets.families.registry import find_family, load_model
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training import data
from foxml_assets.training.data import load_job_data, share_panel
from foxml_assets.training.models.fit_times import past_fit_seconds
from foxml_assets.training.models.manifest import (
    Manifest,
    manifest_path,
    model_path,
    read_manifest,
)
from foxml_assets.training.models.stored import is_done
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def train(world: World, jobs: Sequence[Job]) -> dict[str, JobOutcome]:
    return {outcome.job.job_id: outcome for outcome in train_jobs(jobs, world.context)}


def manifest_of(world: World, job: Job, family: ModelFamily = "lightgbm") -> Manifest:
    return read_manifest(manifest_path(job, family, world.layout))


def model_bytes(world: World) -> dict[str, bytes]:
    return {
        str(path.relative_to(world.layout.models)): path.read_bytes()
        for path in sorted(world.layout.models.rglob("model.*"))
    }


def test_a_job_trains_its_families_and_no_others(world: World) -> None:
    job = world.job(UP, families=BOTH_FAMILIES)
    alone = world.job(UP, "AAA", families=("xgboost",))
    outcomes = train(world, [job, alone])
    assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes.values())
    assert sorted(model_bytes(world)) == [
        "cross_sectional/y_up_5d/lightgbm/model.txt",
        "cross_sectional/y_up_5d/xgboost/model.ubj",
        "symbol_specific/y_up_5d/AAA/xgboost/model.ubj",
    ]
    assert is_done(job, world.context)
    assert is_done(alone, world.context)


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
            if path.is_file() and path.name != "timing.json"
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


def test_jobs_of_a_symbol_read_its_rows_once_and_are_what_they_are_alone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world.with_config(threads=1)
    jobs = [world.job(UP, "AAA", features=["vol", "mom"]), world.job(RETURN, "AAA", features=["gap", "vol"])]
    beyond = world.job(LONELY, "AAA", features=["vol", "nothing"])
    read: list[list[str]] = []

    def reading(layout: Layout, info: PanelInfo, columns: Sequence[str], *symbols: list[str]) -> pd.DataFrame:
        read.append(list(columns))
        return read_panel(layout, info, columns, *symbols)

    monkeypatch.setattr(data, "read_panel", reading)
    outcomes = train(world, [*jobs, beyond])
    # The bars of the panel, the symbol's rows for those that can have them, and what else the last one wants.
    assert read == [[], sorted([LONELY, RETURN, UP, "gap", "mom", "vol"]), ["nothing"]]
    assert [outcomes[job.job_id].status for job in jobs] == [OutcomeStatus.DONE] * 2
    assert "is not in the panel" in outcomes[beyond.job_id].reason
    assert manifest_of(world, jobs[0]).features == ("vol", "mom")
    other = make_world(tmp_path / "alone").with_config(threads=1)
    for job in jobs:
        train(other, [job])
    assert model_bytes(other) == model_bytes(world)


@pytest.mark.parametrize("symbol", ["AAA", None])
def test_jobs_of_the_same_rows_bin_them_once_and_are_what_they_are_alone(
    symbol: str | None, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [world.job(target, symbol, families=BOTH_FAMILIES) for target in (UP, RETURN)]
    steps = LIGHTGBM.two_steps
    assert steps is not None
    made = []

    def prepare(X: pd.DataFrame, *rest: object) -> object:
        made.append(len(X))
        return steps.prepare(X, *rest)

    sharing = replace(LIGHTGBM, two_steps=replace(steps, prepare=prepare))
    monkeypatch.setattr(lightgbm_family, "LIGHTGBM", sharing)
    find_family.cache_clear()
    try:
        train(world, jobs)
    finally:
        find_family.cache_clear()
    assert made == [len(load_job_data(jobs[0], world.context, share_panel(jobs, world.context)).train)]
    other = make_world(tmp_path / "alone")
    for job in jobs:
        train(other, [job])
    assert model_bytes(other) == model_bytes(world)


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


def test_without_a_hold_out_models_are_trained_on_everything_and_not_scored(tmp_path: Path) -> None:
    world = make_world(tmp_path, holdout=0.0)
    job = world.job(UP)
    train(world, [job])
    manifest = manifest_of(world, job)
    assert manifest.holdout_window.rows == 0
    assert manifest.scores.stacked.value is None
    assert manifest.training_window.rows == int(panel_frame()[UP].notna().sum())


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
    text = manifest_path(job, "lightgbm", world.layout).read_text()
    keys = list(json.loads(text))
    assert keys == sorted(keys)
    assert text.endswith("}\n")
