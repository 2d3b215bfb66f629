"""How much of a score short windows make by themselves, where later predictions know earlier labels.

Features made of the label's own past, as a momentum is of returns, are high after high labels. In a window
both are held against its mean, which the later ones raise, so that rows before high labels look low: a model
of "what is high comes back" has skill in every window, on random walks and in the hold-out too (Kendall 1954,
doi:10.1093/biomet/41.3-4.403; Stambaugh 1999, doi:10.1016/S0304-405X(99)00041-0).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.evidence.arrays import Floats, Ints
from foxml_assets.evidence.scores.sums import centred_ranks
from foxml_assets.evidence.screening.predictions import TargetCase, Variant
from foxml_assets.evidence.target_evidence import Estimate
from foxml_assets.families.threads import map_threads


def feedback_share(case: TargetCase, pooled: Variant) -> Estimate:
    """The share of the pooled model's score that is gone where rows are compared across windows too.

    Ranks over all windows of a symbol, of labels and of predictions beside the mean of the labels trained on,
    vary within windows and between them. Feedback makes the product of a window's two means negative, by what
    it adds within. Unknown where nothing scores above chance within windows.
    """

    def one(symbol: int) -> _Ranks | None:
        return _ranks(case, symbol, pooled)

    symbols = np.flatnonzero(case.leaks.pooled).tolist()
    found = [ranks for ranks in map_threads(one, symbols, case.config.threads) if ranks is not None]
    n_folds = len(case.folds)
    products = np.stack([ranks.mean_products(n_folds) for ranks in found]) if found else np.zeros((1, 1))
    within = sum(float(ranks.label @ ranks.predicted) for ranks in found) - float(products.sum())
    if not within > 0.0:
        return Estimate(None)
    # As independent products of means, but for what symbols have in common at a time.
    error = np.sqrt(np.square(products).sum() * _repeats(found, len(case.panel.times)))
    return Estimate(-float(products.sum()) / within, float(error) / within)


@dataclass(frozen=True)
class _Ranks:
    """One symbol's ranks over all windows, of labels and predictions, with bar and fold of each row."""

    label: Floats
    predicted: Floats
    bar: Ints
    fold: Ints

    def mean_products(self, n_folds: int) -> Floats:
        """By fold the product of the two means, once for every row."""
        rows = np.bincount(self.fold, minlength=n_folds)
        label, predicted = (np.bincount(self.fold, one, n_folds) for one in (self.label, self.predicted))
        return np.asarray(label * predicted / np.maximum(rows, 1))


def _ranks(case: TargetCase, symbol: int, pooled: Variant) -> _Ranks | None:
    rows = case.panel.rows_of(symbol)
    y, bar, fold = case.y[rows], case.panel.bar[rows], case.fold_of[rows]
    trained_on = np.array([_mean(y[bar < one.train_stop]) for one in case.folds])
    beside = pooled.prediction[rows] - trained_on[fold]
    known = np.isfinite(beside) & ~np.isnan(y)
    if not known.any():
        return None
    all_alike = np.zeros(int(known.sum()), dtype=np.int64)
    label, predicted = centred_ranks(np.stack([y[known], beside[known]]), all_alike)
    return _Ranks(label, predicted, bar[known], fold[known])


def _repeats(found: Sequence[_Ranks], n_bars: int) -> float:
    """How many symbols tell the same: 1 for independent ones, their number where all move together.

    1 + (S - 1) r q for S symbols whose labels correlate by r and whose predictions by q (the design effect of
    Kish 1965, of products).
    """
    bar = np.concatenate([ranks.bar for ranks in found])
    count = np.bincount(bar, minlength=n_bars)
    pairs = float((count * (count - 1)).sum())
    if pairs == 0.0:
        return 1.0

    def correlation(values: Floats) -> float:
        squares = float(np.square(values).sum())
        # The square of a sum over symbols holds each symbol's own square, and each pair twice.
        together = float(np.square(np.bincount(bar, values, n_bars)).sum()) - squares
        # Ranks of a class vary less than those of a number, so the variance is what it is here.
        return float(np.clip(together / (pairs * squares / len(values)), 0.0, 1.0)) if squares else 0.0

    label = correlation(np.concatenate([ranks.label for ranks in found]))
    predicted = correlation(np.concatenate([ranks.predicted for ranks in found]))
    return 1.0 + (float(count[count > 0].mean()) - 1.0) * label * predicted


def _mean(labels: Floats) -> float:
    known = labels[~np.isnan(labels)]
    return float(known.mean()) if len(known) else np.nan
