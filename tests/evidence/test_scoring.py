"""Scores, influences and errors from block sums, against plain references."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, rankdata, spearmanr

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.evidence.scores.blocks import TimeBlocks, make_blocks
from foxml_assets.evidence.scores.sums import (
    NORMAL_95,
    BlockSums,
    block_sums,
    difference,
    estimates,
    mean_scores,
    scores,
)
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.panel.folds import Fold

FOLDS = (Fold(0, 90, 100, 160), Fold(1, 150, 160, 230))
METRICS = (ScoreMetric.AUC, ScoreMetric.IC)


def rows(seed: int, n: int = 130, *, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A continuous label and a prediction with some of its signal."""
    rng = np.random.default_rng(seed)
    value = rng.standard_normal(n)
    prediction = value + 2.0 * rng.standard_normal(n)
    return (np.round(2.0 * value), np.round(prediction)) if ties else (value, prediction)


def label_of(metric: ScoreMetric, value: np.ndarray) -> np.ndarray:
    return (value > 0.3).astype(float) if metric is ScoreMetric.AUC else value


def auc(y: np.ndarray, prediction: np.ndarray) -> float:
    positive, negative = prediction[y > 0.5], prediction[y < 0.5]
    return float(mannwhitneyu(positive, negative).statistic) / (len(positive) * len(negative))


def auc_by_pairs(y: np.ndarray, p: np.ndarray, fold: np.ndarray, weight: np.ndarray) -> float:
    """Concordance of the pairs of each fold, each pair weighted by the weights of both rows; over folds it is
    weighted by their pairs, of which each row brings one half times its own weight."""
    score = total = 0.0
    for at in np.unique(fold):
        pairs = comparable = concordant = 0.0
        for i, j in product(
            np.flatnonzero((y > 0.5) & (fold == at)), np.flatnonzero((y < 0.5) & (fold == at))
        ):
            pairs += 0.5 * (weight[i] + weight[j])
            comparable += weight[i] * weight[j]
            concordant += weight[i] * weight[j] * ((p[i] > p[j]) + 0.5 * (p[i] == p[j]))
        score += pairs * concordant / comparable
        total += pairs
    return score / total


def ic_by_ranks(y: np.ndarray, p: np.ndarray, fold: np.ndarray, weight: np.ndarray) -> float:
    """Correlation of mid-ranks within folds, as shares of the fold's rows, centred."""
    a, b = np.zeros(len(y)), np.zeros(len(y))
    for at in np.unique(fold):
        inside = fold == at
        for out, values in ((a, y), (b, p)):
            ranks = rankdata(values[inside]) / inside.sum()
            out[inside] = ranks - ranks.mean()
    return float((weight * a * b).sum() / np.sqrt((weight * a * a).sum() * (weight * b * b).sum()))


def reference(metric: ScoreMetric) -> object:
    return auc_by_pairs if metric is ScoreMetric.AUC else ic_by_ranks


def sums_of(metric: ScoreMetric, y: np.ndarray, *predictions: np.ndarray, block: np.ndarray) -> BlockSums:
    fold = np.zeros(len(y), dtype=np.int64)
    return block_sums(metric, y, np.stack(predictions), fold, block, int(block.max()) + 1)


@pytest.mark.parametrize("ties", [False, True])
def test_scores_of_one_fold_are_mann_whitney_and_spearman(ties: bool) -> None:
    value, prediction = rows(1, ties=ties)
    block = np.arange(130) // 13
    y = label_of(ScoreMetric.AUC, value)
    found = scores(sums_of(ScoreMetric.AUC, y, prediction, block=block)).value[0]
    assert found == pytest.approx(auc(y, prediction), abs=1e-12)
    found = scores(sums_of(ScoreMetric.IC, value, prediction, block=block)).value[0]
    assert found == pytest.approx(spearmanr(value, prediction).statistic, abs=1e-12)


@pytest.mark.parametrize(("metric", "ties"), list(product(METRICS, [False, True])))
def test_only_rows_of_the_same_fold_are_compared(metric: ScoreMetric, ties: bool) -> None:
    value, prediction = rows(2, ties=ties)
    y, fold, block = label_of(metric, value), np.arange(130) // 50, np.arange(130) // 10
    plain = scores(block_sums(metric, y, prediction[None], fold, block, 13)).value[0]
    assert plain == pytest.approx(reference(metric)(y, prediction, fold, np.ones(130)), abs=1e-12)
    shifted = scores(block_sums(metric, y, (prediction + 100.0 * fold)[None], fold, block, 13)).value[0]
    assert shifted == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize(("metric", "ties"), list(product(METRICS, [False, True])))
def test_influence_is_the_derivative_by_the_weight_of_a_block(metric: ScoreMetric, ties: bool) -> None:
    value, prediction = rows(3, ties=ties)
    y, fold, block = label_of(metric, value), np.arange(130) // 65, np.arange(130) // 13
    found = scores(block_sums(metric, y, prediction[None], fold, block, 10))
    for at in range(10):
        step = 1e-5 * (block == at)
        up, down = (reference(metric)(y, prediction, fold, 1.0 + sign * step) for sign in (1, -1))
        assert found.influence[0, at] == pytest.approx((up - down) / 2e-5, abs=1e-7)
    assert found.influence.sum() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_a_part_of_the_blocks_is_scored_alone(metric: ScoreMetric) -> None:
    value, prediction = rows(4)
    y, fold, block = label_of(metric, value), np.arange(130) // 65, np.arange(130) // 13
    sums = block_sums(metric, y, prediction[None], fold, block, 10)
    late = scores(sums, np.arange(10) >= 5)
    alone = fold == 1
    expected = reference(metric)(y[alone], prediction[alone], fold[alone], np.ones(65))
    assert late.value[0] == pytest.approx(expected, abs=1e-12)
    assert (late.influence[0, :5] == 0.0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_the_standard_error_is_that_of_a_block_bootstrap(metric: ScoreMetric) -> None:
    rng = np.random.default_rng(5)
    n, n_blocks = 2_400, 60
    block = np.arange(n) // (n // n_blocks)
    # A share that all rows of a block have in common: rows counted one by one would understate the error.
    value = rng.standard_normal(n) + rng.standard_normal(n_blocks)[block]
    prediction = 0.4 * value + rng.standard_normal(n) + 0.7 * rng.standard_normal(n_blocks)[block]
    y = label_of(metric, value)
    found = estimates(scores(sums_of(metric, y, prediction, block=block)))[0]
    resampled = []
    for _ in range(400):
        drawn = np.bincount(rng.integers(n_blocks, size=n_blocks), minlength=n_blocks)
        chosen = np.repeat(np.arange(n), drawn[block])
        score = auc if metric is ScoreMetric.AUC else lambda a, b: spearmanr(a, b).statistic
        resampled.append(score(y[chosen], prediction[chosen]))
    assert found.se == pytest.approx(np.std(resampled), rel=0.15)
    naive = estimates(scores(sums_of(metric, y, prediction, block=np.arange(n))))[0]
    assert found.se > 1.5 * naive.se


def test_the_error_of_a_chance_auc_shrinks_with_the_square_root_of_the_rows() -> None:
    errors = []
    for n in (400, 6_400):
        rng = np.random.default_rng(8)
        y, block = (rng.random(n) < 0.5).astype(float), np.arange(n) // 10
        found = estimates(scores(sums_of(ScoreMetric.AUC, y, rng.standard_normal(n), block=block)))[0]
        errors.append(found.se * np.sqrt(3.0 * n))
    # It is sqrt(1 / (3 n)) for balanced classes (Hanley and McNeil 1982).
    assert errors == pytest.approx([1.0, 1.0], rel=0.2)


def test_the_interval_is_normal_around_the_score() -> None:
    value, prediction = rows(6)
    found = estimates(scores(sums_of(ScoreMetric.IC, value, prediction, block=np.arange(130) // 10)))[0]
    assert found.ci_low == pytest.approx(found.value - NORMAL_95 * found.se)
    assert found.ci_high == pytest.approx(found.value + NORMAL_95 * found.se)


def test_few_blocks_are_corrected_for() -> None:
    value, prediction = rows(19)
    found = scores(sums_of(ScoreMetric.IC, value, prediction, block=np.arange(130) // 26))
    # The sample variance over five blocks: n / (n - 1).
    expected = np.sqrt(5 / 4 * (found.influence**2).sum())
    assert estimates(found)[0].se == pytest.approx(expected)


def test_without_two_blocks_no_error_is_known() -> None:
    value, prediction = rows(7)
    found = estimates(scores(sums_of(ScoreMetric.IC, value, prediction, block=np.zeros(130, dtype=np.int64))))
    assert found[0].value is not None
    assert (found[0].se, found[0].ci_low, found[0].ci_high) == (None, None, None)


@pytest.mark.parametrize("metric", METRICS)
def test_a_constant_prediction_has_no_skill(metric: ScoreMetric) -> None:
    value, prediction = rows(9)
    y, fold, block = label_of(metric, value), np.arange(130) // 50, np.arange(130) // 13
    found = scores(block_sums(metric, y, np.stack([np.zeros(130), prediction]), fold, block, 10))
    assert metric.to_skill(found.value[0]) == 0.0
    assert metric.to_skill(found.value[1]) > 0.1


@pytest.mark.parametrize("metric", METRICS)
def test_a_value_that_ends_one_fold_and_begins_the_next_is_no_tie(metric: ScoreMetric) -> None:
    value, prediction = rows(18)
    y, fold, block = label_of(metric, value), np.arange(130) // 65, np.arange(130) // 13
    apart = np.where(fold == 0, -np.abs(prediction), np.abs(prediction))
    touching = np.where(fold == 0, apart - apart[:65].max(), apart - apart[65:].min())
    found = scores(block_sums(metric, y, np.stack([apart, touching]), fold, block, 10))
    assert found.value[0] == found.value[1]
    np.testing.assert_array_equal(found.influence[0], found.influence[1])


@pytest.mark.parametrize("metric", METRICS)
def test_a_constant_label_gives_no_score(metric: ScoreMetric) -> None:
    _, prediction = rows(10)
    found = scores(sums_of(metric, np.ones(130), prediction, block=np.arange(130) // 13))
    assert estimates(found)[0].value is None
    assert (found.influence == 0.0).all()


def test_no_rows_give_no_score() -> None:
    nothing = np.zeros(0)
    sums = block_sums(
        ScoreMetric.AUC, nothing, nothing[None], nothing.astype(np.int64), nothing.astype(np.int64), 4
    )
    assert estimates(scores(sums))[0].value is None


@pytest.mark.parametrize("metric", METRICS)
def test_a_fold_of_one_class_adds_nothing_but_ranks(metric: ScoreMetric) -> None:
    value, prediction = rows(11)
    fold = np.arange(130) // 65
    y = np.where(fold == 0, 1.0, label_of(metric, value))
    alone = fold == 1
    found = scores(block_sums(metric, y, prediction[None], fold, np.arange(130) // 13, 10)).value[0]
    expected = reference(metric)(y[alone], prediction[alone], fold[alone], np.ones(65))
    if metric is ScoreMetric.AUC:
        assert found == pytest.approx(expected, abs=1e-12)
    else:
        assert 0.0 < found < expected


@pytest.mark.parametrize("metric", METRICS)
def test_one_huge_value_does_not_hide_the_order_of_the_others(metric: ScoreMetric) -> None:
    value, prediction = rows(12)
    y, fold, block = label_of(metric, value), np.arange(130) // 65, np.arange(130) // 13
    huge = prediction.copy()
    huge[65 + np.argmax(prediction[65:])] = 1e25
    found = scores(block_sums(metric, y, np.stack([prediction, huge]), fold, block, 10)).value
    assert found[1] == found[0]


def test_the_mean_over_symbols_keeps_what_they_have_in_common() -> None:
    value, prediction = rows(13)
    one = scores(sums_of(ScoreMetric.IC, value, prediction, block=np.arange(130) // 13))
    assert estimates(mean_scores([one, one])) == estimates(one)
    other_value, other = rows(14)
    two = scores(sums_of(ScoreMetric.IC, other_value, other, block=np.arange(130) // 13))
    mean = mean_scores([one, two])
    assert mean.value[0] == pytest.approx((one.value[0] + two.value[0]) / 2)
    np.testing.assert_allclose(mean.influence, (one.influence + two.influence) / 2)
    apart = np.hypot(estimates(one)[0].se, estimates(two)[0].se) / 2
    assert estimates(mean)[0].se == pytest.approx(apart, rel=0.5)


def test_a_symbol_without_a_score_does_not_count_in_the_mean() -> None:
    value, prediction = rows(15)
    block = np.arange(130) // 13
    known = scores(sums_of(ScoreMetric.AUC, label_of(ScoreMetric.AUC, value), prediction, block=block))
    unknown = scores(sums_of(ScoreMetric.AUC, np.ones(130), prediction, block=block))
    assert estimates(mean_scores([known, unknown])) == estimates(known)
    assert estimates(mean_scores([unknown]))[0].value is None


@pytest.mark.parametrize("metric", METRICS)
def test_a_paired_difference_is_surer_than_its_parts(metric: ScoreMetric) -> None:
    value, prediction = rows(16, n=1_300)
    rng = np.random.default_rng(17)
    like = prediction + 0.3 * rng.standard_normal(1_300)
    found = scores(
        sums_of(metric, label_of(metric, value), prediction, like, prediction, block=np.arange(1_300) // 20)
    )
    first, second, _ = estimates(found)
    gap = estimates(difference(found, 0, 1))[0]
    assert gap.value == pytest.approx(first.value - second.value)
    assert 0.0 < gap.se < 0.5 * np.hypot(first.se, second.se)
    same = estimates(difference(found, 0, 2))[0]
    assert (same.value, same.se) == (0.0, None)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 4))
def test_concordance_counts_every_pair_once(seed: int, n: int, n_folds: int) -> None:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(float)
    prediction = rng.integers(0, 5, n).astype(float)
    fold = np.sort(rng.integers(0, n_folds, n))
    block = np.sort(rng.integers(0, 6, n))
    sums = block_sums(ScoreMetric.AUC, y, prediction[None], fold, block, 6)
    pairs = [(i, j) for i in np.flatnonzero(y) for j in np.flatnonzero(y == 0) if fold[i] == fold[j]]
    concordant = [(prediction[i] > prediction[j]) + 0.5 * (prediction[i] == prediction[j]) for i, j in pairs]
    assert sums.left.sum() == len(pairs)
    assert sums.cross.sum() == pytest.approx(sum(concordant))
    concordant_halves, halves = np.zeros(6), np.zeros(6)
    for (i, j), count in zip(pairs, concordant, strict=True):
        for at in (block[i], block[j]):
            concordant_halves[at] += 0.5 * count
            halves[at] += 0.5
    np.testing.assert_allclose(sums.cross[0], concordant_halves)
    np.testing.assert_allclose(sums.left[0], halves)


@pytest.mark.parametrize("metric", METRICS)
def test_errors_over_folds_are_those_of_chance(metric: ScoreMetric) -> None:
    """A fold's luck counts once: over folds of eight blocks, z of noise is as wide as Student's t of 39."""
    rng = np.random.default_rng(23)
    fold, block = np.arange(1_000) // 200, np.arange(1_000) // 25
    found = []
    for _ in range(1_500):
        y, prediction = label_of(metric, rng.standard_normal(1_000)), rng.standard_normal((1, 1_000))
        one = estimates(scores(block_sums(metric, y, prediction, fold, block, 40)))[0]
        found.append((one.value - metric.facts.chance) / one.se)
    assert np.std(found) == pytest.approx(np.sqrt(39 / 37), abs=0.06)


def blocks_of(horizon: int, config: BlockConfig, folds: tuple[Fold, ...] = FOLDS) -> TimeBlocks:
    return make_blocks(folds, horizon, config)


def test_blocks_tile_the_test_windows_and_span_two_horizons() -> None:
    config = BlockConfig(min_block_bars=5, max_blocks_per_fold=8)
    bars = np.arange(100, 230)
    for horizon in (1, 6, 12):
        blocks = blocks_of(horizon, config)
        block = blocks.block_of(bars)
        assert set(np.diff(block)) <= {0, 1}
        assert (block[0], block[-1]) == (0, len(blocks) - 1)
        assert block[bars >= 160].min() == blocks.bounds[1]
        assert np.bincount(block).min() >= min(2 * horizon, 60)
        assert max(np.diff(blocks.bounds)) <= config.max_blocks_per_fold
        assert blocks.of_folds(1, 2).tolist() == (block[bars >= 160].min() <= np.arange(len(blocks))).tolist()


def test_blocks_span_the_wanted_bars_or_a_quarter_of_a_short_window() -> None:
    config = BlockConfig(min_block_bars=60, max_blocks_per_fold=60)
    assert len(blocks_of(1, config, (Fold(0, 900, 1_000, 1_600),))) == 10
    assert len(blocks_of(1, config, (Fold(0, 90, 100, 200),))) == 4
    assert len(blocks_of(40, config, (Fold(0, 90, 100, 150),))) == 1
