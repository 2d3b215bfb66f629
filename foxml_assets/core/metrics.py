"""The score metrics: everything that is said of one, once.

A metric is a member here with its facts, and a field for its thresholds in the routing policy
(`routing/policy/score_thresholds.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from foxml_assets.core.vocabulary import TaskType

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# The two-sided 95 % quantile of the normal distribution.
NORMAL_95 = 1.959963984540054

Score = TypeVar("Score", float, "npt.NDArray[np.float64]")


class ScoreMetric(StrEnum):
    """`auc`: 0.5 is chance. `ic` (rank correlation): 0 is chance. `r2`: 0 is the mean; imported only."""

    AUC = "auc"
    IC = "ic"
    R2 = "r2"

    @property
    def facts(self) -> "MetricFacts":
        return _FACTS[self]

    @property
    def chance(self) -> float:
        """The score of no skill."""
        return self.facts.chance

    def to_skill(self, score: Score) -> Score:
        """Scores on the scale that all metrics share, on which 0 is chance and 1 the best: 2 AUC - 1, say."""
        return self.facts.skill_per_score * (score - self.facts.chance)


@dataclass(frozen=True)
class MetricFacts:
    """`aliases`: what other systems call it. `skill_per_score`: skill per unit of score above chance."""

    task: TaskType
    low: float
    high: float
    chance: float
    skill_per_score: float
    aliases: tuple[str, ...]


_FACTS: Mapping[ScoreMetric, MetricFacts] = {
    ScoreMetric.AUC: MetricFacts(TaskType.CLASSIFICATION, 0.0, 1.0, 0.5, 2.0, ("roc_auc", "rocauc")),
    ScoreMetric.IC: MetricFacts(
        TaskType.REGRESSION, -1.0, 1.0, 0.0, 1.0, ("rank_ic", "spearman", "spearman_ic")
    ),
    ScoreMetric.R2: MetricFacts(TaskType.REGRESSION, float("-inf"), 1.0, 0.0, 1.0, ("r2_score",)),
}
_OF_TASK = {TaskType.CLASSIFICATION: ScoreMetric.AUC, TaskType.REGRESSION: ScoreMetric.IC}


def metric_of(task: TaskType) -> ScoreMetric:
    """The metric that a task is scored by here."""
    return _OF_TASK[task]


def find_metric(word: str) -> ScoreMetric | None:
    """The metric of a name, its own or another system's; None for a name that is not known."""
    return next((metric for metric in ScoreMetric if word == metric or word in metric.facts.aliases), None)
