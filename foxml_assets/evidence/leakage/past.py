"""What earlier rows of the panel explain of a feature: ridges from second moments of ranks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dposv

from foxml_assets.evidence.arrays import Flags, Floats, Ints
from foxml_assets.evidence.leakage.ranks import FeatureRanks, shifted

# Dense near the row, where a series remembers most. Rows before the last offset have no past.
OFFSETS = (1, 2, 3, 5, 7, 12, 20)
# As shares of each column's sum of squares.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
_MAX_COLUMNS = 300
# Of a short symbol's rows one in so many is lost at its beginning, instead of those before the last offset.
_SHORT = 8


@dataclass(frozen=True)
class Moments:
    """Gram matrices of the earlier and the later half of the bars, over the rows of `symbols` before
    `stop_bar`.

    Columns: features now, then all features at each earlier offset; feature j at offset OFFSETS[b] is column
    (b + 1) * n_features + j.
    """

    early: Floats
    late: Floats
    early_rows: int
    late_rows: int
    n_features: int
    symbols: tuple[int, ...]
    stop_bar: int

    def explaining(self, feature: int) -> Ints:
        """The other features now, and all of them at earlier rows."""
        now = np.delete(np.arange(self.n_features), feature)
        return np.concatenate([now, self.earlier])

    @property
    def earlier(self) -> Ints:
        """All features at earlier rows."""
        return np.arange(self.n_features, self.n_features * (1 + len(OFFSETS)))

    def own(self, feature: int) -> Ints:
        """The feature itself at earlier rows."""
        return np.arange(1, 1 + len(OFFSETS)) * self.n_features + feature


@dataclass(frozen=True)
class Fit:
    """A ridge of one feature: `left` is the unexplained share of its sum of squares in the later half."""

    left: float
    columns: Ints
    weights: Floats


@dataclass(frozen=True)
class Halves:
    """One symbol's rows that have a past: `table` as in `with_earlier`, and which rows are of either half."""

    rows: slice
    table: npt.NDArray[np.float32]
    early: Flags
    late: Flags


def lost_rows(n_rows: int) -> int:
    """How many of a symbol's first rows have too little of a past to be explained by it."""
    return min(OFFSETS[-1], n_rows // _SHORT)


def halves(features: FeatureRanks, symbols: tuple[int, ...], stop_bar: int) -> Iterator[Halves]:
    """The rows of `symbols` before `stop_bar`, parted by the middle of their bars, with a margin on both
    sides of it so that no earlier row reaches across."""
    panel = features.panel
    middle = middle_bar(features, symbols, stop_bar)
    for symbol in symbols:
        rows = panel.rows_between(symbol, 0, stop_bar)
        margin = lost_rows(rows.stop - rows.start)
        bar = panel.bar[rows][margin:]
        if margin > 1 and len(bar) > 3 * margin:
            table = with_earlier(features.ranks[rows])[margin:]
            with_past = slice(rows.start + margin, rows.stop)
            yield Halves(with_past, table, bar < middle - margin, bar >= middle + margin)


def half_moments(features: FeatureRanks, symbols: tuple[int, ...], stop_bar: int) -> Moments:
    """The moments of the rows of `symbols` before `stop_bar`."""
    n_features = features.ranks.shape[1]
    size = n_features * (1 + len(OFFSETS))
    grams, counts = np.zeros((2, size, size)), [0, 0]
    for one in halves(features, symbols, stop_bar):
        for half, chosen in enumerate((one.early, one.late)):
            part = one.table[chosen]
            grams[half] += part.T @ part
            counts[half] += len(part)
    return Moments(grams[0], grams[1], counts[0], counts[1], n_features, symbols, stop_bar)


def middle_bar(features: FeatureRanks, symbols: tuple[int, ...], stop_bar: int) -> int:
    """The bar that parts the rows of `symbols` before `stop_bar` into halves."""
    bars = [features.panel.bar[features.panel.rows_between(symbol, 0, stop_bar)] for symbol in symbols]
    together = np.concatenate(bars) if bars else np.zeros(0, dtype=np.int64)
    return int(np.median(together)) if len(together) else 0


def fit_from_past(moments: Moments, feature: int, columns: Ints) -> Fit | None:
    """Explain a feature by `columns`: fitted on the earlier half, with the best of a few penalties on the
    later.

    None for a feature without variation in one half.
    """
    early, late, total = moments.early, moments.late, moments.late[feature, feature]
    # A mean square of ranks this small: the feature is constant, or missing throughout.
    if early[feature, feature] <= 1e-9 * moments.early_rows or total <= 1e-9 * moments.late_rows:
        return None
    return fit_to(moments, columns, early[:, feature], late[:, feature], float(total))


def fit_to(moments: Moments, columns: Ints, cross: Floats, late_cross: Floats, late_total: float) -> Fit:
    """The same for anything, given its products with all columns in both halves and its squares in the
    later: by at most _MAX_COLUMNS of `columns`, those with the largest correlation in the earlier half."""
    # Products with the target over the columns' lengths: their correlations, but for a common factor.
    scale = np.sqrt(np.maximum(np.diag(moments.early)[columns], 1e-12))
    strongest = np.argsort(-np.abs(cross[columns]) / scale, kind="stable")[:_MAX_COLUMNS]
    # In the order of the columns, so that equal choices give equal rounding.
    chosen = np.sort(columns[strongest])
    early, late = (gram[np.ix_(chosen, chosen)] for gram in (moments.early, moments.late))
    weights, left = best_ridge(early, cross[chosen], late, late_cross[chosen], late_total)
    return Fit(left, chosen, weights)


def best_ridge(
    gram: Floats, cross: Floats, late_gram: Floats, late_cross: Floats, late_total: float
) -> tuple[Floats, float]:
    """The weights, of a few penalties, that leave least of the later half, and the share they leave; no
    weights at all leave 1."""
    scale = np.maximum(np.diag(gram), 1e-12)
    best, best_left = np.zeros(len(gram)), 1.0
    if not len(gram):
        return best, best_left
    for penalty in PENALTIES:
        # The last term keeps the matrix positive definite where a column is all zeros.
        ridged = gram + np.diag(penalty * scale + 1e-9)
        # LAPACK itself: what `scipy.linalg` does about it takes longer than these small systems.
        _, weights, failed = dposv(ridged, cross, lower=1)
        if failed:
            raise np.linalg.LinAlgError(f"moments that are not positive definite at {failed}")
        # The residual sum of squares from moments: y'y - 2 w'X'y + w'X'Xw.
        left = float((late_total - 2.0 * weights @ late_cross + weights @ late_gram @ weights) / late_total)
        if left < best_left:
            best, best_left = weights, max(left, 0.0)
    return best, best_left


def weight_table(moments: Moments, fits: dict[int, Fit]) -> npt.NDArray[np.float32]:
    """Weights of some features' fits, columns of the moments x features, 0 elsewhere."""
    weights = np.zeros((len(moments.early), moments.n_features), dtype=np.float32)
    for feature, fit in fits.items():
        weights[fit.columns, feature] = fit.weights
    return weights


def unexplained(
    features: FeatureRanks, weights: npt.NDArray[np.float32], wanted: Flags
) -> npt.NDArray[np.float32]:
    """What the past leaves open of the `wanted` features' ranks; NaN in a symbol's first rows, and where a
    rank is missing."""
    out = np.empty((len(features.ranks), int(wanted.sum())), dtype=features.ranks.dtype)
    for symbol in range(len(features.panel.symbols)):
        rows = features.panel.rows_of(symbol)
        r = features.ranks[rows]
        out[rows] = r[:, wanted] - with_earlier(r) @ weights[:, wanted]
        # `rows` is a slice, so this writes into `out`.
        out[rows][: lost_rows(len(r))] = np.nan
    return out


def with_earlier(ranks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """One symbol's ranks beside those at earlier rows, in the order of `Moments`; 0 where unknown."""
    table = np.concatenate([ranks, *(shifted(ranks, lag) for lag in OFFSETS)], axis=1)
    known: npt.NDArray[np.float32] = np.nan_to_num(table, copy=False)
    return known


def sample_symbols(rows: Ints, max_rows: int) -> tuple[int, ...]:
    """Symbols evenly spread over all, as many as `max_rows` rows allow, and at least one."""
    usable = np.flatnonzero(rows > 0)
    wanted = int(max(1, min(len(usable), max_rows // max(1, int(np.median(rows[usable]))))))
    chosen = np.unique(np.linspace(0, len(usable) - 1, wanted).astype(np.int64))
    return tuple(usable[chosen].tolist())
