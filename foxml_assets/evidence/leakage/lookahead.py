"""Does the future of the panel explain a feature better than its past? Asked once for the whole panel.

A feature that was built from data up to its own row is, apart from news, a function of the panel's past. One
that was shifted or centred into the future is not, and what the past leaves open stands in later rows.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from foxml_assets.evidence.arrays import Flags, Floats, Ints
from foxml_assets.evidence.leakage.lagged import lagged_copies
from foxml_assets.evidence.leakage.ranks import FeatureRanks, shifted
from foxml_assets.selection.config import LeakageConfig

OFFSETS = (1, 2, 3, 5, 7, 12, 20)
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
_MAX_COLUMNS = 300
# Ranks are known to about their own spacing; less than this left unexplained is rounding.
_NOTHING_LEFT = 2e-3
# Share of a feature's news that other features must bring in the same row.
_SHARED_NOW = 0.25


@dataclass(frozen=True)
class PastAndFuture:
    """Per feature: R2 from the panel's past, the share of the rest that its future explains, and how many
    bars ahead that stands (0 where nothing does). NaN where it could not be examined.

    `news` is what the past leaves open of every feature's ranks, NaN where the past is not known. `repeats`
    marks features that are another one some rows ago.
    """

    past_r2: Floats
    future_share: Floats
    lead_bars: Ints
    news: FeatureRanks
    repeats: Flags
    moments: "_Moments"


def past_and_future(features: FeatureRanks, stop_bar: int, config: LeakageConfig) -> PastAndFuture:
    """Explain every feature's ranks by the other features now and all features at earlier rows (OFFSETS),
    then with the other features at later rows too; fitted on the earlier half of the bars, scored on the
    later.

    Ridge; the penalty is the best of a few on the later half, for both alike.
    """
    n_features = features.ranks.shape[1]
    moments = _half_moments(features, stop_bar, config.examined_rows)
    everything = np.arange(n_features)
    past_r2, share, lead, weights = _explain(moments, everything[:0], config)
    # Columns that look ahead explain each other: which do, and how far, shows with the others taken away.
    ahead = np.zeros(n_features, dtype=bool)
    while (np.nan_to_num(share) >= config.look_ahead_share).sum() > ahead.sum():
        ahead = np.nan_to_num(share) >= config.look_ahead_share
        _, again, second_lead, _ = _explain(moments, np.flatnonzero(ahead), config)
        shown = np.nan_to_num(again) >= config.look_ahead_share
        share, lead = np.where(shown, again, share), np.where(shown, second_lead, lead)
    repeats = lagged_copies(features.panel)
    past_r2, share = np.where(repeats, 1.0, past_r2), np.where(repeats, 0.0, share)
    n_past = n_features * (1 + len(OFFSETS))
    news = _news(features, weights[:n_past].astype(np.float32), np.ones(n_features, dtype=bool))
    # Nothing is new in what was there some rows earlier.
    news[:, repeats] = np.nan
    return PastAndFuture(past_r2, share, lead, FeatureRanks(features.panel, news), repeats, moments)


def asked_apart(
    past: PastAndFuture, features: FeatureRanks, asked: Ints, without: Ints, leans_on: float
) -> PastAndFuture:
    """The same, but that the features `asked` are explained without the help of those in `without`.

    Copies of one label would vouch for each other. Answers change where R2 falls by `leans_on`.
    """
    n_features, r2 = len(past.past_r2), past.past_r2.copy()
    weights = np.zeros((n_features * (1 + len(OFFSETS)), n_features), dtype=np.float32)
    changed = np.zeros(n_features, dtype=bool)
    for feature in asked[~past.repeats[asked]].tolist():
        columns = _past_columns(feature, n_features)
        others = without[without != feature]
        fit = _fit(past.moments, feature, columns[~np.isin(columns % n_features, others)])
        if fit is not None and 1.0 - fit.left < r2[feature] - leans_on:
            r2[feature], changed[feature] = 1.0 - fit.left, True
            weights[fit.columns, feature] = fit.weights
    if not changed.any():
        return past
    ranks = past.news.ranks.copy()
    ranks[:, changed] = _news(features, weights[:, changed], changed)
    return replace(past, past_r2=r2, news=FeatureRanks(features.panel, ranks))


def _explain(
    moments: "_Moments", without: Ints, config: LeakageConfig
) -> tuple[Floats, Floats, Ints, Floats]:
    """R2, share, lead and weights of every feature, explained by itself and those not in `without`."""
    n_features = len(moments.early) // (1 + 2 * len(OFFSETS))
    past_r2, share = np.full(n_features, np.nan), np.full(n_features, np.nan)
    lead = np.zeros(n_features, dtype=np.int64)
    weights = np.zeros((len(moments.early), n_features))
    for feature in range(n_features):
        others = without[without != feature]
        past, future = (
            columns[~np.isin(columns % n_features, others)]
            for columns in (
                _past_columns(feature, n_features),
                _future_columns(feature, n_features),
            )
        )
        fit = _fit(moments, feature, past)
        if fit is None:
            continue
        past_r2[feature] = 1.0 - fit.left
        weights[fit.columns, feature] = fit.weights
        share[feature] = _explained(moments, feature, past, future, fit.left)
        if share[feature] >= config.look_ahead_share and _is_shared_now(moments, feature, past, fit.left):
            share[feature] = 0.0
        if share[feature] >= config.look_ahead_share:
            lead[feature] = _lead(moments, feature, past, future, fit.left)
    return past_r2, share, lead, weights


@dataclass(frozen=True)
class _Moments:
    """Gram matrices of the earlier and the later half. Columns: features now, then all features at each
    earlier offset, then at each later offset: column of feature j at block b is b * n_features + j."""

    early: npt.NDArray[np.floating]
    late: npt.NDArray[np.floating]
    early_rows: int
    late_rows: int


def _half_moments(features: FeatureRanks, stop_bar: int, max_rows: int) -> _Moments:
    panel, n_features = features.panel, features.ranks.shape[1]
    size = n_features * (1 + 2 * len(OFFSETS))
    halves = [np.zeros((size, size)), np.zeros((size, size))]
    counts = [0, 0]
    middle, margin = stop_bar // 2, OFFSETS[-1]
    for symbol in _sample(np.diff(panel.starts), max_rows):
        rows = panel.rows_between(symbol, 0, stop_bar)
        r, bar = features.ranks[rows], panel.bar[rows][margin:-margin]
        if len(r) <= 4 * margin:
            continue
        blocks = [r, *(shifted(r, lag) for lag in OFFSETS), *(shifted(r, -lag) for lag in OFFSETS)]
        table = np.nan_to_num(np.concatenate(blocks, axis=1)[margin:-margin])
        for at, chosen in enumerate((bar < middle - margin, bar >= middle + margin)):
            part = table[chosen]
            halves[at] += part.T @ part
            counts[at] += len(part)
    return _Moments(halves[0], halves[1], counts[0], counts[1])


def _news(features: FeatureRanks, weights: npt.NDArray[np.float32], wanted: Flags) -> npt.NDArray[np.float32]:
    """What the past leaves open of the `wanted` features' ranks; NaN in a symbol's first rows, and where a
    rank is missing."""
    news = np.empty((len(features.ranks), int(wanted.sum())), dtype=features.ranks.dtype)
    for symbol in range(len(features.panel.symbols)):
        rows = features.panel.rows_of(symbol)
        r = features.ranks[rows]
        past = np.nan_to_num(np.concatenate([r, *(shifted(r, lag) for lag in OFFSETS)], axis=1))
        news[rows] = r[:, wanted] - past @ weights
        news[rows][: OFFSETS[-1]] = np.nan
    return news


def _sample(rows: Ints, max_rows: int) -> tuple[int, ...]:
    """Symbols evenly spread over all, as many as `max_rows` rows allow, and at least one."""
    usable = np.flatnonzero(rows > 0)
    wanted = int(max(1, min(len(usable), max_rows // max(1, int(np.median(rows[usable]))))))
    chosen = np.unique(np.linspace(0, len(usable) - 1, wanted).astype(np.int64))
    return tuple(usable[chosen].tolist())


def _past_columns(feature: int, n_features: int) -> Ints:
    now = np.delete(np.arange(n_features), feature)
    earlier = np.arange(n_features, n_features * (1 + len(OFFSETS)))
    return np.concatenate([now, earlier])


def _future_columns(feature: int, n_features: int) -> Ints:
    first = n_features * (1 + len(OFFSETS))
    columns = np.arange(first, first + n_features * len(OFFSETS))
    return np.asarray(columns[columns % n_features != feature])


def _explained(moments: _Moments, feature: int, past: Ints, future: Ints, left: float) -> float:
    """The share of what the past leaves (`left`) that later rows explain."""
    if left < _NOTHING_LEFT:
        return 0.0
    both = _fit(moments, feature, past, future)
    return 0.0 if both is None else float(np.clip((left - both.left) / left, 0.0, 1.0))


def _is_shared_now(moments: _Moments, feature: int, past: Ints, left: float) -> bool:
    """Whether other features bring the same news in the same row, so that it is news of its own time."""
    n_features = len(moments.early) // (1 + 2 * len(OFFSETS))
    earlier = _fit(moments, feature, past[past >= n_features])
    return earlier is not None and earlier.left - left >= _SHARED_NOW * earlier.left


def _lead(moments: _Moments, feature: int, past: Ints, future: Ints, left: float) -> int:
    """The fewest bars ahead whose features explain nearly as much as all later ones."""
    n_features = len(moments.early) // (1 + 2 * len(OFFSETS))
    full = _explained(moments, feature, past, future, left)
    for count in range(1, len(OFFSETS)):
        near = future[future < n_features * (1 + len(OFFSETS) + count)]
        if _explained(moments, feature, past, near, left) >= 0.8 * full:
            return OFFSETS[count - 1]
    return OFFSETS[-1]


@dataclass(frozen=True)
class _Fit:
    """A ridge of one feature: `left` is the unexplained share of its sum of squares in the later half."""

    left: float
    columns: Ints
    weights: Floats


def _fit(moments: _Moments, feature: int, columns: Ints, more: Ints | None = None) -> _Fit | None:
    """The best of a few penalties; None for a feature without variation in one half."""
    early, late, total = moments.early, moments.late, moments.late[feature, feature]
    if early[feature, feature] <= 1e-9 * moments.early_rows or total <= 1e-9 * moments.late_rows:
        return None
    chosen = _strongest(moments, feature, columns)
    if more is not None:
        chosen = np.concatenate([chosen, _strongest(moments, feature, more)])
    gram, cross = early[np.ix_(chosen, chosen)], early[chosen, feature]
    late_gram, late_cross = late[np.ix_(chosen, chosen)], late[chosen, feature]
    scale = np.maximum(np.diag(gram), 1e-12)
    best = _Fit(1.0, chosen, np.zeros(len(chosen)))
    for penalty in _PENALTIES:
        ridged = gram + np.diag(penalty * scale + 1e-9)
        weights = cho_solve(cho_factor(ridged, lower=True, check_finite=False), cross, check_finite=False)
        left = float((total - 2.0 * weights @ late_cross + weights @ late_gram @ weights) / total)
        if left < best.left:
            best = _Fit(max(left, 0.0), chosen, weights)
    return best


def _strongest(moments: _Moments, feature: int, columns: Ints) -> Ints:
    """At most _MAX_COLUMNS of `columns`: those with the largest correlation in the earlier half."""
    if len(columns) <= _MAX_COLUMNS:
        return columns
    diagonal = np.sqrt(np.maximum(np.diag(moments.early)[columns], 1e-12))
    strength = np.abs(moments.early[columns, feature]) / diagonal
    return np.sort(columns[np.argsort(-strength, kind="stable")[:_MAX_COLUMNS]])
