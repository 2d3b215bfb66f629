"""The evidence of one side as arrays, aligned to targets (pooled rows) or to pairs (symbol rows)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.core.metrics import NORMAL_95, ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, Stability, TaskType
from foxml_assets.routing.candidates.candidates import ESTIMATE_SUFFIXES
from foxml_assets.routing.candidates.table_columns import (
    NULL,
    Bools,
    Codes,
    Floats,
    Index,
    code,
    encode,
    floats,
)
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import Side
from foxml_assets.routing.sides.stability_class import SkillOverTime, SnapshotRows, classify_stability
from foxml_assets.routing.sides.threshold_tables import RowThresholds, horizon_tiers, row_thresholds
from foxml_assets.routing.sides.usable_features import FeatureList, allowed_features


@dataclass(frozen=True)
class EstimateRows:
    """Scores with their uncertainty; NaN where unknown. `se` is derived from the interval if not given."""

    value: Floats
    se: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class PairScores:
    """What symbol rows say about the other choices: pooled model, average of both, local minus pooled."""

    cs: EstimateRows
    both: EstimateRows
    difference: EstimateRows


@dataclass(frozen=True)
class SideRows:
    """One side's rows. Every array has one entry per target (or pair), with nulls where no row exists.

    `texts` are the columns of the candidates that go on as they are.
    """

    side: Side
    rows: Index
    task: Codes
    metric: Codes
    horizon: Floats
    tier: Codes
    thresholds: RowThresholds
    sample_size: Floats
    score: EstimateRows
    stability: Codes
    stated_stability: Codes
    snapshots: SnapshotRows
    earlier: EstimateRows
    recent: EstimateRows
    over_time: SkillOverTime
    leakage: Codes
    n_families: Floats
    texts: pd.DataFrame
    features: pd.Categorical
    feature_lists: tuple[FeatureList, ...]
    few_features: Bools

    @property
    def present(self) -> Bools:
        """Whether there is a row at all."""
        return self.rows >= 0

    @property
    def skill_scale(self) -> Floats:
        """Factor from a score above chance to skill, by row."""
        return self.by_metric([metric.facts.skill_per_score for metric in ScoreMetric])

    @property
    def chance(self) -> Floats:
        """The score of no skill, by row."""
        return self.by_metric([metric.chance for metric in ScoreMetric])

    def by_metric(self, values: list[float]) -> Floats:
        """The value of each row's metric, of one for each; NaN without a metric."""
        return _by_metric(self.metric, values)


FAMILY_LISTS = ("successful_families", "failed_families", "families")
_SNAPSHOT_COLUMNS = ("n_snapshots", "mean_overlap", "std_overlap", "mean_tau", "std_tau")


def side_rows(
    candidates: pd.DataFrame,
    rows: Index,
    side: Side,
    policy: RoutingPolicy,
    inherited_few: Bools | None = None,
    pooled_gone: Bools | None = None,
) -> SideRows:
    """The candidates at positions `rows` (-1: no such row) as arrays.

    A row without a feature list uses its target's, of which `inherited_few` says whether it is too short;
    `pooled_gone`, that the skill of its target's pooled model is gone.
    """
    # The candidates are numbered from 0, so the label -1 is in none and gives a row of nulls.
    table = candidates.reindex(rows)
    metric = encode(table["score_metric"], ScoreMetric)
    horizon = floats(table["horizon_minutes"])
    tier = horizon_tiers(horizon)
    snapshots = SnapshotRows(*(floats(table[name]) for name in _SNAPSHOT_COLUMNS))
    earlier, recent = estimate_rows(table, "earlier_score"), estimate_rows(table, "recent_score")
    over_time = _skill_over_time(earlier, recent, metric)
    stated = encode(table["stability"], Stability)
    leakage = encode(table["leakage_status"], LeakageStatus)
    # Never examined; a word nobody knows stays UNREADABLE.
    leakage[leakage == NULL] = code(LeakageStatus.UNKNOWN)
    gone = np.zeros(len(rows), dtype=np.bool_) if pooled_gone is None else pooled_gone
    score = estimate_rows(table, "score")
    features = table["features"].array
    # Each distinct list is parsed once; the last, for no list, is what code -1 picks.
    lists = tuple(allowed_features(text, policy) for text in [*features.categories, None])
    own_few = np.array([features.too_few for features in lists])[features.codes]
    has_list = features.codes >= 0
    return SideRows(
        side=side,
        rows=rows,
        task=encode(table["task_type"], TaskType),
        metric=metric,
        horizon=horizon,
        tier=tier,
        thresholds=row_thresholds(policy, side, metric, tier),
        sample_size=floats(table["sample_size"]),
        score=score,
        stability=classify_stability(snapshots, over_time, stated, policy.stability_classification, gone),
        stated_stability=stated,
        snapshots=snapshots,
        earlier=earlier,
        recent=recent,
        over_time=over_time,
        leakage=leakage,
        n_families=_family_counts(table, is_scored=~np.isnan(score.value)),
        texts=table[[*FAMILY_LISTS, "assured", "leakage_reason", "data_hash"]],
        features=features,
        feature_lists=lists,
        few_features=own_few if inherited_few is None else np.where(has_list, own_few, inherited_few),
    )


def _by_metric(metric: Codes, values: list[float]) -> Floats:
    """The value of each row's metric; NaN without one."""
    # Negative codes pick from the end, where NaN stands for both of them.
    return np.array([*values, np.nan, np.nan])[metric]


def _skill_over_time(earlier: EstimateRows, recent: EstimateRows, metric: Codes) -> SkillOverTime:
    with np.errstate(invalid="ignore", divide="ignore"):
        return SkillOverTime(
            # Earlier and recent folds share no rows, so the variances of their scores add.
            fade=(earlier.value - recent.value) / np.hypot(earlier.se, recent.se),
            recent=(recent.value - _by_metric(metric, [one.chance for one in ScoreMetric])) / recent.se,
        )


def estimate_rows(table: pd.DataFrame, name: str) -> EstimateRows:
    """The four columns of an estimate."""
    value, se, low, high = (floats(table[f"{name}{suffix}"]) for suffix in ESTIMATE_SUFFIXES)
    # The normal interval is 2 * 1.96 standard errors wide; whichever of the two is missing follows.
    derived = np.where(np.isnan(se), (high - low) / (2 * NORMAL_95), se)
    low = np.where(np.isnan(low), value - NORMAL_95 * se, low)
    high = np.where(np.isnan(high), value + NORMAL_95 * se, high)
    return EstimateRows(value=value, se=derived, low=low, high=high)


def pair_scores(candidates: pd.DataFrame, rows: Index) -> PairScores:
    """The scores of the other choices at the symbol rows `rows`."""
    # Only the columns that are read: reindexing copies every one.
    table = candidates.filter(regex="^(cs_score|both_score|difference)").reindex(rows)
    return PairScores(*(estimate_rows(table, name) for name in ("cs_score", "both_score", "difference")))


def _family_counts(table: pd.DataFrame, *, is_scored: Bools) -> Floats:
    # Where no success is stated, a score says that some family fitted; without either list nothing is known.
    successful, failed = table["successful_families"].array, table["failed_families"].array
    counts = np.array([*(float(len(word.split("|"))) for word in successful.categories), 0.0])
    unknown = (successful.codes < 0) & ((failed.codes < 0) | is_scored)
    return np.where(unknown, np.nan, counts[successful.codes])
