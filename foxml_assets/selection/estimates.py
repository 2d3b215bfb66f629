"""Scores with their errors: per symbol, for the pooled model over symbols, and paired differences."""

import warnings
from dataclasses import dataclass

import numpy as np

from foxml_assets.selection.blocks import TimeBlocks
from foxml_assets.selection.crossfit import CrossFit
from foxml_assets.selection.evidence import Estimate
from foxml_assets.selection.scores import replicate_scores
from foxml_assets.selection.target_data import Flags, Floats, TargetData
from foxml_assets.vocabulary import ScoreMetric, TaskType

_NOTHING = Estimate(None)


@dataclass(frozen=True)
class SymbolScores:
    """Estimates on one symbol, and the pooled model's replicates for the mean over symbols."""

    local: Estimate
    pooled: Estimate
    both: Estimate
    difference: Estimate
    pooled_replicates: Floats | None


def metric_of(task_type: TaskType) -> ScoreMetric:
    """AUC for classification, rank correlation for regression."""
    return ScoreMetric.AUC if task_type is TaskType.CLASSIFICATION else ScoreMetric.IC


def score_symbol(
    data: TargetData, fit: CrossFit, symbol: int, blocks: TimeBlocks, min_rows: int
) -> SymbolScores:
    """Score both models on the rows each predicted, and compare them on the rows both predicted."""
    rows = data.rows_of(symbol)
    metric = metric_of(data.spec.task_type)
    y, bar, pooled, local = data.y[rows], data.bar[rows], fit.pooled[rows], fit.local[rows]

    def replicates(prediction: Floats, where: Flags) -> Floats | None:
        if int(where.sum()) < min_rows:
            return None
        return replicate_scores(metric, y[where], prediction[where], bar[where], blocks)

    has_pooled, has_local = ~np.isnan(pooled), ~np.isnan(local)
    common = has_pooled & has_local
    on_pooled = replicates(pooled, has_pooled)
    on_local = replicates(local, has_local)
    paired_local = on_local if np.array_equal(common, has_local) else replicates(local, common)
    paired_pooled = on_pooled if np.array_equal(common, has_pooled) else replicates(pooled, common)
    difference = None if paired_local is None or paired_pooled is None else paired_local - paired_pooled
    return SymbolScores(
        local=estimate(on_local),
        pooled=estimate(on_pooled),
        both=estimate(replicates(0.5 * (pooled + local), common)),
        difference=estimate(difference),
        pooled_replicates=on_pooled,
    )


def mean_over_symbols(replicates: list[Floats]) -> Estimate:
    """The mean of within-symbol scores; the shared draws keep what the symbols have in common."""
    usable = [values for values in replicates if np.isfinite(values[0])]
    if not usable:
        return _NOTHING
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a replicate in which no symbol can be scored
        return estimate(np.nanmean(np.vstack(usable), axis=0))


def estimate(replicates: Floats | None) -> Estimate:
    """Value, standard error and 95 % percentile interval; `replicates[0]` is the value itself."""
    if replicates is None or not np.isfinite(replicates[0]):
        return _NOTHING
    value, resampled = float(replicates[0]), replicates[1:][np.isfinite(replicates[1:])]
    if len(resampled) < 0.9 * (len(replicates) - 1):
        return Estimate(value)
    error = float(resampled.std(ddof=1))
    if error == 0.0:
        return Estimate(value)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Estimate(value, error, float(low), float(high))
