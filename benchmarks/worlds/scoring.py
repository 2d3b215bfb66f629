"""Skill of one symbol's predictions, and what each block of time contributes to its error."""

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from foxml_assets.core.vocabulary import TaskType

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def blocks_of(n_rows: int, n_blocks: int) -> Ints:
    """The block of each of `n_rows` consecutive bars."""
    return np.arange(n_rows) * n_blocks // max(n_rows, 1)


def skill_by_block(
    task: TaskType, y: Floats, prediction: Floats, block: Ints, n_blocks: int
) -> tuple[float, Floats]:
    """2 AUC - 1, or Spearman's rank correlation, with the sum of its influence function per block.

    The standard error clustered by time is the root of the sum of squares of these sums, and that of the
    difference of two predictions the same of the differences. AUC: placements (DeLong 1988). Spearman:
    Croux and Dehon 2010, ranks as the empirical distribution. (0, zeros) where nothing can be ranked.
    """
    if np.ptp(prediction) == 0.0 or np.ptp(y) == 0.0:
        return 0.0, np.zeros(n_blocks)
    value, influence = _auc(y, prediction) if task is TaskType.CLASSIFICATION else _spearman(y, prediction)
    correction = np.sqrt(n_blocks / max(n_blocks - 1, 1))
    return value, correction * np.bincount(block, weights=influence, minlength=n_blocks)


def _auc(y: Floats, prediction: Floats) -> tuple[float, Floats]:
    positive = y > 0.5
    rank = np.asarray(rankdata(prediction))
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    influence = np.empty(len(y))
    # A row's rank among all less its rank among its own class counts the rows of the other class below it.
    below = (rank[positive] - rankdata(prediction[positive])) / n_negative
    above = 1.0 - (rank[~positive] - rankdata(prediction[~positive])) / n_positive
    auc = float(below.mean())
    influence[positive] = (below - auc) / n_positive
    influence[~positive] = (above - auc) / n_negative
    return 2.0 * auc - 1.0, 2.0 * influence


def _spearman(y: Floats, prediction: Floats) -> tuple[float, Floats]:
    n = len(y)
    u, v = (np.asarray(rankdata(prediction)) - 0.5) / n, (np.asarray(rankdata(y)) - 0.5) / n
    value = float(np.corrcoef(u, v)[0, 1])
    influence = 12.0 * (u * v + _mean_at_or_above(u, v) + _mean_at_or_above(v, u))
    return value, (influence - influence.mean()) / n


def _mean_at_or_above(key: Floats, values: Floats) -> Floats:
    """For each row the sum of `values` over rows with at least its `key`, over the number of rows."""
    order = np.argsort(key, kind="stable")
    result = np.empty(len(key))
    result[order] = np.cumsum(values[order][::-1])[::-1] / len(key)
    return result
