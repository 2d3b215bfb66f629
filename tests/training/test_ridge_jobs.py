"""Jobs of the ridge family, from a plan made by routing to models in use."""

import json
from pathlib import Path

import numpy as np
import pytest
from routed_world import POLICY, route_and_plan
from training_world import RETURN, SYMBOLS, UP, World, make_world

from foxml_assets.panel.panel_store import read_panel
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.serving.job_models import load_job_model
from foxml_assets.training.models.inventory import job_status
from foxml_assets.training.models.manifest import (
    Manifest,
    ModelState,
    manifest_path,
    model_path,
    read_manifest,
)
from foxml_assets.training.outcome import OutcomeStatus
from foxml_assets.training.runner import train_jobs

RIDGE = ("ridge",)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def manifest_of(world: World, target: str, symbol: str | None = None) -> Manifest:
    return read_manifest(manifest_path(world.job(target, symbol, families=RIDGE), "ridge", world.layout))


def test_a_policy_that_names_ridge_plans_it_and_the_plan_trains_it(world: World) -> None:
    rules = [{"when": {"training_type": ["symbol_specific"]}, "use": ["ridge"]},
             {"use": ["lightgbm", "ridge"]}]  # fmt: skip
    policy = RoutingPolicy.model_validate({**POLICY.model_dump(), "families": rules})
    plan = route_and_plan(world, policy=policy).plan
    assert {job.model_families for job in plan.jobs if job.symbol} == {RIDGE}
    outcomes = list(train_jobs(plan.jobs, world.context))
    assert {outcome.status for outcome in outcomes} == {OutcomeStatus.DONE}
    assert {path.name for path in world.layout.models.rglob("model.*")} == {"model.txt", "model.json"}
    pooled = next(job for job in plan.jobs if job.symbol is None)
    model = load_job_model(pooled, world.context)
    info = world.context.info
    X = read_panel(world.layout, info, info.features, ["AAA"]).assign(symbol=0)
    each = [one.predict(X) for one in model.models]
    assert len(each) == 2
    np.testing.assert_array_equal(model.predict(X), np.mean(each, axis=0))


def test_the_manifest_and_the_file_describe_the_model(world: World) -> None:
    job = world.job(UP, families=RIDGE, excluded=["BBB"])
    (outcome,) = train_jobs([job], world.context)
    (manifest,) = outcome.manifests
    assert manifest.model_file == "model.json"
    assert manifest.params == {"prior_r2": 0.05, "clip": 3.0, "intercept_prior_rows": 100.0}
    assert manifest.library_versions["ridge"] == np.__version__
    assert manifest.features == ("gap", "mom", "noise", "vol", "symbol")
    value = manifest.scores.within_symbols.value
    assert value is not None
    assert value > 0.75
    content = json.loads(model_path(job, "ridge", world.layout).read_bytes())
    assert content["features"] == list(manifest.features)
    assert content["symbol"]["codes"] == [0, 1, 2]


@pytest.mark.parametrize("symbol", [None, "AAA"])
def test_a_reloaded_model_gives_the_recorded_score(world: World, symbol: str | None) -> None:
    job = world.job(UP, symbol, families=RIDGE)
    list(train_jobs([job], world.context))
    manifest = manifest_of(world, UP, symbol)
    info = world.context.info
    frame = read_panel(world.layout, info, [*info.features, UP], list(SYMBOLS))
    held = frame[(frame["date"] >= "2020-12-24") & frame[UP].notna() & (frame["symbol"] == "AAA")]
    model = load_job_model(job, world.context)
    predicted = model.predict(held.assign(symbol=manifest.symbols.index("AAA")))
    up = held[UP].to_numpy() == 1
    pairs = predicted[up][:, None] - predicted[~up][None, :]
    recorded = next(item.score.value for item in manifest.scores.by_symbol if item.symbol == "AAA")
    assert ((pairs > 0) + (pairs == 0) / 2).mean() == pytest.approx(recorded)


def test_jobs_side_by_side_give_the_same_files_and_are_not_trained_twice(tmp_path: Path) -> None:
    found = []
    for name, threads in (("one", 1), ("four", 4)):
        world = make_world(tmp_path / name).with_config(threads=threads)
        pairs = [(target, symbol) for target in (UP, RETURN) for symbol in (None, *SYMBOLS)]
        jobs = [world.job(target, symbol, families=RIDGE) for target, symbol in pairs]
        assert {outcome.status for outcome in train_jobs(jobs, world.context)} == {OutcomeStatus.DONE}
        assert {outcome.status for outcome in train_jobs(jobs, world.context)} == {OutcomeStatus.SKIPPED}
        found.append([model_path(job, "ridge", world.layout).read_bytes() for job in jobs])
    assert found[0] == found[1]
    assert len(set(found[0])) == len(found[0])


def test_a_model_whose_numbers_were_edited_is_corrupt_and_trained_again(world: World) -> None:
    job = world.job(UP, "AAA", families=RIDGE)
    list(train_jobs([job], world.context))
    path = model_path(job, "ridge", world.layout)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"clip":3.0', b'"clip":9.0'))
    assert job_status(job, world.context).state is ModelState.CORRUPT
    list(train_jobs([job], world.context))
    assert path.read_bytes() == whole


def test_settings_of_ridge_reach_its_models(world: World) -> None:
    changed = world.with_config(families={"ridge": {"clip": 1.5}})
    job = changed.job(UP, "AAA", families=RIDGE)
    list(train_jobs([job], changed.context))
    assert json.loads(model_path(job, "ridge", changed.layout).read_bytes())["clip"] == 1.5
