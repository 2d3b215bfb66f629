"""News of features as series, and how much of one's news later rows of others explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foxml_assets.evidence.arrays import Flags, Floats, Ints, PanelArrays
from foxml_assets.evidence.leakage.past import (
    Moments,
    best_ridge,
    fit_from_past,
    lost_rows,
    middle_bar,
    weight_table,
    with_earlier,
)
from foxml_assets.evidence.leakage.ranks import FeatureRanks

# Ranks are known to about their own spacing; news of less than this share of a feature is rounding.
NOTHING_LEFT = 2e-3
_LONGEST_LEAD = 120
# One lead for every so many rows of a usual symbol, so that the halves stay long enough to learn from.
_BARS_PER_LEAD = 10
_PAIRS = 40
# Squared correlations below this altogether cannot become a share that matters.
_TOO_LITTLE = 0.05

_Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NewsSeries:
    """News of one symbol, 0 where unknown, and which rows belong to either half.

    `news` is what other features leave open (rows x those asked), `own` what a feature's own earlier rows
    leave (rows x features).
    """

    news: _Rows
    own: _Rows
    early: Flags
    late: Flags


@dataclass(frozen=True)
class Pairs:
    """Features (`of`) at rows `lead` later, or earlier if negative."""

    lead: Ints
    of: Ints


def longest_lead(panel: PanelArrays, symbols: tuple[int, ...], stop_bar: int) -> int:
    """How many bars ahead is looked in the rows of `symbols` before `stop_bar`."""
    found = [panel.rows_between(symbol, 0, stop_bar) for symbol in symbols]
    usual = int(np.median([rows.stop - rows.start for rows in found])) if found else 0
    return max(1, min(_LONGEST_LEAD, usual // _BARS_PER_LEAD))


def weights_of(moments: Moments, columns: Mapping[int, Ints]) -> tuple[_Rows, Floats]:
    """The weights that explain each feature by its columns, and the share they leave; NaN where none can."""
    fits = {at: fit_from_past(moments, at, one) for at, one in columns.items()}
    known = {at: fit for at, fit in fits.items() if fit is not None}
    left = np.full(moments.n_features, np.nan)
    left[list(known)] = [fit.left for fit in known.values()]
    return weight_table(moments, known), left


def news_series(
    features: FeatureRanks,
    symbols: tuple[int, ...],
    stop_bar: int,
    of_news: _Rows,
    of_own: _Rows,
    asked: Ints,
) -> list[NewsSeries]:
    """The series of `symbols`; column c of the weights `of_news` is about feature `asked[c]`."""
    panel = features.panel
    longest = longest_lead(panel, symbols, stop_bar)
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
        news, own = np.nan_to_num(r[:, asked] - table @ of_news), np.nan_to_num(r - table @ of_own)
        found.append(NewsSeries(news, own, early, late))
    return found


def lead_correlations(parts: Sequence[tuple[_Rows, _Rows, Flags]], longest: int) -> Floats:
    """Correlation of each first series' chosen rows with the second one's 0 to `longest` rows later: leads x
    first x second."""
    n, m = parts[0][0].shape[1], parts[0][1].shape[1]
    cross, of_first, of_second = np.zeros((longest + 1, n, m)), np.zeros(n), np.zeros(m)
    for first, second, chosen in parts:
        rows = np.flatnonzero(chosen)
        if not len(rows):
            continue
        # The chosen rows are one run, and `longest` rows behind it exist: a lead is a shift of the slice.
        start, stop = int(rows[0]), int(rows[-1]) + 1
        of_first += np.square(first[start:stop]).sum(axis=0)
        of_second += np.square(second[start:stop]).sum(axis=0)
        for lead in range(longest + 1):
            cross[lead] += first[start:stop].T @ second[start + lead : stop + lead]
    # Lengths are those of the rows at lead 0, for every lead; the floor is for columns of zeros.
    return np.asarray(cross / np.sqrt(np.maximum(np.outer(of_first, of_second), 1e-12)))


def strongest_pairs(correlations: Floats) -> Pairs:
    """The pairs of largest correlation (leads x features)."""
    n = correlations.shape[1]
    order = np.argsort(-np.abs(correlations), axis=None, kind="stable")[:_PAIRS]
    order = order[np.abs(correlations).flat[order] > 0.0]
    # Position p of the flattened table is lead p // n + 1 of feature p % n.
    return Pairs(order // n + 1, order % n)


def share_explained(
    series: Sequence[NewsSeries], column: int, before: Pairs, later: Floats
) -> tuple[float, int]:
    """How much less of the news in a column is left with the best pairs at later rows (correlations `later`)
    than with those `before` alone, and the lead of the best of them."""
    after = strongest_pairs(later)
    # Row 0 of the table is lead 1.
    strength = np.abs(later[after.lead - 1, after.of])
    if np.square(strength).sum() < _TOO_LITTLE:
        return 0.0, 0
    lead, of = np.concatenate([-before.lead, after.lead]), np.concatenate([before.of, after.of])
    grams, crosses, totals = _moments_of_pairs(series, column, Pairs(lead, of))
    if totals[1] <= 0.0:
        return 0.0, 0

    def left(stop: int) -> float:
        # The pairs at earlier rows stand first, so a prefix asks them alone.
        early, late = grams[:, :stop, :stop]
        return best_ridge(early, crosses[0, :stop], late, crosses[1, :stop], float(totals[1]))[1]

    alone = left(len(before.lead))
    if alone < NOTHING_LEFT:
        return 0.0, 0
    return float(np.clip((alone - left(len(lead))) / alone, 0.0, 1.0)), int(after.lead[np.argmax(strength)])


def _moments_of_pairs(
    series: Sequence[NewsSeries], column: int, pairs: Pairs
) -> tuple[Floats, Floats, Floats]:
    """Gram matrices of the pairs' columns, their products with a column of news, and its squares, by half."""
    size = len(pairs.lead)
    grams, crosses, totals = np.zeros((2, size, size)), np.zeros((2, size)), np.zeros(2)
    for one in series:
        for half, chosen in enumerate((one.early, one.late)):
            # Rows x pairs: each pair's feature `lead` rows later. Chosen rows have these before and behind.
            at = np.flatnonzero(chosen)[:, None] + pairs.lead
            table = one.own[at, pairs.of].astype(np.float64)
            y = one.news[chosen, column].astype(np.float64)
            grams[half] += table.T @ table
            crosses[half] += table.T @ y
            totals[half] += y @ y
    return grams, crosses, totals
