"""Agreement of importances between folds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from foxml_assets.evidence.scores.stability import stability, top_overlap


def snapshots(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=float)


def test_equal_rankings_agree_fully() -> None:
    found = stability(snapshots(*[[4, 3, 2, 1, 0.5, 0.1]] * 4), top_k=2)
    assert found is not None
    assert (found.n_snapshots, found.mean_overlap, found.mean_tau) == (4, 1.0, pytest.approx(1.0))
    assert found.std_overlap == 0.0
    assert found.std_tau == pytest.approx(0.0)


def test_means_and_deviations_run_over_all_pairs_of_folds() -> None:
    gains = [[4.0, 3, 2, 1], [4.0, 3, 1, 2], [1.0, 2, 3, 4]]
    found = stability(snapshots(*gains), top_k=2)
    taus = [kendalltau(gains[a], gains[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
    assert found is not None
    assert found.mean_tau == pytest.approx(np.mean(taus))
    assert found.std_tau == pytest.approx(np.std(taus))
    assert found.mean_overlap == pytest.approx((1.0 - 1.0 - 1.0) / 3)
    assert found.std_overlap == pytest.approx(np.std([1.0, -1.0, -1.0]))


def test_random_rankings_overlap_no_more_than_by_chance() -> None:
    rng = np.random.default_rng(0)
    overlaps = [top_overlap(rng.random(38), rng.random(38), 19) for _ in range(2_000)]
    assert np.mean(overlaps) == pytest.approx(0.0, abs=0.02)


def test_features_without_importance_agree_with_nothing() -> None:
    found = stability(np.zeros((3, 3)), top_k=1)
    assert found is not None
    assert (found.mean_overlap, found.mean_tau) == (0.0, 0.0)


def test_one_important_feature_in_every_fold_is_perfect_agreement() -> None:
    assert top_overlap(np.array([5.0, 0, 0, 0]), np.array([7.0, 0, 0, 0]), 2) == 1.0


def test_folds_without_a_model_do_not_count() -> None:
    found = stability(snapshots([3, 2, 1, 0], [np.nan] * 4, [3, 2, 0, 1]), top_k=2)
    assert found is not None
    assert (found.n_snapshots, found.mean_overlap) == (2, 1.0)


def test_fewer_than_two_snapshots_have_no_metrics() -> None:
    assert stability(np.full((2, 3), np.nan), 3) is None
    single = stability(snapshots([1.0, 2.0]), 3)
    assert single is not None
    assert (single.n_snapshots, single.mean_overlap, single.mean_tau) == (1, None, None)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.integers(1, 12),
)
def test_overlap_is_symmetric_and_bounded(a: list[float], b: list[float], top_k: int) -> None:
    size = min(len(a), len(b))
    first, second = np.array(a[:size]), np.array(b[:size])
    overlap = top_overlap(first, second, top_k)
    assert overlap == top_overlap(second, first, top_k)
    assert -1.0 <= overlap <= 1.0
