"""Blocks of time, the units that standard errors count as independent."""

from dataclasses import dataclass

import numpy as np

from foxml_assets.evidence.arrays import Flags, Ints
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.panel.folds import Fold


@dataclass(frozen=True)
class TimeBlocks:
    """Consecutive blocks of bars inside the folds' test windows; fold f holds [bounds[f], bounds[f + 1])."""

    starts: Ints
    bounds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.starts)

    def block_of(self, bar: Ints) -> Ints:
        """The block of each bar; bars must lie in a test window."""
        return np.searchsorted(self.starts, bar, side="right").astype(np.int64) - 1

    @property
    def recent(self) -> Flags:
        """Which blocks lie in the recent folds: the last fifth of them, rounded up."""
        n_folds = len(self.bounds) - 1
        return self.of_folds(n_folds - -(-n_folds // 5), n_folds)

    def of_folds(self, first: int, stop: int) -> Flags:
        """Which blocks lie in the folds [first, stop)."""
        chosen = np.zeros(len(self), dtype=bool)
        chosen[self.bounds[first] : self.bounds[stop]] = True
        return chosen


def make_blocks(folds: tuple[Fold, ...], horizon_bars: int, config: BlockConfig) -> TimeBlocks:
    """Cut the test windows into blocks (non-overlapping, Carlstein 1986).

    A block spans `min_block_bars`, or a quarter of the window where that is shorter, and never less than
    two horizons, since labels closer than one overlap.
    """
    starts: list[int] = []
    bounds = [0]
    for fold in folds:
        length = fold.test_stop - fold.test_start
        quarter = min(config.min_block_bars, length // 4)
        # The last term, rounded up, keeps the number of blocks within its limit.
        block = max(quarter, 2 * horizon_bars, -(-length // config.max_blocks_per_fold))
        count = max(1, length // block)
        # Equal parts up to rounding, so no short block is left at the end.
        starts += [fold.test_start + length * k // count for k in range(count)]
        bounds.append(len(starts))
    return TimeBlocks(starts=np.array(starts, dtype=np.int64), bounds=tuple(bounds))
