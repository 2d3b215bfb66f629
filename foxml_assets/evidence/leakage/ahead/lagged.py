"""Features that repeat another feature as it was some rows earlier, however many."""

import numpy as np

from foxml_assets.evidence.arrays import Flags, Floats, Ints, PanelArrays

# Rows whose value is looked up in another feature, and rows of all symbols that must bear a lag out.
_PROBES = 12
_MIN_ROWS = 60
# Share of the rows that must agree, and how far equal numbers may differ, as a share of their size.
_AGREE = 0.98
_TOLERANCE = 1e-5


def lagged_copies(panel: PanelArrays) -> Flags:
    """Which features (rows) have the values of another (columns) a fixed number of rows earlier, over all
    symbols."""
    n_features = len(panel.features)
    found = np.zeros((n_features, n_features), dtype=bool)
    sizes = np.diff(panel.starts)
    longest = int(np.argmax(sizes)) if len(sizes) else 0
    if not len(sizes) or sizes[longest] < 2 * _PROBES:
        return found
    X = np.asarray(panel.X[panel.rows_of(longest)], dtype=np.float64)
    order = np.argsort(X, axis=0, kind="stable")
    for feature in range(n_features):
        probes = _probes(X[:, feature])
        for other in range(n_features):
            if other == feature or not len(probes):
                continue
            lag = _common_lag(X[:, feature], X[:, other], order[:, other], probes)
            found[feature, other] = lag > 0 and _holds(panel, feature, other, lag)
    return found


def _probes(values: Floats) -> Ints:
    """Late rows of rare values, so that few earlier rows match by chance."""
    known = np.flatnonzero(np.isfinite(values))
    known = known[len(known) // 2 :]
    if len(known) < _PROBES:
        return known[:0]
    _, where, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    rare = known[counts[where] <= max(1, int(np.quantile(counts[where], 0.2)))]
    return rare[np.linspace(0, len(rare) - 1, _PROBES).astype(np.int64)] if len(rare) >= _PROBES else rare[:0]


def _common_lag(values: Floats, other: Floats, order: Ints, probes: Ints) -> int:
    """The smallest lag at which `other` held the value of (nearly) all probes; 0 for none."""
    ranked = other[order]
    votes: dict[int, int] = {}
    for row in probes.tolist():
        slack = _TOLERANCE * max(abs(values[row]), 1e-6)
        low, high = np.searchsorted(ranked, [values[row] - slack, values[row] + slack])
        # A value held so often tells no lag.
        if high - low > 200:
            return 0
        for lag in (row - order[low:high]).tolist():
            if lag > 0:
                votes[lag] = votes.get(lag, 0) + 1
    # Two probes may fail, as behind a gap.
    likely = [lag for lag, count in votes.items() if count >= len(probes) - 2]
    return min(likely, default=0)


def _holds(panel: PanelArrays, feature: int, other: int, lag: int) -> bool:
    """Whether the lag is that of the whole panel."""
    same = known = 0
    for symbol in range(len(panel.symbols)):
        rows = panel.rows_of(symbol)
        # Row t of the feature beside row t - lag of the other; a lag beyond the series leaves nothing.
        now = np.asarray(panel.X[rows, feature], dtype=np.float64)[lag:]
        then = np.asarray(panel.X[rows, other], dtype=np.float64)[:-lag]
        both = np.isfinite(now) & np.isfinite(then)
        known += int(both.sum())
        slack = _TOLERANCE * np.maximum(np.abs(now[both]), 1e-6)
        same += int((np.abs(now[both] - then[both]) <= slack).sum())
    return known >= _MIN_ROWS and same >= _AGREE * known
