"""Agreement of feature importances between folds."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from foxml_assets.evidence.arrays import Floats
from foxml_assets.evidence.target_evidence import StabilityMetrics


def stability(snapshots: Floats, top_k: int) -> StabilityMetrics | None:
    """Mean and standard deviation, over pairs of folds, of top-k overlap and Kendall tau.

    `snapshots` is folds x features, with NaN rows for folds without a model. None without any snapshot.
    """
    known = [row for row in snapshots if len(row) and np.isfinite(row).all()]
    return agreement(known, top_k) if known else None


def agreement(snapshots: Sequence[Floats], top_k: int) -> StabilityMetrics:
    """Agreement of importances, each (features,), of which there is at least one.

    The metrics are None with a single one. Overlap is corrected for chance (Kuncheva 2007): 0 for random
    choices, 1 for equal ones.
    """
    pairs = list(combinations(snapshots, 2))
    if not pairs:
        return StabilityMetrics(len(snapshots), None, None, None, None)
    overlaps = np.array([top_overlap(a, b, top_k) for a, b in pairs])
    taus = np.array([_tau(a, b) for a, b in pairs])
    return StabilityMetrics(
        n_snapshots=len(snapshots),
        mean_overlap=float(overlaps.mean()),
        std_overlap=float(overlaps.std()),
        mean_tau=float(taus.mean()),
        std_tau=float(taus.std()),
    )


def top_overlap(a: Floats, b: Floats, top_k: int) -> float:
    """Agreement of the `top_k` features of `a` and `b`, corrected for chance.

    (r - e) / (m - e): r common features, e = |A| |B| / p expected by chance out of p, m = min(|A|, |B|);
    with sets of equal size this is Kuncheva's index. Features without importance are not chosen, and a
    ranking of nothing agrees with nothing: 0.
    """
    p = len(a)
    # Of few features at most half are chosen: two choices of nearly all agree whatever they are.
    first, second = (_top(values, min(top_k, max(1, p // 2))) for values in (a, b))
    expected, most = len(first) * len(second) / p, min(len(first), len(second))
    return (len(first & second) - expected) / (most - expected) if most > expected else 0.0


def _top(values: Floats, k: int) -> set[int]:
    order = np.argsort(-values, kind="stable")[:k]
    return {int(index) for index in order if values[index] > 0.0}


def _tau(a: Floats, b: Floats) -> float:
    from scipy.stats import kendalltau

    if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return 0.0
    return float(kendalltau(a, b).statistic)
