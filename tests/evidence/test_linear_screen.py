"""The ridge screen: what the model family fits, fold by fold, for many targets at once."""

from dataclasses import replace

import numpy as np
import pytest
from evidence_panels import autoregressive, make_panel

from foxml_assets.core.vocabulary import TaskType
from foxml_assets.evidence.arrays import PanelArrays
from foxml_assets.evidence.screening.ridge_screen import LinearScreen, LinearTask, linear_screen
from foxml_assets.families.params import RidgeParams
from foxml_assets.families.ridge.moments import (
    column_scales,
    fit_moments,
    linear_sum,
    row_moments,
    standardise,
)
from foxml_assets.families.ridge.ridge_family import fit_ridge
from foxml_assets.families.threads import one_blas_thread_throughout
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.folds import Fold, walk_forward

CONFIG = EvidenceConfig(n_folds=3, embargo_bars=2, min_rows=50, holdout_fraction=0.0)
N_BARS, N_SYMBOLS, N_FEATURES = 300, 5, 6


@pytest.fixture(scope="module")
def panel() -> PanelArrays:
    """Features of unequal scale with gaps and an outlier; one symbol starts late, one constant feature."""
    rng = np.random.default_rng(0)
    columns = {
        f"x{at}": (1.0 + at) * autoregressive(rng, (N_SYMBOLS, N_BARS), 0.4) + at for at in range(N_FEATURES)
    }
    columns["x1"][rng.random((N_SYMBOLS, N_BARS)) < 0.1] = np.nan
    columns["x2"][0, 10] = 500.0
    columns["x5"][:] = 3.0
    return make_panel(columns, [N_BARS, N_BARS, N_BARS, N_BARS, 180])


@pytest.fixture(scope="module")
def folds() -> tuple[Fold, ...]:
    return walk_forward(N_BARS, 4, CONFIG)


def labels(panel: PanelArrays, seed: int = 1, missing: float = 0.0, level: float = 2.0) -> np.ndarray:
    """A label with a level per symbol that fixed effects must take out."""
    rng = np.random.default_rng(seed)
    x = np.nan_to_num(panel.X)
    y = 0.3 * x[:, 0] - 0.2 * x[:, 3] / 4 + level * panel.code + rng.standard_normal(len(panel.bar))
    y[rng.random(len(y)) < missing] = np.nan
    return y


def task_of(panel: PanelArrays, *ys: np.ndarray, **changes: np.ndarray) -> LinearTask:
    n = len(ys)
    everything = LinearTask(
        np.stack(ys), np.ones((n, N_FEATURES), dtype=bool), np.ones((n, len(panel.symbols)), dtype=bool)
    )
    return replace(everything, **changes)


def screen(
    panel: PanelArrays, folds: tuple[Fold, ...], task: LinearTask, config: EvidenceConfig = CONFIG
) -> LinearScreen:
    with one_blas_thread_throughout():
        return linear_screen(panel, folds, task, config)


def window(panel: PanelArrays, fold: Fold, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labelled rows that the fold trains on, and those that it tests."""
    known = ~np.isnan(y)
    train = np.flatnonzero((panel.bar < fold.train_stop) & known)
    return train, np.flatnonzero((panel.bar >= fold.test_start) & (panel.bar < fold.test_stop) & known)


@pytest.mark.parametrize("binary", [False, True])
def test_the_pooled_model_is_that_of_the_family_with_the_symbol_as_fixed_effect(
    panel: PanelArrays, folds: tuple[Fold, ...], binary: bool
) -> None:
    y = labels(panel, level=0.0 if binary else 2.0)
    y = (y > 0.5).astype(float) if binary else y
    found = screen(panel, folds, task_of(panel, y))
    table = np.column_stack([panel.X, panel.code])
    # The family cuts predictions of classes to [0, 1]: coefficients are compared before that.
    task = TaskType.REGRESSION
    for fold in folds:
        train, test = window(panel, fold, y)
        model = fit_ridge(
            task, table[train], y[train], params=RidgeParams(), seed=0, categorical=[f"f{N_FEATURES}"]
        )
        np.testing.assert_allclose(found.pooled[0, test], model.predict(table[test]), atol=1e-9)
        np.testing.assert_allclose(
            found.pooled_weights[fold.index, 0], model.content.coefficients[:-1], atol=1e-9
        )


def test_own_models_are_those_of_the_family_on_the_rows_of_one_symbol(
    panel: PanelArrays, folds: tuple[Fold, ...]
) -> None:
    y = labels(panel)
    found = screen(panel, folds, task_of(panel, y))
    fitted = 0
    for fold in folds:
        train, test = window(panel, fold, y)
        for code in range(N_SYMBOLS):
            mine, tested = train[panel.code[train] == code], test[panel.code[test] == code]
            if len(mine) < CONFIG.min_rows:
                assert np.isnan(found.own[0, tested]).all()
                continue
            model = fit_ridge(TaskType.REGRESSION, panel.X[mine], y[mine], params=RidgeParams(), seed=0)
            np.testing.assert_allclose(found.own[0, tested], model.predict(panel.X[tested]), atol=1e-9)
            fitted += 1
    assert fitted == 3 * N_SYMBOLS - 2


def test_rows_without_a_label_features_and_symbols_left_out_do_not_enter(
    panel: PanelArrays, folds: tuple[Fold, ...]
) -> None:
    y, other = labels(panel, missing=0.3), labels(panel, seed=2)
    usable, pooled = np.ones((2, N_FEATURES), dtype=bool), np.ones((2, N_SYMBOLS), dtype=bool)
    usable[0, 3] = pooled[0, 1] = False
    found = screen(panel, folds, task_of(panel, y, other, usable=usable, pooled=pooled))
    columns = np.flatnonzero(usable[0])
    for fold in folds:
        train, test = window(panel, fold, y)
        kept = train[pooled[0, panel.code[train]]]
        # z-scores are those of all rows of the window, labelled or not: targets share them.
        scales = column_scales(panel.X[panel.bar < fold.train_stop][:, columns])
        fitted = fit_moments(
            row_moments(
                standardise(panel.X[kept][:, columns], scales, RidgeParams().clip),
                y[kept] - y[kept].mean(),
                panel.code[kept],
                N_SYMBOLS,
            ),
            n_features=scales.n_used,
            prior_r2=RidgeParams().prior_r2,
            intercept_prior_rows=RidgeParams().intercept_prior_rows,
        )
        slopes = linear_sum(panel.X[test][:, columns], scales, RidgeParams().clip, fitted.coefficients)
        # Of the symbol that is left out the overall one.
        levels = y[kept].mean() + fitted.intercepts[panel.code[test]]
        np.testing.assert_allclose(found.pooled[0, test], levels + slopes, atol=1e-9)
        assert found.pooled_weights[fold.index, 0, 3] == 0.0
        # The family scales by its own training rows: nearly the same.
        table = np.column_stack([panel.X[:, columns], panel.code])
        model = fit_ridge(
            TaskType.REGRESSION,
            table[kept],
            y[kept],
            params=RidgeParams(),
            seed=0,
            categorical=[f"f{len(columns)}"],
        )
        for code in range(N_SYMBOLS):
            at = panel.code[test] == code
            alike = np.corrcoef(model.predict(table[test])[at], found.pooled[0, test][at])[0, 1]
            assert alike > 0.99
    assert (np.isnan(found.pooled[0]) | ~np.isnan(y)).all()


def test_rows_are_predicted_in_test_windows_only(panel: PanelArrays, folds: tuple[Fold, ...]) -> None:
    y = labels(panel, missing=0.1)
    found = screen(panel, folds, task_of(panel, y))
    tested = panel.bar >= folds[0].test_start
    np.testing.assert_array_equal(np.isfinite(found.pooled[0]), tested & ~np.isnan(y))
    assert not np.isfinite(found.own[0, ~tested]).any()


@pytest.mark.parametrize("what", ["labels", "features"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_no_row_of_a_test_window_or_later_enters_its_fit(
    panel: PanelArrays, folds: tuple[Fold, ...], at: int, what: str
) -> None:
    y, rng, fold = labels(panel, missing=0.05), np.random.default_rng(3), folds[at]
    late = panel.bar >= fold.train_stop
    X, altered = panel.X.copy(), y.copy()
    if what == "labels":
        altered[late & ~np.isnan(y)] = rng.standard_normal(int((late & ~np.isnan(y)).sum())) * 50
    else:
        # The tested rows themselves must stay, or their predictions would change rightly.
        later = panel.bar >= fold.test_stop if at < 2 else np.zeros(len(late), dtype=bool)
        embargoed = late & (panel.bar < fold.test_start)
        X[later | embargoed] = rng.standard_normal((int((later | embargoed).sum()), N_FEATURES)) * 50
    before = screen(panel, folds, task_of(panel, y))
    after = screen(replace(panel, X=X), folds, task_of(panel, altered))
    upto = (panel.bar < fold.test_stop) & ((panel.bar >= fold.test_start) | (what == "labels"))
    np.testing.assert_array_equal(after.pooled[:, upto], before.pooled[:, upto])
    np.testing.assert_array_equal(after.own[:, upto], before.own[:, upto])
    np.testing.assert_array_equal(after.pooled_weights[: at + 1], before.pooled_weights[: at + 1])


def test_what_is_trained_on_does_enter(panel: PanelArrays, folds: tuple[Fold, ...]) -> None:
    y = labels(panel)
    altered = y.copy()
    altered[panel.bar == folds[0].train_stop - 1] += 50.0
    before, after = (screen(panel, folds, task_of(panel, one)) for one in (y, altered))
    assert (before.pooled_weights[0] != after.pooled_weights[0]).any()


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("company", ["complete", "with gaps", "of other features", "of other symbols"])
def test_a_target_does_not_depend_on_its_company(
    panel: PanelArrays, folds: tuple[Fold, ...], company: str, missing: float
) -> None:
    y = labels(panel, missing=missing)
    others = [labels(panel, seed, 0.3 if company == "with gaps" else 0.0) for seed in range(5, 12)]
    usable, pooled = np.ones((8, N_FEATURES), dtype=bool), np.ones((8, N_SYMBOLS), dtype=bool)
    if company == "of other features":
        usable[3:, 2] = False
    if company == "of other symbols":
        pooled[3:, 0] = False
    alone = screen(panel, folds, task_of(panel, y))
    together = screen(panel, folds, task_of(panel, y, *others, usable=usable, pooled=pooled)).of(0)
    np.testing.assert_array_equal(together.pooled_weights, alone.pooled_weights)
    np.testing.assert_array_equal(together.pooled, alone.pooled)
    np.testing.assert_array_equal(together.own, alone.own)


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_a_symbol_that_is_left_out_is_left_out_of_a_target_alone_too(
    panel: PanelArrays, folds: tuple[Fold, ...], missing: float
) -> None:
    y, other = labels(panel, missing=missing), labels(panel, seed=5)
    pooled = np.ones((2, N_SYMBOLS), dtype=bool)
    pooled[0, 1] = False
    alone = screen(panel, folds, task_of(panel, y, pooled=pooled[:1]))
    together = screen(panel, folds, task_of(panel, y, other, pooled=pooled)).of(0)
    np.testing.assert_array_equal(together.pooled_weights, alone.pooled_weights)
    np.testing.assert_array_equal(together.pooled, alone.pooled)


def test_threads_change_nothing(panel: PanelArrays, folds: tuple[Fold, ...]) -> None:
    task = task_of(panel, labels(panel), labels(panel, 2, 0.2))
    one, four = (screen(panel, folds, task, CONFIG.model_copy(update={"threads": n})) for n in (1, 4))
    for name in ("pooled", "own", "pooled_weights"):
        np.testing.assert_array_equal(getattr(one, name), getattr(four, name))


def test_a_constant_label_and_too_few_rows_are_not_fitted(
    panel: PanelArrays, folds: tuple[Fold, ...]
) -> None:
    flat, few, y = np.ones(len(panel.bar)), np.full(len(panel.bar), np.nan), labels(panel)
    few[:40] = y[:40]
    found = screen(panel, folds, task_of(panel, flat, few, y))
    assert not np.isfinite(found.pooled[:2]).any()
    assert not np.isfinite(found.own[:2]).any()
    assert np.isnan(found.pooled_weights[:, :2]).all()
    assert np.isfinite(found.pooled[2]).any()


def test_without_a_usable_feature_a_symbol_is_predicted_its_level(
    panel: PanelArrays, folds: tuple[Fold, ...]
) -> None:
    y = labels(panel)
    found = screen(panel, folds, task_of(panel, y, usable=np.zeros((1, N_FEATURES), dtype=bool)))
    for fold in folds:
        train, test = window(panel, fold, y)
        for code in range(N_SYMBOLS):
            mine = y[train[panel.code[train] == code]]
            rows, prior = test[panel.code[test] == code], RidgeParams().intercept_prior_rows
            level = (mine.sum() + prior * y[train].mean()) / (len(mine) + prior)
            np.testing.assert_allclose(found.pooled[0, rows], level)


def test_single_and_double_precision_agree(panel: PanelArrays, folds: tuple[Fold, ...]) -> None:
    task = task_of(panel, labels(panel))
    exact = screen(panel, folds, task).pooled
    single = screen(replace(panel, X=panel.X.astype(np.float32)), folds, task).pooled
    np.testing.assert_allclose(single, exact, atol=1e-4)
