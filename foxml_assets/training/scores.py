"""Scores of predictions on rows the model has not seen."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from foxml_assets.core.metrics import ScoreMetric, metric_of
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.evidence.scores.sums import block_sums, scores
from foxml_assets.families.model import Vector

Count = Annotated[int, msgspec.Meta(ge=0)]


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score on `n` rows: `value` in the metric's unit, `skill` on the common scale (0 is chance).

    Both are None where there are too few rows, or labels of one value only.
    """

    metric: ScoreMetric
    value: float | None
    skill: float | None
    n: Count


class SymbolScore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The score on the rows of one symbol."""

    symbol: str
    score: Score


class HoldoutScores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Scores on the hold-out.

    `within_symbols` is the mean of `by_symbol` and the one to compare models by: scored over the stacked
    rows, as `stacked` is, a pooled model is credited for telling symbols apart.
    """

    within_symbols: Score
    stacked: Score
    by_symbol: tuple[SymbolScore, ...]

    def of(self, symbol: str) -> Score | None:
        """The score on one symbol's rows; None for a symbol the model does not know."""
        return next((item.score for item in self.by_symbol if item.symbol == symbol), None)


def score(task: TaskType, y: Vector, prediction: Vector, *, min_rows: int) -> Score:
    """Score predictions, shape (n,), against labels, shape (n,)."""
    metric = metric_of(task)
    if len(y) < max(min_rows, 2) or np.ptp(y) == 0:
        return Score(metric, None, None, len(y))
    # All rows are of one fold and one block: the score of the evidence, without its error.
    together = np.zeros(len(y), dtype=np.int64)
    value = float(scores(block_sums(metric, y, prediction[None], together, together, 1)).value[0])
    return Score(metric, value, metric.to_skill(value), len(y))


def holdout_scores(
    task: TaskType,
    y: Vector,
    prediction: Vector,
    code: npt.NDArray[np.int64],
    symbols: Sequence[str],
    *,
    min_rows: int,
) -> HoldoutScores:
    """Score predictions over all rows and within each symbol; `code` is each row's position in `symbols`."""
    by_symbol = tuple(
        SymbolScore(symbol, score(task, y[code == index], prediction[code == index], min_rows=min_rows))
        for index, symbol in enumerate(symbols)
    )
    is_one = len(by_symbol) == 1
    return HoldoutScores(
        within_symbols=_mean(metric_of(task), [item.score for item in by_symbol]),
        stacked=by_symbol[0].score if is_one else score(task, y, prediction, min_rows=min_rows),
        by_symbol=by_symbol,
    )


def _mean(metric: ScoreMetric, parts: Sequence[Score]) -> Score:
    scored = [
        (item.value, item.skill, item.n)
        for item in parts
        if item.value is not None and item.skill is not None
    ]
    if not scored:
        return Score(metric, None, None, 0)
    values, skills, rows = zip(*scored, strict=True)
    return Score(metric, float(np.mean(values)), float(np.mean(skills)), sum(rows))
