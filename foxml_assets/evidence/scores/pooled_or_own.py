"""Pooled and own models of one target, scored on the same rows and held against each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.evidence.arrays import Flags, Floats
from foxml_assets.evidence.scores.blocks import TimeBlocks
from foxml_assets.evidence.scores.sums import (
    BlockSums,
    Scores,
    block_sums,
    difference,
    estimates,
    mean_scores,
    scores,
)
from foxml_assets.evidence.screening.predictions import TargetCase, Variant
from foxml_assets.evidence.target_evidence import Estimate
from foxml_assets.families.threads import map_threads

# How many standard errors a predictor must lead by before it replaces the one that was expected to be best.
_LEAD = 1.5
# Own trees cost most of the time, and are asked for only on clear grounds.
_CLEAR = 2.0
# Fewer rows of a symbol rank too little to be worth a score.
_FEWEST_ROWS = 20


@dataclass(frozen=True)
class PooledScores:
    """The pooled model: the variant chosen (number `at`), its score over symbols, and its parts by folds.

    `on_symbols` has the block sums of all variants on each symbol, None where too few rows are predicted, and
    `own` is the mean score of the symbols' own models.
    """

    chosen: Variant
    at: int
    by_family: dict[str, Estimate]
    score: Estimate
    earlier: Estimate
    recent: Estimate
    on_symbols: tuple[BlockSums | None, ...]
    own: Estimate


@dataclass(frozen=True)
class SymbolScores:
    """Own model, pooled model and their average on one symbol, and own minus pooled on the same rows.

    `prediction` is the own model's on the symbol's rows, `by_fold` (folds x 3) the scores of own, pooled and
    average; NaN where there is none. `blocks` marks the blocks of time in which the symbol has rows.
    `expected` is the score of the own variant that was expected to be best, whichever was chosen.
    """

    families: tuple[ModelFamily, ...]
    prediction: Floats
    by_family: dict[str, Estimate]
    sample_size: int
    local: Estimate
    earlier: Estimate
    recent: Estimate
    pooled: Estimate
    both: Estimate
    difference: Estimate
    by_fold: Floats
    blocks: Flags
    expected: Scores | None = None


def score_pooled(case: TargetCase, candidates: tuple[Variant, ...], blocks: TimeBlocks) -> PooledScores:
    """Score the pooled variants on every symbol and choose one by their means over symbols."""
    predictions = np.stack([one.prediction for one in candidates])
    least = _rows_to_score(case, predictions)

    def one(symbol: int) -> BlockSums | None:
        return _sums(case, symbol, predictions[:, case.panel.rows_of(symbol)], blocks, least)

    on_symbols = tuple(map_threads(one, range(len(case.panel.symbols)), case.config.threads))
    trained = [
        sums for sums, kept in zip(on_symbols, case.leaks.pooled.tolist(), strict=True) if kept and sums
    ]

    def over(part: Flags | None) -> Scores:
        if not trained:
            return Scores(np.full(len(candidates), np.nan), np.zeros((len(candidates), len(blocks))))
        return mean_scores([scores(sums, part) for sums in trained])

    whole = over(None)
    at = _choose(whole)
    return PooledScores(
        chosen=candidates[at],
        at=at,
        by_family=_by_family(candidates, whole),
        score=estimates(whole)[at],
        earlier=estimates(over(~blocks.recent))[at],
        recent=estimates(over(blocks.recent))[at],
        on_symbols=on_symbols,
        own=Estimate(None),
    )


def score_symbol(
    case: TargetCase, symbol: int, own: tuple[Variant, ...], pooled: PooledScores, blocks: TimeBlocks
) -> SymbolScores:
    """Score the own variants, choose one, and compare it with the pooled model on the rows of both."""
    rows, n_folds = case.panel.rows_of(symbol), len(case.folds)
    own_rows = np.stack([one.prediction[rows] for one in own])
    # The last variant is a family alone, ridge if there is one; a mean would need both families' rows.
    size = int(np.isfinite(own_rows[-1]).sum())
    nothing, no_folds = Estimate(None), np.full((n_folds, 3), np.nan)
    on_pooled = pooled.on_symbols[symbol]
    cs = nothing if on_pooled is None else estimates(scores(on_pooled))[pooled.at]
    active = np.zeros(len(blocks), dtype=bool) if on_pooled is None else on_pooled.left[pooled.at] != 0.0
    least = case.config.min_rows
    on_own = _sums(case, symbol, own_rows, blocks, least)
    if on_own is None:
        unknown = np.full(own_rows.shape[1], np.nan)
        none = (nothing,) * 3
        return SymbolScores((), unknown, {}, size, *none, cs, nothing, nothing, no_folds, active)
    whole = scores(on_own)
    # The last variant, ridge if there is one, is expected best: a symbol's rows are few for trees.
    expected = len(own) - 1
    at = _choose(whole, expected)
    pooled_rows = pooled.chosen.prediction[rows]
    together = np.stack([own_rows[at], pooled_rows, 0.5 * (own_rows[at] + pooled_rows)])
    paired = _sums(case, symbol, together, blocks, least)
    common = None if paired is None else scores(paired)
    return SymbolScores(
        families=own[at].families,
        prediction=own_rows[at],
        by_family=_by_family(own, whole),
        sample_size=size,
        local=estimates(whole)[at],
        earlier=estimates(scores(on_own, ~blocks.recent))[at],
        recent=estimates(scores(on_own, blocks.recent))[at],
        pooled=cs,
        both=nothing if common is None else estimates(common)[2],
        difference=nothing if common is None else estimates(difference(common, 0, 1))[0],
        by_fold=no_folds if paired is None else _by_fold(paired, blocks, n_folds),
        blocks=np.asarray(active),
        expected=Scores(whole.value[[expected]], whole.influence[[expected]]),
    )


def mean_own_score(case: TargetCase, found: Sequence[SymbolScores]) -> Estimate:
    """The mean score of own models over the symbols that the pooled model learns from.

    Of each symbol the variant that was expected to be best: one that is chosen by its score flatters it, by
    little on a symbol and by more than its error on the mean of hundreds.
    """
    scored = [
        one.expected
        for one, kept in zip(found, case.leaks.pooled.tolist(), strict=True)
        if kept and one.expected is not None
    ]
    return estimates(mean_scores(scored))[0] if scored else Estimate(None)


def open_to_trees(case: TargetCase, pooled: PooledScores, ridge: int, trees: int) -> Flags:
    """Symbols on which the pooled trees (variant `trees`) see clearly more than the pooled ridge: what ridge
    misses there may be the symbol's own."""
    found = np.zeros(len(case.panel.symbols), dtype=bool)
    for symbol, sums in enumerate(pooled.on_symbols):
        if sums is not None:
            lead = estimates(difference(scores(sums), trees, ridge))[0]
            found[symbol] = lead.se is not None and lead.value is not None and lead.value > _CLEAR * lead.se
    return found


def _rows_to_score(case: TargetCase, predictions: Floats) -> int:
    """Predicted rows from which on the pooled model is scored on a symbol: `min_rows`, or as many as symbols
    usually have where that is less. The error of the mean over symbols says what short ones are worth."""
    predicted = np.isfinite(predictions).all(axis=0)
    # Predicted rows of each symbol; the row added lets an empty last symbol start there.
    starts = case.panel.starts
    counts = np.add.reduceat(np.append(predicted, False), starts[:-1])
    # A symbol without rows is given the first of the next one.
    counts = counts[(np.diff(starts) > 0) & (counts > 0)]
    usual = int(np.median(counts)) if len(counts) else 0
    return min(case.config.min_rows, max(usual // 2, _FEWEST_ROWS))


def _sums(
    case: TargetCase, symbol: int, predictions: Floats, blocks: TimeBlocks, least: int
) -> BlockSums | None:
    """Block sums on the rows of one symbol that all predictions cover; None with fewer than `least`."""
    rows = case.panel.rows_of(symbol)
    usable = np.isfinite(predictions).all(axis=0) & ~np.isnan(case.y[rows])
    if int(usable.sum()) < least:
        return None
    bar = case.panel.bar[rows][usable]
    return block_sums(
        metric_of(case.spec.task_type),
        case.y[rows][usable],
        predictions[:, usable],
        case.fold_of[rows][usable],
        blocks.block_of(bar),
        len(blocks),
    )


def _choose(found: Scores, expected: int = 0) -> int:
    """The variant to train: the expected one, unless another clearly scores better."""
    best, lead = expected, 0.0
    for at in range(len(found.value)):
        if at == expected or not np.isfinite(found.value[at] - found.value[expected]):
            continue
        ahead = estimates(difference(found, at, expected))[0]
        if ahead.value is not None and ahead.se is not None and ahead.value > max(lead, _LEAD * ahead.se):
            best, lead = at, ahead.value
    return best


def _by_family(candidates: tuple[Variant, ...], found: Scores) -> dict[str, Estimate]:
    return {
        "+".join(one.families): estimate
        for one, estimate in zip(candidates, estimates(found), strict=True)
        if one.families
    }


def _by_fold(paired: BlockSums, blocks: TimeBlocks, n_folds: int) -> Floats:
    return np.stack([scores(paired, blocks.of_folds(k, k + 1)).value for k in range(n_folds)])
