"""What a score comes to where there is nothing to find: labels whose blocks of time are shuffled."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foxml_assets.core.errors import Problem
from foxml_assets.evidence.arrays import Floats, Ints, PanelArrays
from foxml_assets.evidence.scores.blocks import make_blocks
from foxml_assets.evidence.scores.pooled_or_own import score_pooled
from foxml_assets.evidence.screening.predictions import RIDGE, TargetCase, Variant
from foxml_assets.evidence.screening.ridge_screen import LinearTask, linear_screen
from foxml_assets.evidence.target_evidence import Estimate, TargetEvidence
from foxml_assets.panel.folds import purge_bars

# A block keeps what labels know of their neighbours; a shift of all bars would keep slow trends as well.
_FEWEST_BARS = 20
# By chance it is one target in thirty thousand.
_MOST_ERRORS = 4.0


def null_scores(cases: Sequence[TargetCase], task: LinearTask) -> tuple[Estimate, ...]:
    """The pooled ridge's score on shuffled labels, case by case: `task` on the same panel and folds.

    It is chance but for its error, unless the scores or their errors are wrong on this panel.
    """
    first = cases[0]
    panel, folds, settings = first.panel, first.folds, first.config
    length = max(_FEWEST_BARS, 2 * purge_bars(first.spec.horizon_bars))
    order = _shuffled_bars(folds[-1].test_stop, length, settings.seed)
    shuffled = [replace(case, y=_taken(panel, case.y, order)) for case in cases]
    nothing = replace(task, labels=np.stack([case.y for case in shuffled]))
    pooled = linear_screen(panel, folds, nothing, settings, with_own=False).pooled
    return tuple(
        score_pooled(
            case,
            (Variant((RIDGE,), predicted),),
            make_blocks(folds, case.spec.horizon_bars, settings.blocks),
        ).score
        for case, predicted in zip(shuffled, pooled, strict=True)
    )


def nulls_above_chance(evidence: Sequence[TargetEvidence]) -> tuple[Problem, ...]:
    """The targets whose null score cannot be chance."""
    return tuple(
        Problem(
            one.target,
            f"scores {null.value:.4f} {one.score_metric} on shuffled labels, {z:.1f} errors above chance",
        )
        for one in evidence
        if (null := one.null_score).value is not None
        and null.se
        and (z := (null.value - one.score_metric.facts.chance) / null.se) > _MOST_ERRORS
    )


def _shuffled_bars(n_bars: int, length: int, seed: int) -> Ints:
    """The bars before `n_bars`, in blocks of `length` in another order."""
    blocks = [np.arange(start, min(start + length, n_bars)) for start in range(0, n_bars, length)]
    order = np.random.default_rng(seed).permutation(len(blocks))
    return np.concatenate([blocks[at] for at in order.tolist()])


def _taken(panel: PanelArrays, y: Floats, order: Ints) -> Floats:
    """The label that each row's symbol has at bar `order[bar]`; NaN where it has none there."""
    taken = np.full(len(y), np.nan)
    for symbol in range(len(panel.symbols)):
        rows = panel.rows_between(symbol, 0, len(order))
        bars = panel.bar[rows]
        if len(bars):
            wanted = order[bars]
            at = np.minimum(np.searchsorted(bars, wanted), len(bars) - 1)
            taken[rows] = np.where(bars[at] == wanted, y[rows][at], np.nan)
    return taken
