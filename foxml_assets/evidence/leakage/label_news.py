"""What the panel's past leaves open of a label: what a copy of it would bring as news."""

import numpy as np

from foxml_assets.evidence.arrays import Ints
from foxml_assets.evidence.leakage.past import OFFSETS, Moments, fit_to, halves, lost_rows, with_earlier
from foxml_assets.evidence.leakage.ranks import FeatureRanks, LabelView, label_ranks


def label_news(features: FeatureRanks, moments: Moments, label: LabelView, unheard: Ints) -> FeatureRanks:
    """The label's ranks less what the features explain, now and at earlier rows, without those `unheard`.

    One column, NaN where the label is missing and in a symbol's first rows. Fitted on the earlier half of
    the bars, with the penalty that is best on the later.
    """
    panel, size = features.panel, len(moments.early)
    y = np.concatenate(label_ranks(panel, label))[:, 0]
    crosses, totals = np.zeros((2, size)), np.zeros(2)
    for one in halves(features, moments.symbols, moments.stop_bar):
        # As in the moments, what is missing counts as an average rank.
        known = np.nan_to_num(y[one.rows])
        for half, chosen in enumerate((one.early, one.late)):
            crosses[half] += one.table[chosen].T @ known[chosen]
            totals[half] += known[chosen] @ known[chosen]
    weights = np.zeros(size)
    if min(totals) > 0.0:
        # Column c of the moments is feature c % n_features, at whatever offset.
        columns = np.flatnonzero(~np.isin(np.arange(size) % moments.n_features, unheard))
        fit = fit_to(moments, columns, crosses[0], crosses[1], float(totals[1]))
        weights[fit.columns] = fit.weights
    out = np.full((len(y), 1), np.nan, dtype=np.float32)
    for symbol in range(len(panel.symbols)):
        rows = panel.rows_of(symbol)
        out[rows, 0] = y[rows] - with_earlier(features.ranks[rows]) @ weights
        # `rows` is a slice, so this writes into `out`.
        out[rows][: lost_rows(rows.stop - rows.start)] = np.nan
    return FeatureRanks(panel, out, OFFSETS[-1])
