"""Does the future of the panel explain a feature better than its past? Asked once for the whole panel.

A feature that was built from data up to its own row is, apart from news, a function of the panel's past. One
that was shifted or centred into the future is not, and what the past leaves open stands in later rows.
"""

from dataclasses import dataclass, replace

import numpy as np

from foxml_assets.evidence.arrays import Flags, Floats, Ints
from foxml_assets.evidence.leakage.ahead.lagged import lagged_copies
from foxml_assets.evidence.leakage.ahead.later import Later, explained_by_later
from foxml_assets.evidence.leakage.ahead.unhelped import known_later
from foxml_assets.evidence.leakage.past import (
    OFFSETS,
    Moments,
    fit_from_past,
    half_moments,
    sample_symbols,
    unexplained,
    weight_table,
)
from foxml_assets.evidence.leakage.ranks import FeatureRanks
from foxml_assets.panel.data_config import LeakageConfig

# Share of the clearest case from which on others are as clear.
_CLEAR = 0.75


@dataclass(frozen=True)
class PastAndFuture:
    """What the panel says about every feature, without any label.

    `past_r2` is the R2 from the panel's past, `future_share` the share of the rest that its future explains,
    `witnessed` the same without columns that repeat the feature, `lead_bars` how far ahead that stands (0
    where it is less than `look_ahead_share`), `known_later` the share of the feature that others' later rows
    explain and their earlier ones do not, its own not heard (0 below `lasting_share`). NaN where it could
    not be examined. `news` is what the past leaves open of every feature's ranks, NaN where the past is not
    known. `repeats` marks features that are another one some rows ago.
    """

    past_r2: Floats
    future_share: Floats
    witnessed: Floats
    lead_bars: Ints
    known_later: Floats
    news: FeatureRanks
    repeats: Flags
    moments: Moments


def past_and_future(features: FeatureRanks, stop_bar: int, config: LeakageConfig) -> PastAndFuture:
    """Explain every feature's ranks by the other features now and all features at earlier rows, and what
    earlier rows leave open by later ones; fitted on the earlier half of the bars, scored on the later."""
    n_features = features.ranks.shape[1]
    symbols = sample_symbols(np.diff(features.panel.starts), config.examined_rows)
    moments = half_moments(features, symbols, stop_bar)
    fits = {at: fit_from_past(moments, at, moments.explaining(at)) for at in range(n_features)}
    known = {at: fit for at, fit in fits.items() if fit is not None}
    past_r2 = np.full(n_features, np.nan)
    past_r2[list(known)] = [1.0 - fit.left for fit in known.values()]
    copies = lagged_copies(features.panel)
    later, ahead = _ask_later(features, moments, symbols, stop_bar, copies, config.look_ahead_share)
    # A lag of what looks ahead may look ahead itself.
    repeats = np.asarray((copies & ~ahead[None, :]).any(axis=1) & ~ahead)
    past_r2 = np.where(repeats, 1.0, past_r2)
    news = unexplained(features, weight_table(moments, known), np.ones(n_features, dtype=bool))
    # Nothing is new in what was there some rows earlier.
    news[:, repeats] = np.nan
    return PastAndFuture(
        past_r2,
        later.share,
        later.witnessed,
        np.where(ahead, later.lead_bars, 0),
        known_later(features, moments, symbols, stop_bar, config.lasting_share),
        FeatureRanks(features.panel, news, OFFSETS[-1]),
        repeats,
        moments,
    )


def _ask_later(
    features: FeatureRanks,
    moments: Moments,
    symbols: tuple[int, ...],
    stop_bar: int,
    copies: Flags,
    least: float,
) -> tuple[Later, Flags]:
    """What later rows know of each feature, and which look ahead (share of `least`).

    Columns that look ahead hide and explain each other, and take honest news for their own: which do, and how
    far, shows with the clearest ones taken away.
    """
    ahead = np.zeros(moments.n_features, dtype=bool)
    found = explained_by_later(features, moments, symbols, stop_bar, copies, ahead)
    while True:
        unasked = np.where(ahead, 0.0, np.nan_to_num(found.share))
        clearest = float(unasked.max(initial=0.0))
        if clearest < least:
            return found, ahead
        # At least the clearest one is added each time, so the loop ends.
        ahead = ahead | (unasked >= max(least, _CLEAR * clearest))
        again = explained_by_later(features, moments, symbols, stop_bar, copies, ahead)
        # One that no longer shows without the others keeps the numbers it was found by.
        shown = ~ahead | (np.nan_to_num(again.share) >= least)
        found = Later(
            np.where(shown, again.share, found.share),
            np.where(shown, again.witnessed, found.witnessed),
            np.where(shown, again.lead_bars, found.lead_bars),
        )


def asked_apart(
    past: PastAndFuture, features: FeatureRanks, asked: Ints, without: Ints, leans_on: float
) -> PastAndFuture:
    """The same, but that the features `asked` are explained without the help of those in `without`.

    Copies of one label would vouch for each other. Answers change where R2 falls by `leans_on`.
    """
    moments, r2 = past.moments, past.past_r2.copy()
    fits = {}
    for feature in asked[~past.repeats[asked]].tolist():
        columns = moments.explaining(feature)
        others = without[without != feature]
        fit = fit_from_past(moments, feature, columns[~np.isin(columns % moments.n_features, others)])
        if fit is not None and 1.0 - fit.left < r2[feature] - leans_on:
            r2[feature], fits[feature] = 1.0 - fit.left, fit
    if not fits:
        return past
    changed = np.isin(np.arange(moments.n_features), list(fits))
    ranks = past.news.ranks.copy()
    ranks[:, changed] = unexplained(features, weight_table(moments, fits), changed)
    return replace(past, past_r2=r2, news=FeatureRanks(features.panel, ranks, OFFSETS[-1]))
