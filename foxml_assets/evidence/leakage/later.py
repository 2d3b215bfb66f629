"""What later rows of the panel tell about a feature that earlier rows do not.

A shifted or centred window has, as its news at row t, what honest features have as theirs some bars later. So
news is matched with news: at the right lead they agree whatever the memory of the series, at all others not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foxml_assets.evidence.arrays import Flags, Floats, Ints
from foxml_assets.evidence.leakage.past import (
    Moments,
    best_ridge,
    fit_from_past,
    lost_rows,
    middle_bar,
    weight_table,
    with_earlier,
)
from foxml_assets.evidence.leakage.ranks import FeatureRanks, shifted

_LONGEST_LEAD = 120
# One lead for every so many rows of a usual symbol, so that the halves stay long enough to learn from.
_BARS_PER_LEAD = 10
_PAIRS = 40
# Ranks are known to about their own spacing; news of less than this share of a feature is rounding.
_NOTHING_LEFT = 2e-3
# Squared correlations below this altogether cannot become a share that matters.
_TOO_LITTLE = 0.05
# Correlation of the news of two features that have some of it in common.
_IN_COMMON = 0.3
# How much more of it a witness must have later than in the same row.
_BETTER_LATER = 1.5

_Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Series:
    """News of one symbol, rows x features, 0 where unknown, and which rows belong to either half.

    `news` is what other features leave open too, `own` what a feature's own earlier rows leave.
    """

    news: _Rows
    own: _Rows
    early: Flags
    late: Flags


@dataclass(frozen=True)
class _Pairs:
    """Features (`of`) at rows `lead` later, or earlier if negative."""

    lead: Ints
    of: Ints


@dataclass(frozen=True)
class Later:
    """Per feature: the share of its news that other features' news at later rows explain, the same without
    columns that merely repeat it, and how many bars ahead most of it stands.

    0 where nothing does, NaN for a feature without variation.
    """

    share: Floats
    witnessed: Floats
    lead_bars: Ints


def explained_by_later(
    features: FeatureRanks,
    moments: Moments,
    symbols: tuple[int, ...],
    stop_bar: int,
    copies: Flags,
    without: Flags,
) -> Later:
    """Ask of every feature what later rows know of its news, with no help from the others in `without`.

    News is what earlier rows leave open, and the same row of the features that may vouch for each other. The
    pairs of feature and lead are those of the largest correlation in the earlier half of the bars; the share
    is that of the later half, beyond what the best pairs at earlier rows explain. `copies` marks features
    that repeat another some rows earlier (by feature and other).
    """
    n = moments.n_features
    bars = [features.panel.rows_between(symbol, 0, stop_bar) for symbol in symbols]
    usual = int(np.median([rows.stop - rows.start for rows in bars])) if bars else 0
    longest = max(1, min(_LONGEST_LEAD, usual // _BARS_PER_LEAD))
    # By feature and other: who may speak about whom. A feature always hears itself.
    heard = ~without[None, :] | np.eye(n, dtype=bool)
    # Column c of the moments is feature c % n; from n on it is one at earlier rows.
    columns = [one[heard[at][one % n]] for at, one in enumerate(moments.explaining(at) for at in range(n))]
    own, _ = _weights(moments, [moments.own(at) for at in range(n)])
    # At first no feature's same row counts as its past: who may vouch for whom is what this finds out.
    of_strict, _ = _weights(moments, [one[one >= n] for one in columns])
    strict = _series(features, symbols, stop_bar, longest, of_strict, own)
    alike = _correlations([(one.news, one.own, one.early) for one in strict], longest) * heard
    witness = _witnesses(alike)
    late = (copies & ~without).any(axis=1)
    vouching = _vouching(alike, np.asarray(witness & ~late))
    of_news, left = _weights(
        moments, [one[(one >= n) | vouching[at][one % n]] for at, one in enumerate(columns)]
    )
    series = _series(features, symbols, stop_bar, longest, of_news, own)
    # Without lead 0: leads x feature x other, the feature's news with what others bring later on.
    later = _correlations([(one.news, one.own, one.early) for one in series], longest)[1:] * (heard & witness)
    # The other way round, leads x other x feature: what others brought before the feature's news.
    earlier = _correlations([(one.own, one.news, one.early) for one in series], longest)[1:] * heard.T
    share, lead = np.where(np.isnan(left), np.nan, 0.0), np.zeros(n, dtype=np.int64)
    witnessed = share.copy()
    for at in np.flatnonzero(np.nan_to_num(left) >= _NOTHING_LEFT).tolist():
        before = _strongest(earlier[:, :, at])
        share[at], lead[at] = _share(series, at, before, later[:, at])
        witnessed[at] = share[at]
        if share[at] > 0.0 and copies[:, at].any():
            witnessed[at], _ = _share(series, at, before, later[:, at] * ~copies[:, at])
    return Later(share, witnessed, lead)


def _witnesses(alike: Floats) -> Flags:
    """Which features (by feature and other) know its news better later on than in the same row.

    A window that holds the news now tells it again when it drops out. A feature's own later rows are made of
    its news, whatever they are.
    """
    now, later = np.abs(alike[0]), np.abs(alike[1:]).max(axis=0)
    return np.asarray((later > _BETTER_LATER * now) & ~np.eye(len(now), dtype=bool))


def _vouching(alike: Floats, against: Flags) -> Flags:
    """Which features' same rows count as a past that explains a feature (by feature and other).

    All, but where fewer features share its news in the same row than others (`against`) bring it later on: a
    few columns that look ahead alike stand against the honest ones.
    """
    shared = (np.abs(alike[0]) >= _IN_COMMON) & ~np.eye(alike.shape[1], dtype=bool)
    later = (np.abs(alike[1:]).max(axis=0) >= _IN_COMMON) & ~shared & against
    outvoted = later.sum(axis=1) > shared.sum(axis=1)
    return np.asarray(~(outvoted[:, None] & shared))


def _weights(moments: Moments, columns: Sequence[Ints]) -> tuple[_Rows, Floats]:
    """The weights that explain each feature by its columns, and the share they leave; NaN where none can."""
    fits = {at: fit_from_past(moments, at, one) for at, one in enumerate(columns)}
    known = {at: fit for at, fit in fits.items() if fit is not None}
    left = np.full(len(columns), np.nan)
    left[list(known)] = [fit.left for fit in known.values()]
    return weight_table(moments, known), left


def _series(
    features: FeatureRanks,
    symbols: tuple[int, ...],
    stop_bar: int,
    longest: int,
    of_news: _Rows,
    of_own: _Rows,
) -> list[_Series]:
    panel = features.panel
    middle = middle_bar(features, symbols, stop_bar)
    found = []
    for symbol in symbols:
        rows = panel.rows_between(symbol, 0, stop_bar)
        r, bar = features.ranks[rows], panel.bar[rows]
        table, row = with_earlier(r), np.arange(len(bar))
        # The first rows have no past, and the last ones no future.
        inside = (row >= max(longest, lost_rows(len(row)))) & (row < len(row) - longest)
        # The longest lead away from the middle, so that no later row of one half lies in the other.
        early, late = inside & (bar < middle - longest), inside & (bar >= middle + longest)
        news, own = (np.nan_to_num(r - table @ weights) for weights in (of_news, of_own))
        found.append(_Series(news, own, early, late))
    return found


def _correlations(parts: Sequence[tuple[_Rows, _Rows, Flags]], longest: int) -> Floats:
    """Correlation of each first series' chosen rows with the second one's 0 to `longest` rows later: leads x
    first x second."""
    n = parts[0][0].shape[1]
    cross, squares = np.zeros((longest + 1, n, n)), np.zeros((2, n))
    for first, second, chosen in parts:
        rows = np.flatnonzero(chosen)
        if not len(rows):
            continue
        # The chosen rows are one run, and `longest` rows behind it exist: a lead is a shift of the slice.
        start, stop = int(rows[0]), int(rows[-1]) + 1
        squares += [np.square(one[start:stop]).sum(axis=0) for one in (first, second)]
        for lead in range(longest + 1):
            cross[lead] += first[start:stop].T @ second[start + lead : stop + lead]
    # Lengths are those of the rows at lead 0, for every lead; the floor is for columns of zeros.
    return np.asarray(cross / np.sqrt(np.maximum(np.outer(squares[0], squares[1]), 1e-12)))


def _strongest(correlations: Floats) -> _Pairs:
    """The pairs of largest correlation (leads x features)."""
    n = correlations.shape[1]
    order = np.argsort(-np.abs(correlations), axis=None, kind="stable")[:_PAIRS]
    order = order[np.abs(correlations).flat[order] > 0.0]
    # Position p of the flattened table is lead p // n + 1 of feature p % n.
    return _Pairs(order // n + 1, order % n)


def _share(series: Sequence[_Series], feature: int, before: _Pairs, later: Floats) -> tuple[float, int]:
    """How much less of the news is left with the best pairs at later rows (correlations `later`) than with
    those `before` alone, and the lead of the best of them."""
    after = _strongest(later)
    # Row 0 of the table is lead 1.
    strength = np.abs(later[after.lead - 1, after.of])
    if np.square(strength).sum() < _TOO_LITTLE:
        return 0.0, 0
    lead, of = np.concatenate([-before.lead, after.lead]), np.concatenate([before.of, after.of])
    grams, crosses, totals = _moments_of_pairs(series, feature, _Pairs(lead, of))
    if totals[1] <= 0.0:
        return 0.0, 0

    def left(stop: int) -> float:
        # The pairs at earlier rows stand first, so a prefix asks them alone.
        early, late = grams[:, :stop, :stop]
        return best_ridge(early, crosses[0, :stop], late, crosses[1, :stop], float(totals[1]))[1]

    alone = left(len(before.lead))
    if alone < _NOTHING_LEFT:
        return 0.0, 0
    return float(np.clip((alone - left(len(lead))) / alone, 0.0, 1.0)), int(after.lead[np.argmax(strength)])


def _moments_of_pairs(
    series: Sequence[_Series], feature: int, pairs: _Pairs
) -> tuple[Floats, Floats, Floats]:
    """Gram matrices of the pairs' columns, their products with a feature's news, and its squares, by half."""
    size = len(pairs.lead)
    grams, crosses, totals = np.zeros((2, size, size)), np.zeros((2, size)), np.zeros(2)
    for one in series:
        columns = [shifted(one.own[:, at], -int(bars)) for bars, at in zip(pairs.lead, pairs.of, strict=True)]
        for half, chosen in enumerate((one.early, one.late)):
            table = np.stack([column[chosen] for column in columns], axis=1).astype(np.float64)
            y = one.news[chosen, feature].astype(np.float64)
            grams[half] += table.T @ table
            crosses[half] += table.T @ y
            totals[half] += y @ y
    return grams, crosses, totals
