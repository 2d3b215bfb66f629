"""A manifest is believed in nothing that its job, the settings, the panel or a record can contradict."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from training_world import RETURN, UP, World, make_world

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.hashing import file_hash
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.serving.job_models import load_job_model
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.inventory import JobStatus, job_status
from foxml_assets.training.models.manifest import ModelState, manifest_path, model_path
from foxml_assets.training.outcome import OutcomeStatus
from foxml_assets.training.runner import train_jobs

FEATURES = ("mom", "vol")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A panel with a pooled model and one of a symbol. Not to be changed: copy it."""
    world = make_world(tmp_path_factory.mktemp("template"))
    list(train_jobs([pooled(world), own(world)], world.context))
    return world


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    shutil.copytree(template.layout.root, tmp_path / "root")
    return World(replace(template.context, layout=replace(template.layout, root=tmp_path / "root")))


def pooled(world: World) -> Job:
    return world.job(UP, features=FEATURES, excluded=["DDD"])


def own(world: World) -> Job:
    return world.job(UP, "AAA", features=FEATURES)


def files(world: World, job: Job) -> tuple[Path, Path]:
    """The manifest and the model's file."""
    return tuple(find(job, "lightgbm", world.layout) for find in (manifest_path, model_path))  # type: ignore[return-value]


def edit(path: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def corrupt(job: Job, context: ModelContext) -> str:
    """Why the job's model is corrupt, which it must be."""
    status = job_status(job, context)
    assert status.state is ModelState.CORRUPT, status
    return status.reason


def train(job: Job, world: World) -> JobStatus:
    """Train the job, which must not be skipped, and look again."""
    (outcome,) = train_jobs([job], world.context)
    assert outcome.status is OutcomeStatus.DONE, outcome.reason
    return job_status(job, world.context)


FORGERIES = {
    "job_id": (lambda m: m.update(job_id="cs_other"), "job_id: should be cs_y_up_5d (found 'cs_other')"),
    "target": (lambda m: m.update(target=RETURN), "target: should be y_up_5d (found 'fwd_ret_5d')"),
    "symbol": (lambda m: m.update(symbol="AAA"), "symbol: should be None (found 'AAA')"),
    "type": (
        lambda m: m.update(training_type="symbol_specific"),
        "training_type: should be cross_sectional (found 'symbol_specific')",
    ),
    "task": (
        lambda m: m.update(task_type="regression"),
        "task_type: should be classification (found 'regression')",
    ),
    "family": (lambda m: m.update(family="xgboost"), "family: should be lightgbm (found 'xgboost')"),
    "horizon": (lambda m: m.update(horizon_bars=1), "horizon_bars: should be 5 (found 1)"),
    "a feature": (
        lambda m: m.update(features=["mom", "gap", "symbol"]),
        "features: should have vol (found 'gap')",
    ),
    "the label": (lambda m: m["features"].append(UP), "features: should have nothing else (found 'y_up_5d')"),
    "order": (
        lambda m: m.update(features=["vol", "mom", "symbol"]),
        "features: should be in the order mom, vol, symbol (found 'vol, mom, symbol')",
    ),
    "categorical": (lambda m: m.update(categorical=[]), "categorical: should have symbol"),
    "symbols": (
        lambda m: m.update(symbols=["AAA", "BBB"]),
        "symbols: should have CCC (found 'nothing of it')",
    ),
    "excluded": (
        lambda m: m["symbols"].append("DDD"),
        "symbols: should have nothing else (found 'DDD')",
    ),
    "seed": (lambda m: m.update(seed=1), "seed: should be 20240229 (found 1)"),
    "a parameter": (
        lambda m: m["params"].update(rounds=99),
        "params.rounds: should be 12 (found 99.0)",
    ),
    "model file": (lambda m: m.update(model_file="x.txt"), "model_file: should be model.txt (found 'x.txt')"),
    "before the panel": (
        lambda m: m["training_window"].update(start="2019-12-31T00:00:00"),
        "training_window.start: should not be before the panel's, 2020-01-01T00:00:00",
    ),
    "after the panel": (
        lambda m: m["holdout_window"].update(end="2031-01-01T00:00:00"),
        "holdout_window.end: should not be after the panel's",
    ),
    "into the hold-out": (
        lambda m: m["training_window"].update(end="2021-01-04T00:00:00"),
        "training_window.end: should be before the hold-out, 2020-12-24T00:00:00",
    ),
    "no rows": (lambda m: m["training_window"].update(rows=0), "training_window.rows: should be at least 1"),
    "too many rows": (
        lambda m: m["training_window"].update(rows=10**6),
        "training_window.rows: should be at most",
    ),
    "hold-out rows": (lambda m: m["holdout_window"].update(rows=1), "scores.stacked.n: should be 1"),
    "scores of others": (
        lambda m: m["scores"]["by_symbol"][0].update(symbol="DDD"),
        "scores.by_symbol: should have AAA (found 'DDD')",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_field_is_named_and_its_model_trained_again(world: World, name: str) -> None:
    job = pooled(world)
    manifest, _ = files(world, job)
    whole = manifest.read_bytes()
    change, told = FORGERIES[name]
    edit(manifest, change)
    assert told in corrupt(job, world.context)
    with pytest.raises(TrainingError, match="corrupt"):
        load_job_model(job, world.context)
    assert train(job, world).state is ModelState.TRAINED
    assert manifest.read_bytes() == whole


def test_another_jobs_model_under_a_matching_hash_is_not_what_was_recorded(world: World) -> None:
    job, other = own(world), world.job(UP, "BBB", features=FEATURES)
    manifest, model = files(world, job)
    recorded = file_hash(manifest)
    context = replace(world.context, recorded={(job.spec_hash, "lightgbm"): recorded})
    assert job_status(job, context).state is ModelState.TRAINED
    list(train_jobs([other], context))
    shutil.copy(files(world, other)[1], model)
    edit(manifest, lambda content: content.update(sha256=file_hash(model)))
    reason = corrupt(job, context)
    assert f"manifest: training recorded one with the SHA-256 {recorded}" in reason
    assert file_hash(manifest) in reason
    assert train(job, World(context)).state is ModelState.TRAINED
    assert file_hash(manifest) == recorded


@pytest.mark.parametrize("which", ["manifest", "model"])
@pytest.mark.parametrize("leads", ["to the same bytes", "nowhere"])
def test_a_link_is_refused_and_replaced_by_a_model_without_being_followed(
    world: World, tmp_path: Path, which: str, leads: str
) -> None:
    job = own(world)
    path = files(world, job)[which == "model"]
    whole, elsewhere = path.read_bytes(), tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere if leads == "to the same bytes" else tmp_path / "gone")
    before = elsewhere.stat()
    reason = corrupt(job, world.context)
    assert f"{path}: is a link" in reason
    assert str(path.readlink()) in reason
    with pytest.raises(TrainingError, match="is a link"):
        load_job_model(job, world.context)
    assert train(job, world).state is ModelState.TRAINED
    assert not path.is_symlink()
    assert path.read_bytes() == whole
    assert elsewhere.stat() == before
    assert not (tmp_path / "gone").exists()


def test_a_linked_folder_is_refused_by_name_and_nothing_is_written_through_it(
    world: World, tmp_path: Path
) -> None:
    job = own(world)
    folder = files(world, job)[0].parent
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    before = {path: path.stat() for path in (tmp_path / "elsewhere").iterdir()}
    assert f"{folder}: is a link" in corrupt(job, world.context)
    (outcome,) = train_jobs([job], world.context)
    assert outcome.status is OutcomeStatus.FAILED
    assert f"{folder}: is a link" in outcome.reason
    assert {path: path.stat() for path in (tmp_path / "elsewhere").iterdir()} == before


def test_what_has_moved_on_accuses_no_model(world: World) -> None:
    job = pooled(world)
    other_settings = world.with_config(seed=1, symbol_as_feature=False).context
    assert job_status(job, other_settings).state is ModelState.TRAINED
    info = world.context.info
    shorter = replace(
        info,
        symbols=info.symbols[:2],
        end=info.start,
        training_rows=info.training_rows[:2],
        feature_hashes=info.feature_hashes[:2],
        label_hashes={name: hashes[:2] for name, hashes in info.label_hashes.items()},
    )
    for panel in (shorter, None):
        context = ModelContext(world.layout, panel, world.context.config, world.context.holdout_fraction)
        assert job_status(job, context).state is ModelState.TRAINED
    edit(files(world, job)[0], lambda content: content["symbols"].append("DDD"))
    assert "symbols: should have nothing else (found 'DDD')" in corrupt(job, context)


def test_neither_another_order_of_columns_nor_another_id_of_the_pair_is_a_contradiction(
    tmp_path: Path,
) -> None:
    world = make_world(tmp_path)
    job = world.job(UP, "AAA")
    list(train_jobs([job], world.context))
    info = world.context.info
    turned = replace(world.context, info=replace(info, features=info.features[::-1]))
    assert job_status(job, turned).state is ModelState.TRAINED
    hashed = msgspec.structs.replace(job, job_id=f"{job.job_id}~00000000")
    assert job_status(hashed, world.context).state is ModelState.TRAINED
    edit(files(world, job)[0], lambda content: content["features"].reverse())
    assert job_status(job, world.context).state is ModelState.TRAINED
