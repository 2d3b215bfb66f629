"""Out-of-fold predictions of every model that screens one target."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.evidence.arrays import Flags, Floats, Ints, PanelArrays
from foxml_assets.evidence.leakage.leaks import Leaks
from foxml_assets.evidence.screening.tree_screen import BinnedPanel, TreeFit, fit_trees, training_rows
from foxml_assets.families.registry import find_family
from foxml_assets.families.threads import map_threads
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.folds import Fold
from foxml_assets.panel.panel_info import TargetSpec

# The families whose out-of-fold predictions are made.
TREES, RIDGE = "lightgbm", "ridge"


@dataclass(frozen=True)
class TargetCase:
    """One target under examination: its labels on the rows of the panel (NaN where missing, and behind the
    last test window), its folds, and what leakage leaves of features and symbols."""

    spec: TargetSpec
    y: Floats
    panel: PanelArrays
    folds: tuple[Fold, ...]
    leaks: Leaks
    config: EvidenceConfig

    @cached_property
    def fold_of(self) -> Ints:
        """The fold whose test window holds each row; -1 before the first."""
        starts = [fold.test_start for fold in self.folds]
        return np.searchsorted(starts, self.panel.bar, side="right").astype(np.int64) - 1


@dataclass(frozen=True)
class Variant:
    """A predictor: the mean of `families`, as predictions of all rows, NaN where there is none."""

    families: tuple[ModelFamily, ...]
    prediction: Floats


@dataclass(frozen=True)
class Screened:
    """The families that the predictions of trees and of ridge stand for; None without one."""

    trees: ModelFamily | None
    ridge: ModelFamily | None


@dataclass(frozen=True)
class TreeScreen:
    """Pooled trees: predictions by row and the gain of each feature by fold (folds x features)."""

    prediction: Floats
    gain: Floats


def pooled_trees(case: TargetCase, binned: BinnedPanel) -> TreeScreen:
    """Fit the pooled trees of every fold."""
    prediction = np.full(len(case.y), np.nan)
    gain = np.full((len(case.folds), len(case.panel.features)), np.nan)

    def one(fold: Fold) -> tuple[Ints, TreeFit] | None:
        train = training_rows(
            case.panel,
            fold,
            ~np.isnan(case.y),
            case.leaks.pooled,
            case.config.trees.max_rows,
            case.config.seed,
        )
        test = _test_rows(case, fold, slice(0, len(case.y)))
        return (
            None if not _can_fit(case, train, test) else (test, _fit(case, binned, train, test, pooled=True))
        )

    # The last fold trains longest: first, so that no thread waits for it at the end.
    folds = case.folds[::-1]
    for fold, found in zip(folds, map_threads(one, folds, case.config.threads), strict=True):
        if found is not None:
            prediction[found[0]], gain[fold.index] = found[1].prediction, found[1].gain
    return TreeScreen(prediction, gain)


def own_trees(case: TargetCase, binned: BinnedPanel, symbols: Flags) -> Floats:
    """Predictions of the own trees of `symbols`, by row; NaN elsewhere."""
    prediction = np.full(len(case.y), np.nan)

    def one(symbol: int) -> None:
        rows = case.panel.rows_of(symbol)
        for fold in case.folds:
            known = ~np.isnan(case.y[rows]) & (case.panel.bar[rows] < fold.train_stop)
            train, test = rows.start + np.flatnonzero(known), _test_rows(case, fold, rows)
            if _can_fit(case, train, test):
                prediction[test] = _fit(case, binned, train, test, pooled=False).prediction

    list(map_threads(one, np.flatnonzero(symbols).tolist(), case.config.threads))
    return prediction


def screened(families: Sequence[ModelFamily]) -> Screened:
    """What the screens stand for when `families` can be fitted: themselves, or the first screened as they."""
    as_what = {family: find_family(family).screened_as for family in families}

    def of(screen: ModelFamily) -> ModelFamily | None:
        # In the order of `families`, which is that of the settings.
        found = [family for family in families if as_what[family] == screen]
        return screen if screen in found else next(iter(found), None)

    return Screened(of(TREES), of(RIDGE))


def variants(trees: Floats | None, ridge: Floats | None, names: Screened) -> tuple[Variant, ...]:
    """All predictors that the two give: their mean first where there are two."""
    alone = []
    if trees is not None and names.trees is not None:
        alone.append(Variant((names.trees,), trees))
    if ridge is not None and names.ridge is not None:
        alone.append(Variant((names.ridge,), ridge))
    if len(alone) < 2:
        return tuple(alone)
    both = tuple(family for one in alone for family in one.families)
    return (Variant(both, 0.5 * (alone[0].prediction + alone[1].prediction)), *alone)


def _test_rows(case: TargetCase, fold: Fold, rows: slice) -> Ints:
    bar = case.panel.bar[rows]
    inside = (bar >= fold.test_start) & (bar < fold.test_stop) & ~np.isnan(case.y[rows])
    return np.asarray(rows.start + np.flatnonzero(inside), dtype=np.int64)


def _can_fit(case: TargetCase, train: Ints, test: Ints) -> bool:
    if len(train) < case.config.min_rows or not len(test):
        return False
    varies = bool(np.ptp(case.y[train]) > 0.0)
    return bool(case.leaks.usable.any()) and (varies or case.spec.task_type is TaskType.REGRESSION)


def _fit(case: TargetCase, binned: BinnedPanel, train: Ints, test: Ints, *, pooled: bool) -> TreeFit:
    return fit_trees(
        binned,
        case.spec.task_type,
        case.y,
        train,
        test,
        case.leaks.usable,
        with_symbol=pooled,
        config=case.config,
    )
