"""Within-symbol scores and all their bootstrap replicates, from sums per block of time.

Only rows of the same fold are compared: predictions of different folds come from different models,
and ranking them against each other would score the models' levels, not their skill.
"""

from itertools import pairwise

import numpy as np
from scipy.stats import rankdata

from foxml_assets.selection.blocks import TimeBlocks
from foxml_assets.selection.target_data import Floats, Ints
from foxml_assets.vocabulary import ScoreMetric


def replicate_scores(
    metric: ScoreMetric, y: Floats, prediction: Floats, bar: Ints, blocks: TimeBlocks
) -> Floats:
    """The score of one symbol's rows: element 0 of the sample, then one per bootstrap replicate.

    `y`, `prediction` and `bar` have one entry a row. NaN where nothing can be compared.
    """
    block = blocks.block_of(bar)
    numerator = np.zeros(len(blocks.draws))
    left, right = np.zeros(len(blocks.draws)), np.zeros(len(blocks.draws))
    for first, stop in pairwise(blocks.bounds):
        rows = (block >= first) & (block < stop)
        if not rows.any():
            continue
        draws = blocks.draws[:, first:stop]
        part = block[rows] - first
        if metric is ScoreMetric.AUC:
            concordant, pairs = concordance(y[rows], prediction[rows], part, stop - first)
            numerator += _quadratic(draws, concordant)
            left += _quadratic(draws, pairs)
        else:
            covariance, variance_x, variance_y = _rank_moments(y[rows], prediction[rows], part, draws)
            numerator += covariance
            left += variance_x
            right += variance_y
    if metric is ScoreMetric.AUC:
        return _ratio(numerator, left)
    scale = np.sqrt(left * right)
    # A constant prediction ranks nothing: no skill rather than no score.
    return np.where((left < 1e-12) & (right > 1e-12), 0.0, _ratio(numerator, scale))


def concordance(y: Floats, prediction: Floats, block: Ints, n_blocks: int) -> tuple[Floats, Floats]:
    """Concordant pairs and all pairs, by the blocks of their positive and their negative row.

    Element [a, b] counts positives of block a ranked above negatives of block b, ties one half. Their
    sums give the AUC (Mann-Whitney); reweighting rows and columns gives that of any resample of blocks.
    """
    positive = y > 0.5
    scores, negative_block = prediction[~positive], block[~positive]
    order = np.argsort(scores, kind="stable")
    below = np.zeros((len(order) + 1, n_blocks))
    below[np.arange(1, len(order) + 1), negative_block[order]] = 1.0
    np.cumsum(below, axis=0, out=below)
    ranked = scores[order]
    lower = np.searchsorted(ranked, prediction[positive], side="left")
    upper = np.searchsorted(ranked, prediction[positive], side="right")
    membership = np.zeros((n_blocks, int(positive.sum())))
    membership[block[positive], np.arange(membership.shape[1])] = 1.0
    concordant = membership @ (0.5 * (below[lower] + below[upper]))
    positives = np.bincount(block[positive], minlength=n_blocks).astype(np.float64)
    negatives = np.bincount(negative_block, minlength=n_blocks).astype(np.float64)
    return concordant, np.outer(positives, negatives)


def _quadratic(draws: Floats, matrix: Floats) -> Floats:
    return np.asarray(((draws @ matrix) * draws).sum(axis=1))


def _rank_moments(y: Floats, prediction: Floats, block: Ints, draws: Floats) -> tuple[Floats, Floats, Floats]:
    x_rank, y_rank = _centred_ranks(prediction), _centred_ranks(y)
    columns = (np.ones(len(y)), x_rank, y_rank, x_rank * y_rank, x_rank**2, y_rank**2)
    n_blocks = draws.shape[1]
    sums = np.column_stack([np.bincount(block, weights=column, minlength=n_blocks) for column in columns])
    n, x, y_sum, xy, xx, yy = (draws @ sums).T
    count = np.maximum(n, 1.0)
    return xy - x * y_sum / count, xx - x * x / count, yy - y_sum * y_sum / count


def _centred_ranks(values: Floats) -> Floats:
    return (np.asarray(rankdata(values)) - 0.5) / len(values) - 0.5


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    out: Floats = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 1e-12)
    return out
