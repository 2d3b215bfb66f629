"""The ridge estimator against plain formulations of the same thing."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import ThreadpoolController, threadpool_info

from foxml_assets.families.ridge.moments import (
    LinearFit,
    Moments,
    column_scales,
    fit_moments,
    linear_sum,
    ridge_penalty,
    row_moments,
    solve_ridge,
    standardise,
    within_groups,
)
from foxml_assets.families.threads import one_blas_thread

R2, CLIP = 0.05, 3.0
seeds = st.integers(0, 2**32 - 1)


def make_rows(seed: int, n: int = 90, p: int = 5, g: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features with heavy tails, gaps, a constant and an empty column; labels; groups of unequal size."""
    rng = np.random.default_rng(seed)
    X = rng.standard_t(3, size=(n, p)) * 10 ** rng.uniform(-6, 6, p) + rng.normal(size=p) * 10
    X[rng.random((n, p)) < 0.1] = np.nan
    X[:, 1], X[:, 3] = 0.1, np.nan
    group = np.concatenate([np.arange(g), np.minimum(rng.geometric(0.4, n - g) - 1, g - 1)])
    level = np.nan_to_num((X[:, 0] - np.nanmean(X[:, 0])) / np.nanstd(X[:, 0]))
    y = level + group + rng.normal(size=n)
    return X, y, group


def plain_z(X: np.ndarray, clip: float = CLIP) -> np.ndarray:
    Z = np.zeros(X.shape)
    for j, x in enumerate(X.T):
        seen = x[~np.isnan(x)]
        if len(set(seen)) > 1:
            Z[:, j] = np.nan_to_num(np.clip((x - seen.mean()) / seen.std(), -clip, clip))
    return Z


def with_dummies(
    X: np.ndarray, y: np.ndarray, group: np.ndarray, r2: float = R2
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and group intercepts by least squares on z and a dummy per group, z penalised."""
    Z, D = plain_z(X), np.eye(group.max() + 1)[group]
    p = sum(len(set(x[~np.isnan(x)])) > 1 for x in X.T)
    penalty = np.sqrt(p / r2) * np.eye(X.shape[1], X.shape[1] + D.shape[1])
    design = np.vstack([np.hstack([Z, D]), penalty])
    solved = np.linalg.lstsq(design, np.concatenate([y, np.zeros(X.shape[1])]), rcond=None)[0]
    return solved[: X.shape[1]], solved[X.shape[1] :]


def moments_of(X: np.ndarray, y: np.ndarray, group: np.ndarray) -> Moments:
    return row_moments(standardise(X, column_scales(X), CLIP), y, group, group.max() + 1)


def fitted(X: np.ndarray, y: np.ndarray, group: np.ndarray, prior_rows: float = 0.0) -> LinearFit:
    n_features = column_scales(X).n_used
    return fit_moments(
        moments_of(X, y, group), n_features=n_features, prior_r2=R2, intercept_prior_rows=prior_rows
    )


@given(seed=seeds, g=st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_fixed_effects_are_a_dummy_per_group(seed: int, g: int) -> None:
    X, y, group = make_rows(seed, g=g)
    fit = fitted(X, y, group)
    coefficients, intercepts = with_dummies(X, y, group)
    np.testing.assert_allclose(fit.coefficients, coefficients, atol=1e-9)
    np.testing.assert_allclose(fit.intercepts, intercepts, atol=1e-9)


@given(seed=seeds, prior_rows=st.floats(0, 1e4))
@settings(max_examples=40, deadline=None)
def test_intercepts_are_shrunk_by_their_rows(seed: int, prior_rows: float) -> None:
    X, y, group = make_rows(seed)
    own, shrunk = fitted(X, y, group), fitted(X, y, group, prior_rows)
    overall = y.mean() - plain_z(X).mean(axis=0) @ own.coefficients
    n = np.bincount(group)
    assert shrunk.intercept == pytest.approx(overall, abs=1e-9)
    expected = overall + n / (n + prior_rows) * (own.intercepts - overall)
    np.testing.assert_allclose(shrunk.intercepts, expected, atol=1e-9)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_one_group_is_plain_ridge_with_one_intercept(seed: int) -> None:
    X, y, group = make_rows(seed, g=1)
    fit, Z = fitted(X, y, group, 100.0), plain_z(X)
    centred = Z - Z.mean(axis=0)
    expected = np.linalg.solve(centred.T @ centred + 3 / R2 * np.eye(5), centred.T @ (y - y.mean()))
    np.testing.assert_allclose(fit.coefficients, expected, atol=1e-9)
    assert fit.intercepts.tolist() == [fit.intercept]
    assert fit.intercept == pytest.approx(y.mean() - Z.mean(axis=0) @ expected)


def test_constant_and_empty_columns_are_not_used() -> None:
    X, y, group = make_rows(1)
    scales, fit = column_scales(X), fitted(X, y, group)
    assert (scales.scales == 0).tolist() == [False, True, False, True, False]
    assert scales.n_used == 3
    assert fit.coefficients[[1, 3]].tolist() == [0.0, 0.0]
    without = fitted(X[:, [0, 2, 4]], y, group)
    np.testing.assert_allclose(without.coefficients, fit.coefficients[[0, 2, 4]], rtol=1e-12)


def test_gaps_count_as_the_mean_and_extremes_as_the_clip() -> None:
    X = np.array([[0.0], [2.0], [np.nan], [1.0]])
    scales = column_scales(X)
    assert scales.means.tolist() == [1.0]
    assert scales.scales[0] == pytest.approx(np.sqrt(2 / 3))
    late = np.array([[np.nan], [1e9], [-np.inf], [1.0]])
    assert standardise(late, scales, 2.5)[:, 0].tolist() == [0.0, 2.5, -2.5, 0.0]


def test_infinite_values_do_not_reach_the_scale() -> None:
    X = np.array([[1.0], [3.0], [np.inf], [-np.inf]])
    scales = column_scales(X)
    assert (scales.means.tolist(), scales.scales.tolist()) == ([2.0], [1.0])


def test_the_penalty_lets_all_features_explain_the_prior_share() -> None:
    rng = np.random.default_rng(3)
    p, n = 25, 400
    share = np.empty(300)
    for draw in range(len(share)):
        b = rng.normal(size=p) * np.sqrt(0.2 / p)
        share[draw] = np.var(rng.normal(size=(n, p)) @ b)
    assert share.mean() == pytest.approx(0.2, abs=0.02)
    assert ridge_penalty(p, 0.2) == pytest.approx(1.0 / (0.2 / p))


@given(seed=seeds, cut=st.integers(1, 89))
@settings(max_examples=30, deadline=None)
def test_moments_of_blocks_add_up(seed: int, cut: int) -> None:
    X, y, group = make_rows(seed)
    Z, g = standardise(X, column_scales(X), CLIP), group.max() + 1
    whole = row_moments(Z, y, group, g)
    parts = [row_moments(Z[rows], y[rows], group[rows], g) for rows in (slice(cut), slice(cut, None))]
    for name in ("counts", "z", "y", "gram", "cross"):
        total = getattr(parts[0], name) + getattr(parts[1], name)
        np.testing.assert_allclose(total, getattr(whole, name), atol=1e-9)


def test_a_group_without_rows_has_the_overall_intercept() -> None:
    X, y, group = make_rows(2, g=3)
    Z = standardise(X, column_scales(X), CLIP)
    fit = fit_moments(row_moments(Z, y, group, 5), n_features=3, prior_r2=R2, intercept_prior_rows=10.0)
    assert fit.intercepts[3:].tolist() == [fit.intercept] * 2
    np.testing.assert_allclose(fit.coefficients, fitted(X, y, group).coefficients, rtol=1e-12)


def test_several_labels_are_solved_at_once() -> None:
    gram, cross = within_groups(moments_of(*make_rows(4)))
    both = solve_ridge(gram, np.column_stack([cross, 2 * cross]), 60.0)
    np.testing.assert_allclose(both[:, 0], solve_ridge(gram, cross, 60.0), rtol=1e-12)
    np.testing.assert_allclose(both[:, 1], 2 * both[:, 0], rtol=1e-12)
    assert solve_ridge(np.empty((0, 0)), np.empty(0), 0.0).shape == (0,)


@given(seed=seeds, rows=st.lists(st.integers(0, 89), min_size=1, max_size=30), single=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_row_is_predicted_the_same_in_any_company(seed: int, rows: list[int], single: bool) -> None:
    X, y, group = make_rows(seed)
    if single:
        X = X.astype(np.float32)
    scales, fit = column_scales(X), fitted(X, y, group)
    whole = linear_sum(X, scales, CLIP, fit.coefficients)
    np.testing.assert_array_equal(linear_sum(X[rows], scales, CLIP, fit.coefficients), whole[rows])
    np.testing.assert_allclose(whole, plain_z(X.astype(np.float64)) @ fit.coefficients, atol=1e-9)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_layout_of_the_memory_does_not_matter(seed: int) -> None:
    X, y, group = make_rows(seed, n=3_000)
    one, two = fitted(np.ascontiguousarray(X), y, group), fitted(np.asfortranarray(X), y, group)
    np.testing.assert_array_equal(one.coefficients, two.coefficients)
    np.testing.assert_array_equal(one.intercepts, two.intercepts)


def set_blas_threads(number: int) -> None:
    """From a thread that ends, because the thread that set a limit last keeps others from setting one."""
    controller = ThreadpoolController()
    setter = threading.Thread(target=lambda: controller.limit(limits=number, user_api="blas"))
    setter.start()
    setter.join()


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture
def two_blas_threads() -> Iterator[None]:
    before = max(blas_threads())
    set_blas_threads(2)
    yield
    set_blas_threads(before)


@pytest.mark.usefixtures("two_blas_threads")
def test_fits_side_by_side_give_the_same_bits_and_leave_blas_as_it_was() -> None:
    X, y, group = make_rows(6, n=20_000, p=40)
    alone = fitted(X, y, group).coefficients.tobytes()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: fitted(X, y, group).coefficients.tobytes(), range(12)))
    assert set(results) == {alone}
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_blas_threads")
def test_there_is_one_blas_thread_inside_whoever_else_comes_and_goes() -> None:
    def inside(number: int) -> set[int]:
        with one_blas_thread():
            time.sleep(0.001 * (number % 3))
            return blas_threads()

    with ThreadPoolExecutor(4) as pool:
        assert all(found == {1} for found in pool.map(inside, range(24)))
    assert blas_threads() == {2}
