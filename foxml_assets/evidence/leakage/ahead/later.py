"""What later rows of the panel tell about a feature that earlier rows do not.

A shifted or centred window has, as its news at row t, what honest features have as theirs some bars later. So
news is matched with news: at the right lead they agree whatever the memory of the series, at all others not.
"""

from dataclasses import dataclass

import numpy as np

from foxml_assets.evidence.arrays import Flags, Floats, Ints
from foxml_assets.evidence.leakage.ahead.news_series import (
    NOTHING_LEFT,
    lead_correlations,
    longest_lead,
    news_series,
    share_explained,
    strongest_pairs,
    weights_of,
)
from foxml_assets.evidence.leakage.past import Moments
from foxml_assets.evidence.leakage.ranks import FeatureRanks

# Correlation of the news of two features that have some of it in common.
_IN_COMMON = 0.3
# How much more of it a witness must have later than in the same row.
_BETTER_LATER = 1.5


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
    longest, every = longest_lead(features.panel, symbols, stop_bar), np.arange(n)
    # By feature and other: who may speak about whom. A feature always hears itself.
    heard = ~without[None, :] | np.eye(n, dtype=bool)
    # Column c of the moments is feature c % n; from n on it is one at earlier rows.
    columns = [one[heard[at][one % n]] for at, one in enumerate(moments.explaining(at) for at in range(n))]
    own, _ = weights_of(moments, {at: moments.own(at) for at in range(n)})
    # At first no feature's same row counts as its past: who may vouch for whom is what this finds out.
    of_strict, _ = weights_of(moments, {at: one[one >= n] for at, one in enumerate(columns)})
    strict = news_series(features, symbols, stop_bar, of_strict, own, every)
    alike = lead_correlations([(one.news, one.own, one.early) for one in strict], longest) * heard
    witness = _witnesses(alike)
    late = (copies & ~without).any(axis=1)
    vouching = _vouching(alike, np.asarray(witness & ~late))
    of_news, left = weights_of(
        moments, {at: one[(one >= n) | vouching[at][one % n]] for at, one in enumerate(columns)}
    )
    series = news_series(features, symbols, stop_bar, of_news, own, every)
    # Without lead 0: leads x feature x other, the feature's news with what others bring later on.
    later = lead_correlations([(one.news, one.own, one.early) for one in series], longest)[1:] * (
        heard & witness
    )
    # The other way round, leads x other x feature: what others brought before the feature's news.
    earlier = lead_correlations([(one.own, one.news, one.early) for one in series], longest)[1:] * heard.T
    share, lead = np.where(np.isnan(left), np.nan, 0.0), np.zeros(n, dtype=np.int64)
    witnessed = share.copy()
    for at in np.flatnonzero(np.nan_to_num(left) >= NOTHING_LEFT).tolist():
        before = strongest_pairs(earlier[:, :, at])
        share[at], lead[at] = share_explained(series, at, before, later[:, at])
        witnessed[at] = share[at]
        if share[at] > 0.0 and copies[:, at].any():
            witnessed[at], _ = share_explained(series, at, before, later[:, at] * ~copies[:, at])
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
