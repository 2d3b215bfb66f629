"""The small trees that screen: one binned panel, any target, any subset of rows and features."""

from dataclasses import replace

import numpy as np
import pytest
from evidence_panels import autoregressive, make_panel

from foxml_assets.core.vocabulary import TaskType
from foxml_assets.evidence.arrays import PanelArrays
from foxml_assets.evidence.leakage.leaks import Leaks
from foxml_assets.evidence.screening.predictions import TargetCase, own_trees, pooled_trees
from foxml_assets.evidence.screening.tree_screen import (
    BinnedPanel,
    TreeFit,
    bin_panel,
    fit_trees,
    training_rows,
)
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.folds import Fold
from foxml_assets.panel.panel_info import TargetSpec

CONFIG = EvidenceConfig().model_copy(
    update={"trees": EvidenceConfig().trees.model_copy(update={"rounds": 10, "min_leaf_rows": 10})}
)
N_BARS, N_SYMBOLS = 240, 4
FOLD = Fold(0, 150, 160, 240)


@pytest.fixture(scope="module")
def panel() -> PanelArrays:
    rng = np.random.default_rng(0)
    columns = {f"x{at}": autoregressive(rng, (N_SYMBOLS, N_BARS), 0.3) for at in range(4)}
    columns["x1"][rng.random((N_SYMBOLS, N_BARS)) < 0.1] = np.nan
    return make_panel(columns)


@pytest.fixture(scope="module")
def binned(panel: PanelArrays) -> BinnedPanel:
    return bin_panel(panel, 160, CONFIG)


def label(panel: PanelArrays, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.abs(panel.X[:, 0]) + 0.5 * panel.X[:, 2] + 0.2 * rng.standard_normal(len(panel.bar))


def rows_of_fold(panel: PanelArrays) -> tuple[np.ndarray, np.ndarray]:
    everyone = np.ones(N_SYMBOLS, dtype=bool)
    train = training_rows(panel, FOLD, np.ones(len(panel.bar), dtype=bool), everyone, 10**6, 0)
    return train, np.flatnonzero(panel.bar >= FOLD.test_start)


def fit(
    panel: PanelArrays,
    binned: BinnedPanel,
    y: np.ndarray,
    usable: tuple[bool, ...] = (True,) * 4,
    *,
    task: TaskType = TaskType.REGRESSION,
    with_symbol: bool = True,
) -> TreeFit:
    train, test = rows_of_fold(panel)
    return fit_trees(binned, task, y, train, test, np.array(usable), with_symbol=with_symbol, config=CONFIG)


def test_trees_find_what_a_line_can_not(panel: PanelArrays, binned: BinnedPanel) -> None:
    y = label(panel)
    found = fit(panel, binned, y)
    test = rows_of_fold(panel)[1]
    assert np.corrcoef(found.prediction, y[test])[0, 1] > 0.6
    assert found.gain[0] > 3 * found.gain[1]
    assert found.gain.shape == (4,)


def test_classes_are_predicted_as_probabilities(panel: PanelArrays, binned: BinnedPanel) -> None:
    y = (label(panel) > 0.8).astype(float)
    found = fit(panel, binned, y, task=TaskType.CLASSIFICATION)
    assert ((found.prediction > 0.0) & (found.prediction < 1.0)).all()


def test_features_left_out_are_not_used(panel: PanelArrays, binned: BinnedPanel) -> None:
    y = label(panel)
    found = fit(panel, binned, y, (False, True, True, True))
    assert found.gain[0] == 0.0
    assert found.gain[2] > 0.0
    X = panel.X.copy()
    X[:, 0] = np.random.default_rng(5).standard_normal(len(X))
    other = replace(panel, X=X)
    again = fit(other, bin_panel(other, 160, CONFIG), y, (False, True, True, True))
    np.testing.assert_array_equal(again.prediction, found.prediction)


def test_the_symbol_is_used_by_pooled_models_only(panel: PanelArrays, binned: BinnedPanel) -> None:
    y = label(panel) + 3.0 * panel.code
    pooled, own = (fit(panel, binned, y, with_symbol=flag) for flag in (True, False))
    test = rows_of_fold(panel)[1]
    levels = [
        [one.prediction[panel.code[test] == code].mean() for code in range(N_SYMBOLS)]
        for one in (pooled, own)
    ]
    assert np.ptp(levels[0]) > 1.0
    assert np.ptp(levels[1]) < 0.5


def test_a_fit_is_not_changed_by_the_fits_before_it(panel: PanelArrays, binned: BinnedPanel) -> None:
    y = label(panel)
    first = fit(panel, binned, y)
    fit(panel, binned, label(panel, 9) * 100.0)
    again = fit(panel, binned, y)
    np.testing.assert_array_equal(again.prediction, first.prediction)
    np.testing.assert_array_equal(again.gain, first.gain)
    fresh = fit(panel, bin_panel(panel, 160, CONFIG), y)
    np.testing.assert_array_equal(fresh.prediction, first.prediction)


def test_no_later_row_enters_bins_or_fit(panel: PanelArrays, binned: BinnedPanel) -> None:
    y, rng = label(panel), np.random.default_rng(6)
    X, altered = panel.X.copy(), y.copy()
    late = panel.bar >= FOLD.train_stop
    altered[late] = rng.standard_normal(int(late.sum())) * 50
    untested = late & (panel.bar >= 200)
    X[untested] = rng.standard_normal((int(untested.sum()), 4)) * 50
    changed = replace(panel, X=X)
    before, after = fit(panel, binned, y), fit(changed, bin_panel(changed, 160, CONFIG), altered)
    test = rows_of_fold(panel)[1]
    kept = panel.bar[test] < 200
    np.testing.assert_array_equal(after.prediction[kept], before.prediction[kept])
    np.testing.assert_array_equal(after.gain, before.gain)


def test_training_rows_are_labelled_early_and_of_the_symbols_asked_for(panel: PanelArrays) -> None:
    known = np.random.default_rng(7).random(len(panel.bar)) > 0.3
    symbols = np.array([True, False, True, True])
    rows = training_rows(panel, FOLD, known, symbols, 10**6, seed=0)
    assert known[rows].all()
    assert panel.bar[rows].max() == FOLD.train_stop - 1
    assert set(panel.code[rows]) == {0, 2, 3}
    assert len(rows) == int((known & (panel.bar < 150) & (panel.code != 1)).sum())


def test_too_many_training_rows_are_sampled_the_same_way_each_time(panel: PanelArrays) -> None:
    known, symbols = np.ones(len(panel.bar), dtype=bool), np.ones(N_SYMBOLS, dtype=bool)
    drawn = [training_rows(panel, FOLD, known, symbols, 100, seed) for seed in (0, 0, 1)]
    assert [len(rows) for rows in drawn] == [100, 100, 100]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    assert (np.diff(drawn[0]) > 0).all()
    assert panel.bar[drawn[0]].max() < FOLD.train_stop


def test_a_symbol_that_starts_after_the_bins_were_made_is_predicted() -> None:
    rng = np.random.default_rng(8)
    panel = make_panel(
        {"x0": rng.standard_normal((3, 240)), "x1": rng.standard_normal((3, 240))}, [240, 240, 60]
    )
    y = panel.X[:, 0] + 0.1 * rng.standard_normal(len(panel.bar))
    train, test = np.flatnonzero(panel.bar < 220), np.flatnonzero(panel.bar >= 220)
    found = fit_trees(
        bin_panel(panel, 150, CONFIG),
        TaskType.REGRESSION,
        y,
        train,
        test,
        np.ones(2, dtype=bool),
        with_symbol=True,
        config=CONFIG,
    )
    late = panel.code[test] == 2
    assert np.corrcoef(found.prediction[late], y[test][late])[0, 1] > 0.7


def case_of(panel: PanelArrays, y: np.ndarray, min_rows: int = 100) -> TargetCase:
    """Two folds of a target of nine bars, with a gap of ten before each window."""
    spec = TargetSpec("y", TaskType.REGRESSION, 9, 9 * 1_440.0)
    folds = (Fold(0, 110, 120, 180), Fold(1, 170, 180, 240))
    return TargetCase(
        spec, y, panel, folds, Leaks.none(panel), CONFIG.model_copy(update={"min_rows": min_rows})
    )


@pytest.mark.parametrize("own", [True, False])
def test_labels_between_training_and_test_window_are_not_learned(
    panel: PanelArrays, binned: BinnedPanel, own: bool
) -> None:
    def predict(y: np.ndarray) -> np.ndarray:
        case = case_of(panel, y)
        if not own:
            return pooled_trees(case, binned).prediction
        return own_trees(case, binned, np.ones(N_SYMBOLS, dtype=bool))

    y = label(panel)
    altered = y.copy()
    altered[(panel.bar >= 110) & (panel.bar < 120)] = 50.0
    first = (panel.bar >= 120) & (panel.bar < 180)
    np.testing.assert_array_equal(predict(altered)[first], predict(y)[first])
    np.testing.assert_array_equal(np.isfinite(predict(y)), panel.bar >= 120)
    learned = y.copy()
    learned[panel.bar == 109] = 50.0
    assert (predict(learned)[first] != predict(y)[first]).any()


def test_own_trees_are_fitted_on_enough_rows_of_the_symbols_asked_for(
    panel: PanelArrays, binned: BinnedPanel
) -> None:
    asked = np.arange(N_SYMBOLS) == 2
    y = label(panel)
    y[(panel.code == 2) & (panel.bar < 20)] = np.nan
    found = np.isfinite(own_trees(case_of(panel, y), binned, asked))
    # Ninety labelled rows are too few for the first fold.
    assert set(panel.code[found]) == {2}
    assert panel.bar[found].min() == 180
    flat = np.where(np.isnan(y), y, 1.0)
    with_class = replace(case_of(panel, flat).spec, task_type=TaskType.CLASSIFICATION)
    assert not np.isfinite(own_trees(replace(case_of(panel, flat), spec=with_class), binned, asked)).any()
