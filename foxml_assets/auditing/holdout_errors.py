"""Standard errors clustered by time: every number again with each block of bars left out.

All pairs of a target share its blocks, and all pairs of a mean over targets share theirs, so what symbols and
targets have in common at a time is kept in the error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from foxml_assets.auditing.routing_audit import Interval
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.evidence.scores.blocks import TimeBlocks, make_blocks
from foxml_assets.evidence.scores.sums import Scores, block_sums, scores
from foxml_assets.families.model import Vector
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.panel.folds import Fold
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.training.split import Timeline

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HoldoutBlocks:
    """The hold-out in blocks as long as the labels need: of each target alone, and of all of them together.

    A mean over targets needs blocks that all share, and so those of the `longest` horizon, in bars.
    """

    by_target: Mapping[str, TimeBlocks]
    shared: TimeBlocks
    longest: int


@dataclass(frozen=True)
class Replicates:
    """`skill_replicates` of a pair, by the blocks of its target and by those that all targets share."""

    own: Floats
    shared: Floats


def blocks_of_targets(
    targets: Iterable[str], info: PanelInfo, timeline: Timeline, config: BlockConfig
) -> HoldoutBlocks:
    """The blocks of those `targets` that the panel holds."""
    wanted = set(targets)
    horizons = {spec.name: spec.horizon_bars for spec in info.targets if spec.name in wanted}
    longest = max(horizons.values(), default=1)
    cut = {bars: holdout_blocks(timeline, bars, config) for bars in {longest, *horizons.values()}}
    return HoldoutBlocks({name: cut[bars] for name, bars in horizons.items()}, cut[longest], longest)


def holdout_blocks(timeline: Timeline, horizon_bars: int, config: BlockConfig) -> TimeBlocks:
    """The hold-out in blocks as long as the evidence's."""
    start, stop = timeline.holdout_bar, len(timeline.times)
    window = Fold(index=0, train_stop=start, test_start=start, test_stop=stop)
    return make_blocks((window,), horizon_bars, config)


def pair_replicates(
    metric: ScoreMetric, y: Vector, prediction: Vector, bar: Ints, target: str, blocks: HoldoutBlocks
) -> Replicates:
    """`skill_replicates` of one pair of `target`."""
    own = blocks.by_target[target]
    found = skill_replicates(metric, y, prediction, bar, own)
    if np.array_equal(own.starts, blocks.shared.starts):
        return Replicates(found, found)
    return Replicates(found, skill_replicates(metric, y, prediction, bar, blocks.shared))


def skill_replicates(
    metric: ScoreMetric, y: Vector, prediction: Vector, bar: Ints, blocks: TimeBlocks
) -> Floats:
    """Skill of one symbol's predictions on the hold-out, then without each block: shape (1 + n_blocks,).

    NaN without the block that holds all rows. `bar` (n,) ascends.
    """
    # The hold-out is one fold: one model predicts all of it.
    window = np.zeros(len(y), dtype=np.int64)
    block = blocks.block_of(bar)
    sums = block_sums(metric, y, prediction[None], window, block, len(blocks))
    skill = np.array(metric.to_skill(left_out(scores(sums))))
    if len(block) and block[0] == block[-1]:
        # Nothing is left without this block, which the first order does not see.
        skill[1 + block[0]] = np.nan
    return skill


def without_gaps(skill: Floats) -> Floats:
    """A pair that cannot be scored without a block, as all its rows lie there, counts there as overall."""
    return np.where(np.isnan(skill), skill[:, :1], skill)


def left_out(found: Scores) -> Floats:
    """The first score, then that score without each block, to first order: shape (1 + n_blocks,)."""
    n = found.n_blocks
    value, influence = found.value[0], found.influence[0]
    # The factor makes the jackknife below agree with the evidence's error, n / (n - 1) times the sum of
    # squared influences.
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
    return float(stdtrit(n_blocks - 1, 0.975)) if n_blocks > 1 else float("nan")
