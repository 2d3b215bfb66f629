"""Blocks of time for the bootstrap, and the draws that all scores of one target share."""

from dataclasses import dataclass

import numpy as np

from foxml_assets.selection.config import BootstrapConfig
from foxml_assets.selection.folds import Fold
from foxml_assets.selection.target_data import Floats, Ints


@dataclass(frozen=True)
class TimeBlocks:
    """Consecutive blocks of bars inside the folds' test windows.

    Fold f holds the blocks `[bounds[f], bounds[f + 1])`. `draws` is replicates x blocks: how often each
    replicate holds each block. Its first row is all ones: the sample itself.
    """

    starts: Ints
    bounds: tuple[int, ...]
    draws: Floats

    def block_of(self, bar: Ints) -> Ints:
        """The block of each bar; bars must lie in a test window."""
        return np.searchsorted(self.starts, bar, side="right").astype(np.int64) - 1


def make_blocks(folds: tuple[Fold, ...], horizon_bars: int, config: BootstrapConfig, seed: int) -> TimeBlocks:
    """Cut the test windows into blocks and draw the replicates.

    A block spans `min_block_bars`, or a quarter of the window where that is shorter, and never less than
    two horizons, since labels closer than one overlap. Blocks are drawn with replacement from all folds
    together (non-overlapping block bootstrap, Carlstein 1986).
    """
    starts: list[int] = []
    bounds = [0]
    for fold in folds:
        length = fold.test_stop - fold.test_start
        quarter = min(config.min_block_bars, length // 4)
        block = max(quarter, 2 * horizon_bars, -(-length // config.max_blocks_per_fold))
        count = max(1, length // block)
        starts += [fold.test_start + length * k // count for k in range(count)]
        bounds.append(len(starts))
    n = len(starts)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, np.full(n, 1.0 / n), size=config.replicates).astype(np.float64)
    return TimeBlocks(
        starts=np.array(starts, dtype=np.int64),
        bounds=tuple(bounds),
        draws=np.vstack([np.ones((1, n)), drawn]),
    )


def whole_windows(folds: tuple[Fold, ...]) -> TimeBlocks:
    """Each test window as one block, and no replicates: for the scores of single folds."""
    return TimeBlocks(
        starts=np.array([fold.test_start for fold in folds], dtype=np.int64),
        bounds=tuple(range(len(folds) + 1)),
        draws=np.ones((1, len(folds))),
    )
