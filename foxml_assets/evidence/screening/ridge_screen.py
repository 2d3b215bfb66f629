"""Ridge regression as a screener: pooled and own models of many targets from one pass over the panel.

The estimator is that of the `ridge` model family, fitted from second moments: what is screened is what a
plan trains, but that the probability of a class is not cut to [0, 1].
"""

from dataclasses import dataclass

import numpy as np

from foxml_assets.evidence.arrays import Flags, Floats, PanelArrays
from foxml_assets.families.ridge.moments import Scales, column_scales, ridge_penalty, solve_ridge, standardise
from foxml_assets.families.threads import map_threads
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.folds import Fold


@dataclass(frozen=True)
class LinearTask:
    """What is fitted: `labels` (targets x rows, NaN where missing), the features that each target may use
    (targets x features), and the symbols that its pooled model may train on (targets x symbols)."""

    labels: Floats
    usable: Flags
    pooled: Flags


@dataclass(frozen=True)
class LinearScreen:
    """Out-of-fold predictions, targets x rows, NaN where not tested or not fitted.

    `pooled_weights` is folds x targets x features: coefficients of z-scores, NaN where not fitted.
    """

    pooled: Floats
    own: Floats
    pooled_weights: Floats

    def of(self, target: int) -> "LinearScreen":
        """The part of one target."""
        at = slice(target, target + 1)
        return LinearScreen(self.pooled[at], self.own[at], self.pooled_weights[:, at])


def linear_screen(
    panel: PanelArrays,
    folds: tuple[Fold, ...],
    task: LinearTask,
    config: EvidenceConfig,
    *,
    with_own: bool = True,
) -> LinearScreen:
    """Fit every target's pooled model and, if asked, every symbol's own model on every fold.

    A model with fewer than `min_rows` labelled rows, or with a constant label, is not fitted.
    """
    n_targets, n_rows = task.labels.shape
    pooled, own = np.full((n_targets, n_rows), np.nan), np.full((n_targets, n_rows), np.nan)
    weights = np.full((len(folds), n_targets, len(panel.features)), np.nan)
    work = _Work(panel, task, config)
    symbols = range(len(panel.symbols))
    for fold in folds:
        scales = _training_scales(panel, fold)

        def one(symbol: int, fold: Fold = fold, scales: Scales = scales) -> "tuple[_Moments, _Means]":
            own_test = work.own_model(symbol, fold) if with_own else None
            if own_test is not None:
                rows, predictions = own_test
                own[:, rows] = predictions
            return work.moments(symbol, fold, scales)

        total = _Total(task.pooled, len(panel.features))
        for symbol, (part, means) in enumerate(map_threads(one, symbols, config.threads)):
            total.add(symbol, part, means)
        weights[fold.index] = work.solve(total.moments(), scales)
        levels = total.levels(weights[fold.index], config.ridge.intercept_prior_rows)

        def predict(symbol: int, fold: Fold = fold, scales: Scales = scales, levels: Floats = levels) -> None:
            rows = panel.rows_between(symbol, fold.test_start, fold.test_stop)
            z = standardise(panel.X[rows], scales, config.ridge.clip)
            pooled[:, rows] = levels[:, symbol, None] + _each(weights[fold.index], z.T)

        list(map_threads(predict, symbols, config.threads))
    missing = np.isnan(task.labels)
    pooled[missing], own[missing] = np.nan, np.nan
    return LinearScreen(pooled, own, weights)


@dataclass(frozen=True)
class _Moments:
    """Centred second moments of training rows: `gram` is targets x p x p, or 1 x p x p where all targets
    share their rows; `cross` targets x p; `rows` and `varied` say what each label holds."""

    gram: Floats
    cross: Floats
    rows: Floats
    varied: Flags


@dataclass(frozen=True)
class _Means:
    """Of one symbol's labelled training rows: of z (targets x p, or 1 x p where all targets share their rows)
    and of each label."""

    z: Floats
    label: Floats

    def levels(self, weights: Floats) -> Floats:
        """The intercept of each target under `weights` (targets x p)."""
        return np.asarray(self.label - (weights * self.z).sum(axis=1))


class _Total:
    """The sum of moments over the symbols that each target's pooled model trains on."""

    def __init__(self, pooled: Flags, n_features: int) -> None:
        n_targets = len(pooled)
        self._pooled = pooled
        self._gram = np.zeros((1 if pooled.all() else n_targets, n_features, n_features))
        self._cross = np.zeros((n_targets, n_features))
        self._varied = np.zeros(n_targets, dtype=bool)
        self._rows: list[Floats] = []
        self._means: list[_Means] = []

    def add(self, symbol: int, part: _Moments, means: _Means) -> None:
        """Add one symbol's moments; a target of its own Gram matrix parts the sum for all."""
        kept = self._pooled[:, symbol]
        if len(part.gram) > len(self._gram):
            self._gram = np.repeat(self._gram, len(part.gram), axis=0)
        # Not by the number of matrices: that of a single target is one as well, and may leave symbols out.
        self._gram += part.gram if self._pooled.all() else part.gram * kept[:, None, None]
        self._cross += part.cross * kept[:, None]
        self._varied |= part.varied & kept
        self._rows.append(part.rows * kept)
        self._means.append(means)

    def moments(self) -> _Moments:
        return _Moments(self._gram, self._cross, np.sum(self._rows, axis=0), self._varied)

    def levels(self, weights: Floats, prior_rows: float) -> Floats:
        """The intercepts of the symbols (targets x symbols), shrunk as by `moments.shrunk_intercepts`."""
        own = np.stack([means.levels(weights) for means in self._means], axis=1)
        rows = np.stack(self._rows, axis=1)
        overall = ((rows * own).sum(axis=1) / np.maximum(rows.sum(axis=1), 1.0))[:, None]
        return np.asarray(overall + rows / (np.maximum(rows, 1.0) + prior_rows) * (own - overall))


@dataclass(frozen=True)
class _Work:
    panel: PanelArrays
    task: LinearTask
    config: EvidenceConfig

    def own_model(self, symbol: int, fold: Fold) -> tuple[slice, Floats] | None:
        """Predictions of the symbol's own models on its test rows: targets x rows."""
        train = self.panel.rows_between(symbol, 0, fold.train_stop)
        test = self.panel.rows_between(symbol, fold.test_start, fold.test_stop)
        if train.stop - train.start < self.config.min_rows or test.stop == test.start:
            return None
        scales = column_scales(self.panel.X[train])
        z = standardise(self.panel.X[train], scales, self.config.ridge.clip)
        part, means = self._centred(z, self.task.labels[:, train])
        weights = self.solve(part, scales)
        slopes = _each(weights, standardise(self.panel.X[test], scales, self.config.ridge.clip).T)
        return test, means.levels(weights)[:, None] + slopes

    def moments(self, symbol: int, fold: Fold, scales: Scales) -> tuple[_Moments, _Means]:
        """Moments of the symbol's training rows under the pooled scales."""
        train = self.panel.rows_between(symbol, 0, fold.train_stop)
        z = standardise(self.panel.X[train], scales, self.config.ridge.clip)
        return self._centred(z, self.task.labels[:, train])

    def _centred(self, z: Floats, labels: Floats) -> tuple[_Moments, _Means]:
        known = ~np.isnan(labels)
        complete = bool(known.all())
        rows = known.sum(axis=1).astype(np.float64)
        label = _mean(labels, known)
        centred = labels - label[:, None]
        centred[~known] = 0.0
        if complete:
            middle = _middle(z)
            around = z - middle
            gram, cross, middles = (around.T @ around)[None], _each(centred, around), middle[None]
        else:
            # Targets that miss the same labels share rows, and so one Gram matrix.
            masks, which = np.unique(known, axis=0, return_inverse=True)
            cross = np.empty((len(labels), z.shape[1]))
            grams = np.empty((len(masks), z.shape[1], z.shape[1]))
            means = np.empty((len(masks), z.shape[1]))
            for at, mask in enumerate(masks):
                grams[at], cross[which == at], means[at] = _moments_where(z, centred[which == at], mask)
            gram, middles = grams[which], means[which]
        varied = np.ptp(centred, axis=1) > 0.0 if len(z) else rows > 0.0
        return _Moments(gram, cross, rows, varied), _Means(middles, label)

    def solve(self, part: _Moments, scales: Scales) -> Floats:
        """Coefficients, targets x features; NaN for a target that cannot be fitted on these rows."""
        n_targets, n_features = part.cross.shape
        weights = np.full((n_targets, n_features), np.nan)
        fitted = (part.rows >= self.config.min_rows) & part.varied
        # Targets that may use the same features share the submatrix, and with a shared Gram its inverse.
        patterns, group = np.unique(self.task.usable, axis=0, return_inverse=True)
        shared = len(part.gram) == 1
        for at, usable in enumerate(patterns):
            columns = np.flatnonzero(usable & (scales.scales > 0.0))
            members = np.flatnonzero((group.ravel() == at) & fitted)
            if members.size == 0:
                continue
            # Features a target may not use, or without scale, weigh nothing; NaN is for targets not fitted.
            weights[members] = 0.0
            penalty = ridge_penalty(len(columns), self.config.ridge.prior_r2)
            for targets in [members] if shared else members[:, None]:
                gram = part.gram[0 if shared else targets[0]][np.ix_(columns, columns)]
                inverse = solve_ridge(gram, np.eye(len(columns)), penalty)
                weights[np.ix_(targets, columns)] = _each(part.cross[np.ix_(targets, columns)], inverse)
        return weights


def _training_scales(panel: PanelArrays, fold: Fold) -> Scales:
    return column_scales(panel.X[panel.bar < fold.train_stop])


def _each(rows: Floats, matrix: Floats) -> Floats:
    """rows @ matrix, row by row: a product of matrices would round a target by the company it is in."""
    return np.stack([row @ matrix for row in rows])


def _mean(labels: Floats, known: Flags) -> Floats:
    counts = np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.where(known, labels, 0.0).sum(axis=1) / counts)


def _middle(z: Floats) -> Floats:
    """The mean of each column; 0 without rows."""
    return np.asarray(z.mean(axis=0)) if len(z) else np.zeros(z.shape[1])


def _moments_where(z: Floats, labels: Floats, mask: Flags) -> tuple[Floats, Floats, Floats]:
    """Gram matrix, cross products (labels x features) and means of the rows in `mask`."""
    # A copy of z would be laid out, and so rounded, in another way than z.
    rows = z if mask.all() else z[mask]
    middle = _middle(rows)
    around = rows - middle
    return around.T @ around, _each(labels[:, mask], around), middle
