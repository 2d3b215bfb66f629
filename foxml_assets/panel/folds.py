"""Walk-forward folds on the panel's timeline, purged by the label's horizon in bars.

A bar is one distinct timestamp of the panel. Rows of the stacked panel never enter here.
"""

from dataclasses import dataclass

import numpy as np

from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.panel.data_config import EvidenceConfig


@dataclass(frozen=True)
class Fold:
    """Train on bars [0, train_stop), test on bars [test_start, test_stop)."""

    index: int
    train_stop: int
    test_start: int
    test_stop: int


def holdout_start(n_bars: int, holdout_fraction: float) -> int:
    """The first bar of the untouched final hold-out; `n_bars` when there is none."""
    return n_bars - int(np.floor(n_bars * holdout_fraction))


def last_train_bar(first_test_bar: int, horizon_bars: int, embargo_bars: int) -> int:
    """One past the last bar whose label ends before `first_test_bar`, with `embargo_bars` to spare."""
    return max(0, first_test_bar - horizon_bars - embargo_bars)


def evidence_stop(n_bars: int, horizon_bars: int, holdout_fraction: float) -> int:
    """One past the last bar that evidence may use: its label ends before the hold-out begins."""
    start = holdout_start(n_bars, holdout_fraction)
    return start if start == n_bars else last_train_bar(start, horizon_bars, 0)


def purge_bars(horizon_bars: int) -> int:
    """The horizon rounded up to a power of two, so that targets of like horizons share their folds."""
    return 1 << (horizon_bars - 1).bit_length()


def walk_forward(n_bars: int, horizon_bars: int, config: EvidenceConfig) -> tuple[Fold, ...]:
    """Expanding folds over the bars before the hold-out.

    These bars are cut into n_folds + 1 equal blocks; fold k tests on block k + 1 and trains on all
    bars before it whose label, `embargo_bars` included, ends before the test starts. Raises PanelError
    when the first training window would be empty.
    """
    stop = evidence_stop(n_bars, horizon_bars, config.holdout_fraction)
    bounds = [stop * k // (config.n_folds + 1) for k in range(config.n_folds + 2)]
    folds = tuple(
        Fold(
            index=k,
            train_stop=last_train_bar(bounds[k + 1], horizon_bars, config.embargo_bars),
            test_start=bounds[k + 1],
            test_stop=bounds[k + 2],
        )
        for k in range(config.n_folds)
    )
    if any(fold.train_stop < 1 or fold.test_stop <= fold.test_start for fold in folds):
        what = (
            f"{n_bars} bars are too few for {config.n_folds} folds of labels {horizon_bars} bars ahead "
            f"(embargo {config.embargo_bars}, hold-out {config.holdout_fraction:.0%})"
        )
        raise PanelError(
            "the panel is too short",
            problems=[Problem("", what)],
            fix="lower evidence.n_folds or the embargo",
        )
    return folds
