"""Worlds are reproducible, honest columns know nothing of the future, leaks know what they should."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from small_world import SMALL, small_world

from benchmarks.worlds.big import BIG
from benchmarks.worlds.features import cycle, honest_features, lagged, rolling_mean
from benchmarks.worlds.flags import single_auc
from benchmarks.worlds.series import (
    forward_volatility,
    shifted,
    trailing_mean,
    trailing_volatility,
)
from benchmarks.worlds.signals import Shape, future_sum
from benchmarks.worlds.spec import LEAKS, PRESETS, Kind, KindCounts, LeakKind
from benchmarks.worlds.world import make_world
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.panel.horizons import Horizon, infer_horizon


def test_same_seed_same_world() -> None:
    first, again, other = small_world(), make_world(SMALL, 0), make_world(SMALL, 1)
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.targets == again.targets
    assert first.leaks == again.leaks
    assert not np.array_equal(first.labels, other.labels)


def test_horizons_are_read_from_the_names_of_targets() -> None:
    for spec in (SMALL, replace(SMALL, bar_minutes=1), replace(SMALL, bar_minutes=5)):
        for plan in make_world(spec, 0).targets:
            horizon = infer_horizon(plan.name)
            assert isinstance(horizon, Horizon)
            assert horizon.in_bars(spec.bar_minutes) == plan.horizon


def test_a_label_sums_the_responses_after_its_bar() -> None:
    response = np.arange(20.0).reshape(2, 10)
    total = future_sum(response, 3)
    assert total[0, 0] == 1 + 2 + 3
    assert total[1, 6] == 17 + 18 + 19
    assert np.isnan(total[:, 7:]).all()
    assert not np.isnan(total[:, :7]).any()


def test_forward_volatility_knows_only_what_comes_after_its_bar() -> None:
    response = np.random.default_rng(0).standard_normal((1, 400))
    changed = response.copy()
    changed[:, :201] *= 3.0
    difference = forward_volatility(response, 5) - forward_volatility(changed, 5)
    # The labels are centred by their median, so a constant shift remains.
    after = difference[0, 200:395]
    np.testing.assert_allclose(after, after[0], atol=1e-9)
    assert abs(difference[0, 199] - after[0]) > 1e-6


def test_a_rolling_mean_is_one() -> None:
    series = np.random.default_rng(3).standard_normal((2, 50))
    mean = rolling_mean(series, 4)
    assert mean[1, 20] == pytest.approx(series[1, 17:21].mean())
    assert mean[1, 2] == pytest.approx(series[1, :3].mean())


def test_a_drifting_relation_is_there_first_and_gone_in_the_holdout() -> None:
    world = make_world(replace(SMALL, kinds=KindCounts(0, 0, 0, 0, 0, 8)), 2)
    everyone = range(len(world.symbols))
    early = slice(0, 550)
    late = slice(world.spec.evidence_bars, world.spec.n_bars - 10)
    found = []
    for number, plan in enumerate(world.targets):
        if plan.shape is Shape.INTERACTION:
            continue
        best = []
        for rows in (early, late):
            y = world.labels[number][:, rows]
            skills = [
                [spearmanr(world.X[symbol, rows, at], y[symbol]).statistic for symbol in everyone]
                for at in world.honest
            ]
            best.append(np.abs(np.mean(skills, axis=1)).max())
        found.append(best)
    before, after = np.mean(found, axis=0)
    assert before > 0.15
    assert after < 0.05


@pytest.mark.parametrize(
    "column",
    [
        lambda x: rolling_mean(x, 7),
        lambda x: lagged(x, 1),
        lambda x: trailing_mean(x, 10),
        lambda x: trailing_volatility(x, 5),
    ],
    ids=["rolling mean", "lag", "trailing mean", "trailing volatility"],
)
def test_honest_columns_rebuilt_on_data_cut_short_are_the_same(
    column: Callable[[np.ndarray], np.ndarray],
) -> None:
    series = np.random.default_rng(1).standard_normal((3, 900))
    whole = column(series)
    for cut in (600, 750, 899):
        np.testing.assert_allclose(column(series[:, :cut]), whole[:, :cut], rtol=1e-12, atol=1e-12)


def test_a_column_shifted_into_the_future_is_not_the_same_on_data_cut_short() -> None:
    series = np.random.default_rng(1).standard_normal((3, 900))
    whole = shifted(trailing_mean(series, 10), 5)
    cut = shifted(trailing_mean(series[:, :600], 10), 5)
    assert not np.allclose(cut[:, 595:], whole[:, 595:600])
    np.testing.assert_allclose(whole[:, :895], trailing_mean(series, 10)[:, 5:])


def test_every_derived_feature_is_unaffected_by_later_factors() -> None:
    spec = replace(SMALL, n_features=30)
    times = pd.bdate_range("2000-01-03", periods=spec.n_bars)
    made = honest_features(spec, times, np.random.default_rng(5))
    assert {recipe.split()[0] for recipe in made.recipes} >= {
        "memory",
        "mean",
        "calendar",
        "season",
        "feature",
    }
    for at, recipe in enumerate(made.recipes):
        match recipe.split():
            case ["mean", "of", window, "of", "feature", source]:
                expected = rolling_mean(made.values[int(source)], int(window))
            case ["feature", source, "one", "bar", "ago"]:
                expected = lagged(made.values[int(source)], 1)
            case ["feature", source, "less", "its", "mean", "of", window]:
                expected = made.values[int(source)] - rolling_mean(made.values[int(source)], int(window))
            case ["calendar"]:
                expected = np.broadcast_to(cycle(times, spec.bar_minutes), made.values[at].shape)
            case _:
                continue
        assert np.corrcoef(made.values[at].ravel(), expected.ravel())[0, 1] > 1 - 1e-9, recipe


def test_copies_reach_the_auc_asked_for_alone() -> None:
    world = small_world()
    numbers = {plan.name: at for at, plan in enumerate(world.targets)}
    copies = [
        (leak, world.targets[numbers[leak.target]].leak)
        for leak in world.leaks
        if world.targets[numbers[leak.target]].leak.kind in (LeakKind.COPY, LeakKind.SOME_SYMBOLS)
    ]
    assert len(copies) == sum(leak.auc is not None for leak in LEAKS)
    for leak, asked in copies:
        found = single_auc(world, numbers[leak.target], leak.column, leak.symbols)
        assert found == pytest.approx(asked.auc, abs=0.02)


def test_shifted_and_centred_columns_know_more_than_any_honest_one() -> None:
    world = small_world()
    numbers = {plan.name: at for at, plan in enumerate(world.targets)}
    everyone = tuple(range(len(world.symbols)))
    seen = set()
    for leak in world.leaks:
        number = numbers[leak.target]
        kind = world.targets[number].leak.kind
        if kind not in (LeakKind.SHIFTED, LeakKind.CENTRED):
            continue
        seen.add(kind)
        found = single_auc(world, number, leak.column, leak.symbols)
        honest = [single_auc(world, number, world.features[at], everyone) for at in world.honest]
        assert found > 0.7
        assert found > max(honest) + 0.05
    assert seen == {LeakKind.SHIFTED, LeakKind.CENTRED}


def test_a_copy_on_some_symbols_is_noise_on_the_others() -> None:
    world = small_world()
    for number, plan in enumerate(world.targets):
        if plan.leak is None or plan.leak.kind is not LeakKind.SOME_SYMBOLS:
            continue
        leak = world.leak_of[plan.name]
        others = tuple(set(range(len(world.symbols))) - set(leak.symbols))
        assert others
        for symbol in others:
            assert single_auc(world, number, leak.column, (symbol,)) < 0.56


def test_names_do_not_tell_which_column_leaks() -> None:
    world = small_world()
    assert list(world.features) == [f"x{at:02d}" for at in range(len(world.features))]
    places = [world.features.index(leak.column) for leak in world.leaks]
    assert len(places) == 16
    assert min(places) < len(world.features) / 2 < max(places)


def test_a_few_seeds_plant_every_leak_of_the_cycle() -> None:
    spec = replace(SMALL, kinds=PRESETS["default"].kinds, evidence_bars=300, holdout_bars=700)
    planted = {plan.leak for seed in range(4) for plan in make_world(spec, seed).targets}
    assert planted == {*LEAKS, None}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_have_what_their_names_say(name: str) -> None:
    spec = PRESETS[name]
    small = replace(spec, holdout_bars=300)
    world = make_world(small, 0)
    assert np.isfinite(world.X).all()
    assert len(world.targets) == spec.n_targets
    late = [start for start in world.starts if start > 0]
    assert len(late) == spec.short_symbols
    assert all(300 <= spec.evidence_bars - start < 900 for start in late)
    assert {plan.kind for plan in world.targets} == set(Kind)
    assert world.times.is_monotonic_increasing
    assert world.times.is_unique
    for plan, label in zip(world.targets, world.labels, strict=True):
        known = label[~np.isnan(label)]
        if plan.task is TaskType.CLASSIFICATION:
            assert 0.35 < known.mean() < 0.65


def test_the_big_world_has_the_size_of_a_user() -> None:
    assert (BIG.n_targets, BIG.n_symbols, BIG.n_bars, BIG.n_features) == (50, 500, 2_500, 40)
    assert BIG.n_bars * BIG.n_symbols == 1_250_000
