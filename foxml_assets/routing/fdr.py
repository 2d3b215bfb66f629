"""False-discovery control over all rows of one side.

Benjamini, Y. and Hochberg, Y. (1995), Controlling the false discovery rate, J. R. Stat. Soc. B 57(1).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from foxml_assets.routing.coding import Bools, Floats


@dataclass(frozen=True)
class Discoveries:
    """The outcome of Benjamini-Hochberg: who was tested, the p-value cut-off, and each row's score bar."""

    tested: Bools
    cutoff: float
    bar: Floats

    @property
    def n_tested(self) -> int:
        return int(self.tested.sum())


def one_sided_p(z: Floats) -> Floats:
    """P(Z >= z) for a standard normal Z."""
    return np.asarray(ndtr(-z), dtype=np.float64)


def benjamini_hochberg(p: Floats, q: float) -> float:
    """The largest p-value cut-off q k / m such that at least k of the m p-values lie at or below it.

    With no discovery it is q / m, the cut-off that a first discovery would have to meet.
    """
    m = len(p)
    if m == 0:
        return 1.0
    ordered = np.sort(p)
    passing = np.flatnonzero(ordered <= q * np.arange(1, m + 1) / m)
    k = int(passing[-1]) + 1 if passing.size else 1
    return q * k / m


def discoveries(score: Floats, se: Floats, chance: Floats, eligible: Bools, q: float) -> Discoveries:
    """Test skill above chance on every eligible row with a positive (inflated) standard error.

    `bar` is the score at which a row is discovered, so that the test reads like any other bar.
    """
    tested = eligible & (se > 0) & np.isfinite(score)
    z = (score[tested] - chance[tested]) / se[tested]
    cutoff = benjamini_hochberg(one_sided_p(z), q)
    bar = np.full(len(score), np.nan)
    bar[tested] = chance[tested] - ndtri(cutoff) * se[tested]
    return Discoveries(tested=tested, cutoff=cutoff, bar=bar)


def expected_false(bar: Floats, se: Floats, chance: Floats, rows: Bools, cutoff: float) -> float:
    """How many of `rows` would pass their bar and the cut-off if none had any skill: an upper bound."""
    known = rows & (se > 0) & np.isfinite(bar)
    by_bar = one_sided_p((bar[known] - chance[known]) / se[known])
    return float(np.minimum(by_bar, cutoff).sum())
