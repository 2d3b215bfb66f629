"""Within-symbol scores with standard errors, from sums per block of time.

Only rows of the same fold are compared: predictions of different folds come from different models,
and ranking them against each other would score the models' levels, not their skill.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from foxml_assets.core.metrics import NORMAL_95, ScoreMetric
from foxml_assets.evidence.arrays import Flags, Floats, Ints
from foxml_assets.evidence.target_evidence import Estimate


@dataclass(frozen=True)
class BlockSums:
    """Sufficient statistics of scores: k predictions of one symbol, summed within blocks of time.

    AUC: `left` counts the pairs that each block's rows form within their fold, one half of a pair for each of
    its rows, `cross` the concordant ones of them, ties one half, and `right` what would be concordant by the
    score of the whole fold. IC: `cross`, `left` and `right` sum products and squares of centred ranks of
    label and prediction. All are k x blocks.
    """

    metric: ScoreMetric
    cross: Floats
    left: Floats
    right: Floats


@dataclass(frozen=True)
class Scores:
    """Scores of k predictions and what each block adds to their error: k, and k x blocks.

    A block's influence is the derivative of the score by the weight of the block, so that the squares
    sum to the variance of a block bootstrap (Efron 1982, the infinitesimal jackknife); a fold weighs as the
    sum of its blocks. NaN scores have zero influence.
    """

    value: Floats
    influence: Floats

    @property
    def n_blocks(self) -> int:
        return int(self.influence.shape[-1])


def block_sums(
    metric: ScoreMetric, y: Floats, predictions: Floats, fold: Ints, block: Ints, n_blocks: int
) -> BlockSums:
    """Sums for `predictions` (k x n) of the labels `y` (n); `fold` and `block` ascend with the rows."""
    if len(y) == 0:
        nothing = np.zeros((len(predictions), n_blocks))
        return BlockSums(metric, nothing, nothing, nothing)
    start, stop = _ends(fold)
    # The first row of each block that has any: reduceat would give an empty one the next one's value.
    present = np.flatnonzero(np.diff(block, prepend=block[0] - 1))

    def by_block(values: Floats) -> Floats:
        sums = np.zeros((*values.shape[:-1], n_blocks))
        sums[..., block[present]] = np.add.reduceat(values, present, axis=-1)
        return sums

    if metric is ScoreMetric.AUC:
        concordant, comparable, expected = _concordance(y > 0.5, predictions, fold, start, stop)
        left = np.broadcast_to(by_block(comparable), (len(predictions), n_blocks))
        return BlockSums(metric, by_block(concordant), left, by_block(expected))
    ranks = centred_ranks(np.vstack([y[None, :], predictions]), fold)
    label, predicted = ranks[0], ranks[1:]
    left = np.broadcast_to(by_block(label * label), (len(predictions), n_blocks))
    return BlockSums(metric, by_block(predicted * label), left, by_block(predicted * predicted))


def scores(sums: BlockSums, blocks: Flags | None = None) -> Scores:
    """The scores over `blocks` (all by default), with the influence of every block."""
    chosen = np.ones(sums.cross.shape[-1], dtype=bool) if blocks is None else blocks
    cross, left, right = (np.where(chosen, part, 0.0) for part in (sums.cross, sums.left, sums.right))
    total, total_left, total_right = (part.sum(axis=-1, keepdims=True) for part in (cross, left, right))
    if sums.metric is ScoreMetric.AUC:
        value = _ratio(total, total_left)
        # Both rows of a pair count it, so twice `cross` is what a block's rows add and, once more, their part
        # of what their fold adds: over blocks its luck would be in the error twice. `right` takes one off.
        influence = _ratio(2.0 * cross - right - np.nan_to_num(value) * left, total_left)
    else:
        scale = np.sqrt(total_left * total_right)
        value = _ratio(total, scale)
        # A constant prediction ranks nothing: no skill rather than no score.
        value = np.where((total_right < 1e-12) & (total_left > 1e-12), 0.0, value)
        # By the sums of one block, v = C / sqrt(L R) changes by c / sqrt(L R) - v (l / L + r / R) / 2.
        half = 0.5 * np.nan_to_num(value)
        influence = _ratio(cross, scale) - half * (_ratio(left, total_left) + _ratio(right, total_right))
    return Scores(value[..., 0], np.nan_to_num(np.where(chosen, influence, 0.0)))


def mean_scores(parts: list[Scores]) -> Scores:
    """The mean over symbols; shared blocks of time keep what the symbols have in common."""
    value = np.stack([part.value for part in parts])
    influence = np.stack([part.influence for part in parts])
    known = np.isfinite(value)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known.any(axis=0), np.where(known, value, 0.0).sum(axis=0) / count, np.nan)
    return Scores(mean, influence.sum(axis=0) / count[..., None])


def estimates(found: Scores) -> tuple[Estimate, ...]:
    """Each score with its standard error and 95 % interval."""
    # Blocks that add nothing hold no comparable rows; with fewer than two that do, no error is known.
    active = (found.influence != 0.0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # n / (n - 1), as of a variance from n blocks.
        correction = active / np.maximum(active - 1, 1)
        error = np.sqrt(correction * (found.influence**2).sum(axis=-1))
    return tuple(
        estimate(value, error if n >= 2 else 0.0)
        for value, error, n in zip(found.value.tolist(), error.tolist(), active.tolist(), strict=True)
    )


def estimate(value: float, error: float) -> Estimate:
    """A score with its normal interval; without a positive `error` none is known."""
    if not np.isfinite(value):
        return Estimate(None)
    if not error > 0.0:
        return Estimate(value)
    return Estimate(value, error, value - NORMAL_95 * error, value + NORMAL_95 * error)


def difference(found: Scores, first: int, second: int) -> Scores:
    """Score `first` minus score `second`, paired: what both have in common cancels in the influences."""
    return Scores(
        (found.value[..., first] - found.value[..., second])[..., None],
        (found.influence[..., first, :] - found.influence[..., second, :])[..., None, :],
    )


def _concordance(
    positive: Flags, predictions: Floats, fold: Ints, start: Ints, stop: Ints
) -> tuple[Floats, Floats, Floats]:
    """Per row its share of the pairs that each prediction orders rightly within its fold, its share of all
    pairs, and what the first would be by the score of the fold."""
    order, first, last = _tie_groups(predictions, fold)
    negatives = np.zeros((len(predictions), predictions.shape[1] + 1))
    np.cumsum(~positive[order], axis=1, out=negatives[:, 1:])
    # below: negatives ranked below the row (ties one half), counted from the start of its fold.
    total = negatives[:, start]
    below = 0.5 * (np.take_along_axis(negatives, first, 1) + np.take_along_axis(negatives, last + 1, 1))
    below -= total
    # Rows ranked below (ties one half) less negatives below leaves the positives below.
    positives_below = 0.5 * (first + last + 1) - start - below
    n_positive = np.zeros(len(positive) + 1)
    np.cumsum(positive, out=n_positive[1:])
    fold_positives = n_positive[stop] - n_positive[start]
    fold_negatives = (stop - start) - fold_positives
    # A positive row is right about the negatives below it, a negative one about the positives above it.
    by_rank = np.where(positive[order], below, fold_positives - positives_below)
    concordant = np.empty_like(by_rank)
    np.put_along_axis(concordant, order, by_rank, 1)
    # Each pair is seen from both of its rows; halving makes the sums count it once.
    concordant *= 0.5
    comparable = 0.5 * np.where(positive, fold_negatives, fold_positives)
    score = _ratio(_fold_sums(concordant, start, stop), _fold_sums(comparable[None], start, stop))
    return concordant, comparable, np.nan_to_num(score) * comparable


def _ends(fold: Ints) -> tuple[Ints, Ints]:
    """On each row the first row of its fold, and one past the last."""
    edges = np.flatnonzero(np.diff(fold, prepend=fold[0] - 1, append=fold[-1] + 1))
    length = np.diff(edges)
    return np.repeat(edges[:-1], length), np.repeat(edges[1:], length)


def _fold_sums(values: Floats, start: Ints, stop: Ints) -> Floats:
    """On each row the sum over the rows of its fold."""
    totals = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=totals[:, 1:])
    return np.asarray(totals[:, stop] - totals[:, start])


def centred_ranks(values: Floats, fold: Ints) -> Floats:
    """Mid-ranks of each row of `values` (k x n) within folds, scaled to (-0.5, 0.5); `fold` ascends."""
    (start, stop), (order, first, last) = _ends(fold), _tie_groups(values, fold)
    # Places count from 0: the middle of the group's places, plus one half, over the rows of the fold.
    by_rank = (0.5 * (first + last + 1) - start) / (stop - start) - 0.5
    ranks = np.empty_like(by_rank)
    np.put_along_axis(ranks, order, by_rank, 1)
    return ranks


def _tie_groups(values: Floats, fold: Ints) -> tuple[Ints, Ints, Ints]:
    """The order of each row of `values` within folds, and by place the ends of its group of equals."""
    # Folds follow each other: each is sorted in its own place, on the values as they are.
    order = np.empty(values.shape, dtype=np.int64)
    edges = np.flatnonzero(np.diff(fold, prepend=fold[0] - 1, append=fold[-1] + 1))
    for start, stop in pairwise(edges.tolist()):
        order[:, start:stop] = start + np.argsort(values[:, start:stop], axis=1)
    ranked = np.take_along_axis(values, order, 1)
    n = ranked.shape[1]
    place = np.arange(n)
    opens = np.ones(ranked.shape, dtype=bool)
    opens[:, 1:] = (ranked[:, 1:] != ranked[:, :-1]) | (fold[1:] != fold[:-1])
    # Places of openings carried forward, and of closings carried backward: the group's ends at each place.
    first = np.maximum.accumulate(np.where(opens, place, 0), axis=1)
    closes = np.ones(ranked.shape, dtype=bool)
    closes[:, :-1] = opens[:, 1:]
    last = np.minimum.accumulate(np.where(closes, place, n - 1)[:, ::-1], axis=1)[:, ::-1]
    return order, first, last


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    out: Floats = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 1e-12)
    return out
