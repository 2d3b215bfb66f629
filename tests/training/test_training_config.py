"""Every setting of training_config.yaml, and what it does."""

import logging
from pathlib import Path

import pytest
from training_world import BOTH_FAMILIES, LONELY, RETURN, SYMBOLS, UP, World, make_world

from foxml_assets.core.config_files import load_config, parse_config
from foxml_assets.core.errors import ConfigError
from foxml_assets.training.models.manifest import manifest_path, read_manifest
from foxml_assets.training.outcome import OutcomeStatus
from foxml_assets.training.runner import train_jobs
from foxml_assets.training.training_config import TrainingConfig

SHIPPED = Path(__file__).parents[2] / "config" / "training_config.yaml"
DASK = {"kind": "dask", "scheduler": "tcp://host:8786"}
OUTSIDE_THE_HASH = {"engine": DASK, "storage": {"models": "s3://foxml/models"}, "threads": 5,
                    "batch_size": 9, "min_score_rows": 7,
                    "on_missing_plan": "refuse", "on_stale_plan": "warn",
                    "automatic_training": {"max_jobs": 1}}  # fmt: skip
INSIDE_THE_HASH = {
    "seed": 9,
    "symbol_as_feature": False,
    "min_train_rows": 9,
    "families": {"xgboost": {"rounds": 9}},
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def test_the_shipped_file_writes_out_every_default() -> None:
    assert load_config(SHIPPED, TrainingConfig) == TrainingConfig()
    text = SHIPPED.read_text()
    families = TrainingConfig().families
    for section in (TrainingConfig(), *(families.of(family) for family in families.names)):
        for key in section.model_dump():
            assert f"{key}:" in text


def test_the_hash_covers_what_changes_a_model_and_nothing_else() -> None:
    usual = TrainingConfig()
    assert set(OUTSIDE_THE_HASH) | set(INSIDE_THE_HASH) == set(TrainingConfig.model_fields)
    for key, value in OUTSIDE_THE_HASH.items():
        assert TrainingConfig.model_validate({key: value}).hashes(0.1) == usual.hashes(0.1), key
    for key, value in INSIDE_THE_HASH.items():
        assert TrainingConfig.model_validate({key: value}).hashes(0.1) != usual.hashes(0.1), key
    assert usual.hashes(0.1) != usual.hashes(0.2)


def test_parameters_of_a_family_concern_its_own_hash_alone() -> None:
    usual = TrainingConfig().hashes(0.1)
    other = TrainingConfig.model_validate({"families": {"xgboost": {"rounds": 9}}}).hashes(0.1)
    assert other.settings == usual.settings
    assert [name for name in usual.families if other.of(name) != usual.of(name)] == ["xgboost"]
    more = TrainingConfig.model_validate({"families": {"random_forest": {}}}).hashes(0.1)
    assert more.only(usual.families) == usual


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("engine: {kind: spark}", "engine"),
        ("engine: {kind: dask}", "engine.*scheduler"),
        ("engine: {kind: dask, scheduler: host}", "engine.*scheduler"),
        ("engine: {kind: threads, scheduler: 'tcp://host:8786'}", "engine.*scheduler"),
        ("threads: 0", "threads"),
        ("storage: {models: output/models}", "storage.models.*should be a URL"),
        ("storage: {panel: 'file://data'}", "storage.panel.*should be a URL"),
        ("storage: {models: 's3://foxml/models?versionId=1'}", "storage.models.*neither credentials"),
        ("batch_size: 0", "batch_size"),
        ("on_stale_plan: shrug", "on_stale_plan"),
        ("families: {lightgbm: {num_leafs: 3}}", "num_leafs"),
        ("families: {prophet: {}}", "prophet"),
        ("families: {xgboost: {subsample: 1.5}}", "subsample"),
    ],
)
def test_a_wrong_setting_is_named(text: str, field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        parse_config(text.encode(), TrainingConfig, file=Path("training_config.yaml"))


def scored(world: World, *, symbol: str | None = None) -> float | None:
    job = world.job(UP, symbol)
    outcomes = list(train_jobs([job], world.context))
    assert outcomes[0].status is OutcomeStatus.DONE
    manifest = read_manifest(manifest_path(job, "lightgbm", world.layout))
    return manifest.scores.within_symbols.value


@pytest.mark.parametrize(
    "change",
    [{"seed": 77}, {"symbol_as_feature": False}, {"families": {"lightgbm": {"rounds": 3}}}],
    ids=lambda change: next(iter(change)),
)
def test_settings_of_the_fit_change_the_model(world: World, change: dict[str, object]) -> None:
    assert scored(world) != scored(world.with_config(**change))


def test_hyperparameters_reach_their_own_family(world: World) -> None:
    changed = world.with_config(families={"xgboost": {"rounds": 3}})
    job = changed.job(UP, "AAA", families=BOTH_FAMILIES)
    list(train_jobs([job], changed.context))
    manifest = read_manifest(manifest_path(job, "xgboost", changed.layout))
    assert manifest.params["rounds"] == 3
    assert manifest.params["max_leaves"] == TrainingConfig().families.xgboost.max_leaves


def test_min_train_rows_is_a_bar(world: World) -> None:
    strict = world.with_config(min_train_rows=252)
    (outcome,) = train_jobs([strict.job(UP, "AAA")], strict.context)
    assert outcome.reason == "too few training rows: 251 with a label, min_train_rows is 252"
    assert scored(world.with_config(min_train_rows=251), symbol="AAA") is not None


def test_min_score_rows_is_a_bar(world: World) -> None:
    assert scored(world.with_config(min_score_rows=59, seed=1), symbol="AAA") is not None
    assert scored(world.with_config(min_score_rows=60, seed=2), symbol="AAA") is None


def test_of_a_cluster_one_thread_is_sure() -> None:
    assert TrainingConfig(threads=5).sure_threads == 5
    assert TrainingConfig.model_validate({"threads": 5, "engine": DASK}).sure_threads == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_is_the_number_of_workers(
    world: World, threads: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="foxml_assets.training")
    chosen = world.with_config(threads=threads)
    jobs = [chosen.job(target, symbol) for target in (UP, RETURN, LONELY) for symbol in SYMBOLS]
    list(train_jobs(jobs, chosen.context))
    workers = {record.threadName for record in caplog.records}
    assert len(workers) == threads
    assert all(str(name).startswith("training") for name in workers)
