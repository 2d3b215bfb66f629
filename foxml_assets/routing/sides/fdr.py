"""False-discovery control over all rows of one side.

Benjamini, Y. and Hochberg, Y. (1995), Controlling the false discovery rate, J. R. Stat. Soc. B 57(1).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from foxml_assets.routing.frames import Bools, Floats


@dataclass(frozen=True)
class Earlier:
    """What earlier plans leave to the tests of one side: the share of its rate that new discoveries may
    spend, and the rows that were discovered before."""

    share: float
    found: Bools


@dataclass(frozen=True)
class Discoveries:
    """The outcome of Benjamini-Hochberg, row by row: tested or not, the rate `q`, p-value cut-off (1 where
    not tested) and score threshold. `kept` rows pass only because an earlier plan discovered them."""

    tested: Bools
    q: Floats
    cutoff: Floats
    threshold: Floats
    kept: Bools

    def found(self, score: Floats) -> Bools:
        """The tested rows that their `score` makes a discovery."""
        return self.tested & (score >= self.threshold)

    def or_by(self, other: "Discoveries") -> "Discoveries":
        """Rows pass if either test finds them: each row has the one that asks for less, of two this one."""
        less = other.tested & (other.cutoff > self.cutoff)
        return Discoveries(
            tested=self.tested | other.tested,
            q=np.where(less, other.q, self.q),
            cutoff=np.where(less, other.cutoff, self.cutoff),
            threshold=np.where(less, other.threshold, self.threshold),
            kept=np.where(less, other.kept, self.kept),
        )


def one_sided_p(z: Floats) -> Floats:
    """P(Z >= z) for a standard normal Z."""
    return np.asarray(ndtr(-z), dtype=np.float64)


def benjamini_hochberg(p: Floats, q: float) -> float:
    """The largest p-value cut-off q k / m such that at least k of the m p-values lie at or below it.

    With no discovery it is q / m, the cut-off that a first discovery would have to meet.
    """
    # Imported here because it takes a second, which a reader of plans need not wait for.
    from scipy.stats import false_discovery_control

    if not len(p):
        return 1.0
    # As many adjusted p-values lie at or below q as the step-up procedure rejects.
    n_found = int((false_discovery_control(p, method="bh") <= q).sum())
    return q * max(n_found, 1) / len(p)


def discoveries(
    score: Floats, se: Floats, chance: Floats, eligible: Bools, q: float, earlier: Earlier
) -> Discoveries:
    """Test skill above chance on every eligible row with a positive (inflated) standard error.

    Rows found before stand while the plan's own test at `q` finds them too, and count as found when the
    others are tested at `earlier.share` of `q`. `threshold` is the score at which a row is discovered, so
    that the test reads like any other.
    """
    tested = eligible & (se > 0) & np.isfinite(score)
    p = one_sided_p((score[tested] - chance[tested]) / se[tested])
    found = earlier.found[tested]
    of_plan = benjamini_hochberg(p, q)
    standing = found & (p <= of_plan)
    # At p = 0 what stands is counted as found for certain (Blanchard and Roquain 2008).
    anew = benjamini_hochberg(np.where(standing, 0.0, p), earlier.share * q)
    cutoff, kept = np.ones(len(score)), np.zeros(len(score), dtype=np.bool_)
    # Rows found before keep the plan's whole rate; new ones have what is left of it.
    cutoff[tested] = np.where(found, of_plan, anew)
    kept[tested] = standing & (p > anew)
    threshold = np.full(len(score), np.nan)
    # The score whose p-value is the cut-off: `ndtri` is negative below one half, so it lies above chance.
    threshold[tested] = chance[tested] - ndtri(cutoff[tested]) * se[tested]
    rate = np.where(tested, q, np.nan)
    return Discoveries(tested=tested, q=rate, cutoff=cutoff, threshold=threshold, kept=kept)


def expected_false(threshold: Floats, se: Floats, chance: Floats, rows: Bools, cutoff: Floats) -> float:
    """How many of `rows` would pass their threshold and cut-off if none had any skill: an upper bound."""
    known = rows & (se > 0) & np.isfinite(threshold)
    by_threshold = one_sided_p((threshold[known] - chance[known]) / se[known])
    # Both tests are a minimum for one score: passing both is as likely as passing the stricter one.
    return float(np.minimum(by_threshold, cutoff[known]).sum())
