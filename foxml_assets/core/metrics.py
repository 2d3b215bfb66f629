"""The score metrics: which task has which, what chance is, and the scale that all share."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from foxml_assets.core.vocabulary import ScoreMetric, TaskType

SCORE_RANGE: dict[ScoreMetric, tuple[float, float]] = {
    ScoreMetric.AUC: (0.0, 1.0),
    ScoreMetric.IC: (-1.0, 1.0),
    ScoreMetric.R2: (float("-inf"), 1.0),
}
CHANCE: dict[ScoreMetric, float] = {ScoreMetric.AUC: 0.5, ScoreMetric.IC: 0.0, ScoreMetric.R2: 0.0}

# The two-sided 95 % quantile of the normal distribution.
NORMAL_95 = 1.959963984540054

Score = TypeVar("Score", float, npt.NDArray[np.float64])


def metric_of(task: TaskType) -> ScoreMetric:
    """AUC for classification, rank correlation for regression."""
    return ScoreMetric.AUC if task is TaskType.CLASSIFICATION else ScoreMetric.IC


def to_skill(metric: ScoreMetric, score: Score) -> Score:
    """Scores on the common scale, on which 0 is chance: 2 AUC - 1, or the score itself."""
    return 2.0 * score - 1.0 if metric is ScoreMetric.AUC else score
