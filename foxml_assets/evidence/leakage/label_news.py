"""What the panel's past leaves open of a label: what a copy of it would bring as news."""

import numpy as np

from foxml_assets.evidence.arrays import Ints
from foxml_assets.evidence.leakage.past import OFFSETS, best_ridge, middle_bar, sample_symbols, with_earlier
from foxml_assets.evidence.leakage.ranks import FeatureRanks, LabelView, scaled_ranks
from foxml_assets.selection.config import LeakageConfig

_MAX_COLUMNS = 300


def label_news(
    features: FeatureRanks, label: LabelView, unheard: Ints, config: LeakageConfig
) -> FeatureRanks:
    """The label's ranks less what the features explain, now and at earlier rows, without those `unheard`.

    One column, NaN where the label is missing and in a symbol's first rows. Fitted on the earlier half of
    the bars, with the penalty that is best on the later.
    """
    panel, n = features.panel, features.ranks.shape[1]
    symbols = sample_symbols(np.diff(panel.starts), config.examined_rows)
    stop = int(panel.bar.max(initial=-1)) + 1
    middle, margin = middle_bar(features, symbols, stop), OFFSETS[-1]
    columns = np.flatnonzero(~np.isin(np.arange(n * (1 + len(OFFSETS))) % n, unheard))
    grams = np.zeros((2, len(columns), len(columns)))
    crosses, totals = np.zeros((2, len(columns))), np.zeros(2)
    for symbol in symbols:
        rows = panel.rows_of(symbol)
        y, bar = scaled_ranks(label.y[rows]), panel.bar[rows]
        table = with_earlier(features.ranks[rows])[:, columns]
        usable = np.isfinite(y) & (np.arange(len(y)) >= margin)
        gap = margin + label.spec.horizon_bars
        for half, chosen in enumerate((bar < middle - gap, bar >= middle)):
            part, known = table[chosen & usable], y[chosen & usable]
            grams[half] += part.T @ part
            crosses[half] += part.T @ known
            totals[half] += known @ known
    weights = np.zeros(len(columns))
    if min(totals) > 0.0:
        strength = np.abs(crosses[0]) / np.sqrt(np.maximum(np.diag(grams[0]), 1e-12))
        best = np.sort(np.argsort(-strength, kind="stable")[:_MAX_COLUMNS])
        early, late = (gram[np.ix_(best, best)] for gram in grams)
        weights[best], _ = best_ridge(early, crosses[0][best], late, crosses[1][best], float(totals[1]))
    out = np.full((len(panel.bar), 1), np.nan, dtype=np.float32)
    for symbol in range(len(panel.symbols)):
        rows = panel.rows_of(symbol)
        explained = with_earlier(features.ranks[rows])[:, columns] @ weights
        out[rows, 0] = scaled_ranks(label.y[rows]) - explained
        out[rows][:margin] = np.nan
    return FeatureRanks(panel, out, margin)
