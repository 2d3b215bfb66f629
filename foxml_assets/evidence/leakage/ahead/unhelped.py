"""What later rows of the other features tell of one whose own earlier rows are not heard.

A smooth or step-shaped column that looks ahead is explained by its own earlier rows, which look ahead too.
"""

import numpy as np

from foxml_assets.evidence.arrays import Flags, Floats, Ints
from foxml_assets.evidence.leakage.ahead.news_series import (
    NOTHING_LEFT,
    NewsSeries,
    lead_correlations,
    longest_lead,
    news_series,
    share_explained,
    strongest_pairs,
    weights_of,
)
from foxml_assets.evidence.leakage.past import Moments
from foxml_assets.evidence.leakage.ranks import FeatureRanks

# How much more of the news, in squared correlations, a witness must know at all later rows than in the same.
_MORE_LATER = 2.25
# Share of a feature's own news from which on another one's earlier rows tell it.
_TOLD = 0.5


def known_later(
    features: FeatureRanks,
    moments: Moments,
    symbols: tuple[int, ...],
    stop_bar: int,
    least: float,
) -> Floats:
    """The share of every feature that the others' later rows explain and their same and earlier ones do not.

    0 where the others leave less than `least` open, NaN for a feature without variation.
    """
    n = moments.n_features
    others = {at: _of_others(moments, at) for at in range(n)}
    of_news, left = weights_of(moments, others)
    known = np.where(np.isnan(left), np.nan, 0.0)
    asked = np.flatnonzero(np.nan_to_num(left) >= max(least, NOTHING_LEFT))
    if not len(asked):
        return known
    of_earlier, _ = weights_of(moments, {at: others[at][others[at] >= n] for at in asked.tolist()})
    own, _ = weights_of(moments, {at: moments.own(at) for at in range(n)})
    # For each feature asked what earlier rows leave open, and behind all of these what the same row does too.
    of_both = np.hstack([of_earlier[:, asked], of_news[:, asked]])
    series = news_series(features, symbols, stop_bar, of_both, own, np.concatenate([asked, asked]))
    longest, size = longest_lead(features.panel, symbols, stop_bar), len(asked)
    later = lead_correlations([(one.news, one.own, one.early) for one in series], longest)
    loose, later = later[:, :size], later[1:, size:]
    heard = _witnesses(loose) & ~_told(series, asked, longest)
    heard &= np.arange(n) != asked[:, None]
    earlier = lead_correlations([(one.own, one.news[:, size:], one.early) for one in series], longest)[1:]
    earlier *= (np.arange(n)[:, None] != asked)[None]
    for row, at in enumerate(asked.tolist()):
        before = strongest_pairs(earlier[:, :, row])
        share, _ = share_explained(series, size + row, before, later[:, row] * heard[row])
        known[at] = share * left[at]
    return known


def _of_others(moments: Moments, feature: int) -> Ints:
    """All columns of the moments that are not of the feature."""
    columns = np.arange(len(moments.early))
    return np.asarray(columns[columns % moments.n_features != feature])


def _witnesses(loose: Floats) -> Flags:
    """Which features (by one asked and other) know its news better at all later rows than in the same one.

    A window that holds the news in the same row tells it once more when it drops out.
    """
    squares = np.square(loose)
    return np.asarray(squares[1:].sum(axis=0) > _MORE_LATER * squares[0])


def _told(series: list[NewsSeries], asked: Ints, longest: int) -> Flags:
    """Which features (by one asked and other) bring as news what the one asked brought before.

    An honest column beside windows of itself that end some rows ago is known to later rows.
    """
    own = lead_correlations([(one.own[:, asked], one.own, one.early) for one in series], longest)
    # News of different rows hardly correlate, so what each of them explains adds up.
    return np.asarray(np.square(own[1:]).sum(axis=0) >= _TOLD)
