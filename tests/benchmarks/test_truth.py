"""The truth tables: scores and their errors, planted skill, judged choices, and the files of a world."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.stats import spearmanr
from small_world import SMALL, world_without_leaks

from benchmarks.truth import overrides
from benchmarks.worlds.choices import Choice, planted_choices, truth_of
from benchmarks.worlds.files import write_config, write_panel
from benchmarks.worlds.scoring import blocks_of, skill_by_block
from benchmarks.worlds.served import served_as
from benchmarks.worlds.skills import SkillTable, skill_table
from benchmarks.worlds.spec import Kind
from benchmarks.worlds.verdicts import kind_rows, verdict
from benchmarks.worlds.world import World, make_world
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.files.reading import read_file_panel
from foxml_assets.panel.folds import holdout_start
from foxml_assets.training.scores import score


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, SkillTable]:
    world = world_without_leaks()
    return world, skill_table(world, tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("task", list(TaskType))
def test_skill_is_that_of_the_training_report(task: TaskType) -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 800))
    y = x + 2 * noise
    y = (y > 0).astype(float) if task is TaskType.CLASSIFICATION else y
    prediction = np.round(x, 1)
    value, _ = skill_by_block(task, y, prediction, blocks_of(800, 20), 20)
    assert value == pytest.approx(score(task, y, prediction, min_rows=20).skill, abs=1e-9)


@pytest.mark.parametrize("task", list(TaskType))
def test_errors_are_those_of_repeated_samples(task: TaskType) -> None:
    rng = np.random.default_rng(1)
    values, errors = [], []
    for _ in range(300):
        x, noise = rng.standard_normal((2, 900))
        y = 0.5 * x + noise
        y = (y > 0).astype(float) if task is TaskType.CLASSIFICATION else y
        value, sums = skill_by_block(task, y, x, blocks_of(900, 30), 30)
        values.append(value)
        errors.append(np.sqrt((sums**2).sum()))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_clustered_rows_have_larger_errors() -> None:
    rng = np.random.default_rng(2)
    x, noise = np.repeat(rng.standard_normal((2, 60)), 30, axis=1)
    y = x + 2 * noise + 0.01 * rng.standard_normal(1_800)
    few = skill_by_block(TaskType.REGRESSION, y, x, blocks_of(1_800, 60), 60)[1]
    each = skill_by_block(TaskType.REGRESSION, y, x, blocks_of(1_800, 1_800), 1_800)[1]
    assert np.sqrt((few**2).sum()) > 3 * np.sqrt((each**2).sum())
    assert spearmanr(x, y).statistic > 0


def test_planted_relations_are_found_and_nothing_else(measured: tuple[World, SkillTable]) -> None:
    world, table = measured
    pooled, own = table.place("lightgbm", None), table.place(None, "lightgbm")
    planted, kind = planted_choices(world), kind_rows(world)
    z = table.skill / np.sqrt((table.influence**2).sum(axis=-1))
    assert (z[planted == Choice.POOLED][:, pooled] > 3).all()
    assert (z[planted == Choice.OWN][:, own] > 3).mean() > 0.9
    hollow = np.abs(z[planted == Choice.NONE])
    assert hollow.mean() < 1.2
    for name in (Kind.NOISE, Kind.DRIFT):
        assert abs(table.skill[kind == name.value].mean()) < 0.02


def test_a_truth_table_is_taken_from_the_cache(tmp_path: Path) -> None:
    world = make_world(replace(SMALL, n_symbols=2, kinds=replace(SMALL.kinds, leak=0), holdout_bars=500), 4)
    first = skill_table(world, tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = skill_table(world, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    np.testing.assert_array_equal(first.skill, again.skill)
    assert (again.pooled_seconds > 0).all()
    assert (again.own_seconds > 0).all()


def test_verdicts_put_knowledge_above_ignorance(measured: tuple[World, SkillTable]) -> None:
    world, table = measured
    truth = truth_of(world, table)
    found = {
        name: verdict(world, table, truth, served_as(world, table, choice))
        for name, choice in {
            "nothing": np.full_like(truth.planted, Choice.NONE),
            "pooled": np.full_like(truth.planted, Choice.POOLED),
            "both": np.full_like(truth.planted, Choice.BOTH),
            "planted": truth.planted,
            "oracle": truth.oracle,
        }.items()
    }
    assert found["oracle"].kept == pytest.approx(1.0)
    assert found["nothing"].kept == found["nothing"].cost == found["nothing"].noise_trained == 0.0
    assert found["both"].cost == pytest.approx(1.0)
    assert found["both"].noise_trained == found["both"].drift_trained == 1.0
    assert found["planted"].kept_planted == pytest.approx(1.0)
    assert found["planted"].noise_trained == found["planted"].unrelated_trained == 0.0
    assert found["planted"].decidable > max(found["pooled"].decidable, found["nothing"].decidable)
    assert found["planted"].kept > found["pooled"].kept - 0.05


def test_the_project_reads_the_panel_of_a_world(tmp_path: Path) -> None:
    spec = replace(SMALL, short_symbols=2, kinds=replace(SMALL.kinds, leak=1))
    world = make_world(spec, 0)
    panel = tmp_path / "panel.parquet"
    write_panel(world, panel)
    settings = {"data_config.yaml": {"evidence": {"n_folds": 3}}}
    write_config(world, panel, tmp_path / "config", settings)
    config = DataConfig.model_validate(yaml.safe_load((tmp_path / "config" / "data_config.yaml").read_text()))
    assert config.evidence.n_folds == 3
    assert holdout_start(spec.n_bars, config.evidence.holdout_fraction) == spec.evidence_bars
    raw = read_file_panel(config.panel)
    assert raw.features == world.features
    assert {target.name for target in raw.targets} == {plan.name for plan in world.targets}
    assert len(raw.frame) == spec.n_bars * spec.n_symbols - sum(world.starts)
    first = raw.frame[raw.frame["symbol"] == world.symbols[0]]
    np.testing.assert_array_equal(first[list(world.features)].to_numpy(), world.X[0, world.starts[0] :])


def test_a_later_panel_has_evidence_of_the_same_length(tmp_path: Path) -> None:
    world = make_world(replace(SMALL, kinds=replace(SMALL.kinds, leak=0)), 0)
    panel = tmp_path / "panel.parquet"
    write_panel(world, panel, first_bar=100)
    write_config(world, panel, tmp_path / "config", {}, first_bar=100)
    fraction = yaml.safe_load((tmp_path / "config" / "data_config.yaml").read_text())["evidence"][
        "holdout_fraction"
    ]
    n_bars = world.spec.n_bars - 100
    assert pq.read_metadata(panel).num_rows == n_bars * world.spec.n_symbols
    assert holdout_start(n_bars, fraction) == world.spec.evidence_bars


def test_settings_of_the_command_line_are_nested_by_file() -> None:
    assert overrides(["a.yaml:x.y.z=1", "a.yaml:x.y.w=[2]", "b.yaml:q=true"]) == {
        "a.yaml": {"x": {"y": {"z": 1, "w": [2]}}},
        "b.yaml": {"q": True},
    }
    with pytest.raises(SystemExit, match=r"--set a.yaml:x.y=2: x is 1 already"):
        overrides(["a.yaml:x=1", "a.yaml:x.y=2"])
