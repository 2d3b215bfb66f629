"""Scores and their bootstrap errors against plain references."""

import numpy as np
import pytest
from foxml_assets.selection.blocks import TimeBlocks, make_blocks
from foxml_assets.selection.estimates import estimate, mean_over_symbols
from foxml_assets.selection.scores import concordance, replicate_scores
from foxml_assets.selection.single_skill import single_skill
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, spearmanr

from foxml_assets.selection.config import BootstrapConfig
from foxml_assets.selection.folds import Fold
from foxml_assets.vocabulary import ScoreMetric

FOLDS = (Fold(0, 90, 100, 160), Fold(1, 150, 160, 230))


def blocks_of(folds: tuple[Fold, ...], replicates: int = 300, min_block: int = 10) -> TimeBlocks:
    return make_blocks(folds, 2, BootstrapConfig(replicates=replicates, min_block_bars=min_block), seed=3)


def rows(seed: int, *, ties: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, predictions and bars of all test bars, the prediction carrying some signal."""
    rng = np.random.default_rng(seed)
    bar = np.arange(100, 230)
    value = rng.standard_normal(len(bar))
    prediction = value + 2.0 * rng.standard_normal(len(bar))
    return value, np.round(prediction) if ties else prediction, bar


def reference_auc(y: np.ndarray, prediction: np.ndarray) -> float:
    positive, negative = prediction[y > 0.5], prediction[y < 0.5]
    return float(mannwhitneyu(positive, negative).statistic) / (len(positive) * len(negative))


@pytest.mark.parametrize("ties", [False, True])
def test_auc_of_one_window_is_the_rank_formula(ties: bool) -> None:
    value, prediction, bar = rows(1, ties=ties)
    y = (value > 0.4).astype(float)
    blocks = blocks_of((Fold(0, 90, 100, 230),))
    score = replicate_scores(ScoreMetric.AUC, y, prediction, bar, blocks)[0]
    assert score == pytest.approx(reference_auc(y, prediction), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_ic_of_one_window_is_spearmans(ties: bool) -> None:
    value, prediction, bar = rows(2, ties=ties)
    blocks = blocks_of((Fold(0, 90, 100, 230),))
    score = replicate_scores(ScoreMetric.IC, value, prediction, bar, blocks)[0]
    assert score == pytest.approx(spearmanr(value, prediction).statistic, abs=1e-9)


def test_auc_over_folds_compares_rows_of_the_same_fold_only() -> None:
    value, prediction, bar = rows(3)
    y = (value > 0).astype(float)
    shifted = prediction + 100.0 * (bar >= 160)
    score = replicate_scores(ScoreMetric.AUC, y, shifted, bar, blocks_of(FOLDS))[0]
    pairs, concordant = 0.0, 0.0
    for fold in FOLDS:
        inside = (bar >= fold.test_start) & (bar < fold.test_stop)
        n = (y[inside] > 0.5).sum() * (y[inside] < 0.5).sum()
        pairs, concordant = pairs + n, concordant + n * reference_auc(y[inside], prediction[inside])
    assert score == pytest.approx(concordant / pairs, abs=1e-12)


@pytest.mark.parametrize("metric", [ScoreMetric.AUC, ScoreMetric.IC])
def test_a_level_shift_between_folds_earns_no_score(metric: ScoreMetric) -> None:
    _, prediction, bar = rows(4)
    rng = np.random.default_rng(5)
    late = bar >= 160
    value = rng.standard_normal(len(bar)) + 3.0 * late
    y = (value > 1.5).astype(float) if metric is ScoreMetric.AUC else value
    score = replicate_scores(metric, y, 10.0 * late + 0.001 * prediction, bar, blocks_of(FOLDS))[0]
    chance = 0.5 if metric is ScoreMetric.AUC else 0.0
    assert abs(score - chance) < 0.2


def test_auc_replicates_equal_a_brute_force_resampling_of_rows() -> None:
    value, prediction, bar = rows(6, ties=True)
    y = (value > 0.3).astype(float)
    blocks = blocks_of((Fold(0, 90, 100, 230),), replicates=50)
    scores = replicate_scores(ScoreMetric.AUC, y, prediction, bar, blocks)
    block = blocks.block_of(bar)
    for draw, score in zip(blocks.draws, scores, strict=True):
        chosen = np.repeat(np.arange(len(y)), draw[block].astype(int))
        assert score == pytest.approx(reference_auc(y[chosen], prediction[chosen]), abs=1e-12)


def test_the_error_of_an_ic_is_that_of_resampled_spearman() -> None:
    value, prediction, bar = rows(7)
    blocks = blocks_of((Fold(0, 90, 100, 230),), replicates=400)
    scores = replicate_scores(ScoreMetric.IC, value, prediction, bar, blocks)
    block = blocks.block_of(bar)
    brute = []
    for draw in blocks.draws[1:]:
        chosen = np.repeat(np.arange(len(value)), draw[block].astype(int))
        brute.append(spearmanr(value[chosen], prediction[chosen]).statistic)
    assert scores[1:].std() == pytest.approx(np.std(brute), rel=0.1)
    assert np.corrcoef(scores[1:], brute)[0, 1] > 0.95


def test_the_error_shrinks_with_the_square_root_of_the_rows() -> None:
    errors = []
    for length in (400, 6_400):
        rng = np.random.default_rng(8)
        y = (rng.random(length) < 0.5).astype(float)
        blocks = make_blocks(
            (Fold(0, 0, 0, length),), 1, BootstrapConfig(replicates=400, min_block_bars=10), 1
        )
        found = estimate(
            replicate_scores(ScoreMetric.AUC, y, rng.standard_normal(length), np.arange(length), blocks)
        )
        assert found.se is not None
        errors.append(found.se * np.sqrt(3.0 * length))
    # The error of a chance AUC with balanced classes is sqrt(1 / (3 n)) (Hanley and McNeil 1982).
    assert errors == pytest.approx([1.0, 1.0], rel=0.2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 6))
def test_concordance_counts_every_pair_once(seed: int, n: int, n_blocks: int) -> None:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(float)
    prediction = rng.integers(0, 5, n).astype(float)
    block = rng.integers(0, n_blocks, n)
    concordant, pairs = concordance(y, prediction, block, n_blocks)
    expected = np.zeros((n_blocks, n_blocks))
    for i in np.flatnonzero(y > 0.5):
        for j in np.flatnonzero(y < 0.5):
            expected[block[i], block[j]] += (prediction[i] > prediction[j]) + 0.5 * (
                prediction[i] == prediction[j]
            )
    np.testing.assert_allclose(concordant, expected)
    assert pairs.sum() == (y > 0.5).sum() * (y < 0.5).sum()


def test_a_constant_prediction_has_no_skill() -> None:
    value, _, bar = rows(9)
    flat = np.zeros(len(bar))
    assert replicate_scores(ScoreMetric.IC, value, flat, bar, blocks_of(FOLDS))[0] == 0.0
    assert replicate_scores(ScoreMetric.AUC, (value > 0) * 1.0, flat, bar, blocks_of(FOLDS))[0] == 0.5


def test_a_single_class_gives_no_score() -> None:
    _, prediction, bar = rows(10)
    found = replicate_scores(ScoreMetric.AUC, np.ones(len(bar)), prediction, bar, blocks_of(FOLDS))
    assert estimate(found).value is None
    assert mean_over_symbols([found]).value is None


def test_the_mean_over_symbols_keeps_what_they_have_in_common() -> None:
    value, prediction, bar = rows(11)
    one = replicate_scores(ScoreMetric.IC, value, prediction, bar, blocks_of(FOLDS))
    single, doubled = mean_over_symbols([one]), mean_over_symbols([one, one.copy()])
    assert single == doubled
    assert single.ci_low is not None
    assert single.ci_low < single.value < single.ci_high


def test_blocks_tile_the_test_windows_and_span_two_horizons() -> None:
    config = BootstrapConfig(replicates=50, min_block_bars=5, max_blocks_per_fold=8)
    for horizon in (1, 6, 12):
        blocks = make_blocks(FOLDS, horizon, config, seed=0)
        bars = np.arange(100, 230)
        block = blocks.block_of(bars)
        assert (np.diff(block) >= 0).all()
        assert block[0] == 0
        assert block[-1] == len(blocks.starts) - 1
        assert (block[bars >= 160].min()) == blocks.bounds[1]
        assert np.bincount(block).min() >= min(2 * horizon, 60)
        assert max(np.diff(blocks.bounds)) <= config.max_blocks_per_fold
    assert (blocks.draws.sum(axis=1) == len(blocks.starts)).all()


def test_single_feature_skill_is_the_rank_formula_on_known_rows() -> None:
    rng = np.random.default_rng(12)
    X = rng.standard_normal((300, 3))
    X[:, 1] = np.round(X[:, 1])
    X[rng.random((300, 3)) < 0.2] = np.nan
    value = rng.standard_normal(300) + np.nan_to_num(X[:, 0])
    y = (value > 0).astype(float)
    auc = single_skill(X, y, classification=True, min_rows=50, min_class_rows=10)
    for column, skill in enumerate(auc):
        known = ~np.isnan(X[:, column])
        assert skill == pytest.approx(2 * reference_auc(y[known], X[known, column]) - 1, abs=1e-12)
    ic = single_skill(np.nan_to_num(X), value, classification=False, min_rows=50, min_class_rows=10)
    for column, skill in enumerate(ic):
        assert skill == pytest.approx(spearmanr(np.nan_to_num(X[:, column]), value).statistic, abs=1e-9)


def test_skill_from_too_few_rows_or_positives_is_not_measured() -> None:
    rng = np.random.default_rng(13)
    X = rng.standard_normal((100, 1))
    y = np.zeros(100)
    y[:6] = 1.0
    assert np.isnan(single_skill(X, y, classification=True, min_rows=50, min_class_rows=10)).all()
    assert np.isnan(single_skill(X, y, classification=True, min_rows=150, min_class_rows=1)).all()
    assert np.isfinite(single_skill(X, y, classification=True, min_rows=50, min_class_rows=5)).all()
