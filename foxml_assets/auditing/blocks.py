"""Standard errors clustered by time: every number again with each block of bars left out.

All pairs share the blocks, so what symbols and targets have in common at a time is kept in the error.
"""

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from foxml_assets.auditing.audit import Interval
from foxml_assets.evidence.scores.blocks import TimeBlocks, make_blocks
from foxml_assets.evidence.scores.sums import Scores
from foxml_assets.selection.config import BlockConfig
from foxml_assets.selection.folds import Fold
from foxml_assets.training.split import Timeline

Floats = npt.NDArray[np.float64]


def holdout_blocks(timeline: Timeline, horizon_bars: int, config: BlockConfig) -> TimeBlocks:
    """The hold-out in blocks as long as the evidence's."""
    start, stop = timeline.holdout_bar, len(timeline.times)
    window = Fold(index=0, train_stop=start, test_start=start, test_stop=stop)
    return make_blocks((window,), horizon_bars, config)


def left_out(found: Scores) -> Floats:
    """The first score, then that score without each block, to first order: shape (1 + n_blocks,)."""
    n = found.n_blocks
    value, influence = found.value[0], found.influence[0]
    return np.concatenate([[value], value - influence * n / max(n - 1, 1)])


def standard_errors(replicates: Floats) -> Floats:
    """Delete-one-block jackknife (Künsch 1989) along the last axis, whose element 0 is the sample's value.

    NaN with fewer than two blocks, and where the value without one of them is not known.
    """
    left_out = replicates[..., 1:]
    n = left_out.shape[-1]
    if n < 2:
        return np.full(replicates.shape[:-1], np.nan)
    spread = left_out - left_out.mean(axis=-1, keepdims=True)
    return np.asarray(np.sqrt((n - 1) / n * (spread**2).sum(axis=-1)))


def lower_bounds(replicates: Floats) -> Floats:
    """The lower ends of the 95 % intervals along the last axis; NaN as `standard_errors`."""
    return replicates[..., 0] - _width(replicates.shape[-1] - 1) * standard_errors(replicates)


def interval(replicates: Floats) -> Interval:
    """Value and 95 % interval of one number, shape (1 + n_blocks,), by Student's t on n_blocks - 1."""
    value, error = float(replicates[0]), float(standard_errors(replicates))
    if not np.isfinite(error):
        return Interval(value, None, None, None)
    half = _width(len(replicates) - 1) * error
    return Interval(value, error, value - half, value + half)


def _width(n_blocks: int) -> float:
    return float(student.ppf(0.975, n_blocks - 1)) if n_blocks > 1 else float("nan")
