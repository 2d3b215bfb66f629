"""The evidence of one side as arrays, aligned to targets (pooled rows) or to pairs (symbol rows)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.metrics import NORMAL_95, ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, SignalState, Stability, TaskType
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.candidates.candidates import ESTIMATE_SUFFIXES
from foxml_assets.routing.frames import (
    FAMILY_NAMES,
    NULL,
    Bools,
    Codes,
    Floats,
    Index,
    code,
    codes_of,
    floats,
)
from foxml_assets.routing.plan.routing_plan import ScoreThresholds
from foxml_assets.routing.policy.routing_config import RoutingPolicy, StabilityClassification
from foxml_assets.routing.policy.routing_words import HorizonTier, Side
from foxml_assets.storage.exact_json import decode_json

SHORT_BELOW, MEDIUM_BELOW, LONG_UP_TO = 60.0, 240.0, 1440.0
_SNAPSHOT_COLUMNS = ["n_snapshots", "mean_overlap", "std_overlap", "mean_tau", "std_tau"]

# By the state that they give, what each row's score is held against, in its unit; NaN where there is none.
RowThresholds: TypeAlias = Mapping[SignalState, Floats]


@dataclass(frozen=True)
class EstimateRows:
    """Scores with their uncertainty; NaN where unknown. `se` is derived from the interval if not given."""

    value: Floats
    se: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class FeatureList:
    """One distinct feature list after the policy: as JSON objects, or unreadable."""

    allowed: str | None
    dropped: str | None
    too_few: bool
    readable: bool = True


@dataclass(frozen=True)
class SideRows:
    """One side's rows. Every array has one entry per target (or pair), with nulls where no row exists.

    `snapshots` and `texts` are columns of the candidates: agreement of importance snapshots, and what goes on
    as it is. `followed` rows have their stability by skill over the folds. Of other models than their own,
    rows of symbols know the pooled one, the average of both, and local minus pooled (`difference`); pooled
    rows know the mean of own models.
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
    followed: Bools
    snapshots: pd.DataFrame
    earlier: EstimateRows
    recent: EstimateRows
    pooled: EstimateRows
    both: EstimateRows
    difference: EstimateRows
    own_mean: EstimateRows
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
    def gone(self) -> Bools:
        """Whether the skill was followed over the folds, and is gone."""
        return np.asarray(self.followed & (self.stability == code(Stability.DIVERGED)))

    @property
    def skill_scale(self) -> Floats:
        """Factor from a score above chance to skill, by row."""
        return by_metric(self.metric, lambda metric: metric.facts.skill_per_score)

    @property
    def chance(self) -> Floats:
        """The score of no skill, by row."""
        return by_metric(self.metric, lambda metric: metric.chance)

    def as_skill(self, score: EstimateRows, inflate: float) -> tuple[Floats, Floats]:
        """A score of the rows as skill (2 AUC - 1, or IC), and its standard error, inflated."""
        scale = self.skill_scale
        return scale * (score.value - self.chance), scale * inflate * score.se


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
    metric, stated = codes_of(table["score_metric"], ScoreMetric), codes_of(table["stability"], Stability)
    horizon = floats(table["horizon_minutes"])
    tier = _horizon_tiers(horizon)
    earlier, recent = (_estimate(table, f"{when}_score") for when in ("earlier", "recent"))
    rules = policy.stability_classification
    followed, by_skill = _by_skill(earlier, recent, metric, rules, pooled_gone)
    score, leakage = _estimate(table, "score"), codes_of(table["leakage_status"], LeakageStatus)
    # Never examined; a word nobody knows stays UNREADABLE.
    leakage[leakage == NULL] = code(LeakageStatus.UNKNOWN)
    features = table["features"].array
    # Each distinct list is parsed once; the last, for no list, is what code -1 picks.
    lists = tuple(_allowed_features(text, policy) for text in [*features.categories, None])
    own_few = np.array([features.too_few for features in lists])[features.codes]
    has_list = features.codes >= 0
    return SideRows(
        side=side,
        rows=rows,
        task=codes_of(table["task_type"], TaskType),
        metric=metric,
        horizon=horizon,
        tier=tier,
        thresholds=_row_thresholds(policy, side, metric, tier),
        sample_size=floats(table["sample_size"]),
        score=score,
        # What was followed over the folds goes before agreement of importances, and that before a bare word.
        stability=np.where(followed, by_skill, _by_snapshots(table, stated, rules)).astype(np.int8),
        stated_stability=stated,
        followed=followed,
        snapshots=table[_SNAPSHOT_COLUMNS],
        earlier=earlier,
        recent=recent,
        pooled=_estimate(table, "cs_score"),
        both=_estimate(table, "both_score"),
        difference=_estimate(table, "difference"),
        own_mean=_estimate(table, "local_score"),
        leakage=leakage,
        n_families=_family_counts(table, is_scored=~np.isnan(score.value)),
        texts=table[[*FAMILY_NAMES, "assured", "leakage_reason", "data_hash"]],
        features=features,
        feature_lists=lists,
        few_features=own_few if inherited_few is None else np.where(has_list, own_few, inherited_few),
    )


def _horizon_tiers(minutes: Floats) -> Codes:
    """Tier codes of label horizons in minutes; `any` where the horizon is NaN."""
    tiers = [HorizonTier.SHORT, HorizonTier.MEDIUM, HorizonTier.LONG, HorizonTier.VERY_LONG]
    # The first that holds counts; NaN meets none.
    conditions = [minutes < SHORT_BELOW, minutes < MEDIUM_BELOW, minutes <= LONG_UP_TO, minutes > LONG_UP_TO]
    return np.select(conditions, [code(tier) for tier in tiers], code(HorizonTier.ANY)).astype(np.int8)


def thresholds_in_force(policy: RoutingPolicy, side: Side) -> Iterator[ScoreThresholds]:
    """What scores of one side are held against, for every (metric, tier) that has thresholds."""
    lane_scores = policy.experimental.min_score.of(side)
    for metric, tier, found in policy.side(side).in_force():
        trial = lane_scores.of(metric) if policy.enable_experimental_lane else None
        yield ScoreThresholds(side, metric, tier, found.strong_score, found.min_score, trial)


def _row_thresholds(policy: RoutingPolicy, side: Side, metric: Codes, tier: Codes) -> RowThresholds:
    """The thresholds in force for rows of one side, by their metric and tier codes (negative: none)."""
    # The row past the last metric stays NaN: it serves rows without a metric.
    table = np.full((len(ScoreMetric) + 1, len(HorizonTier), 3), np.nan)
    for found in thresholds_in_force(policy, side):
        lane = np.nan if found.experimental is None else found.experimental
        table[code(found.score_metric), code(found.tier)] = found.strong, found.min, lane
    known = np.where(metric < 0, len(ScoreMetric), metric)
    states = (SignalState.STRONG, SignalState.WEAK_BUT_OK, SignalState.EXPERIMENTAL)
    return {state: table[known, tier, at] for at, state in enumerate(states)}


def target_tasks(cs: SideRows, local: SideRows, alignment: Alignment) -> Codes:
    """Each target's task code: its pooled row's, else the first that a symbol row states, else negative."""
    own, stated = (pd.Series(rows.task).where(rows.task >= 0) for rows in (cs, local))
    first = stated.groupby(alignment.pair_target).min()
    # Both are indexed by the target's position, by which the one fills the gaps of the other.
    return own.fillna(first).fillna(NULL).to_numpy(np.int8)


def by_metric(metric: Codes, value_of: Callable[[ScoreMetric], float]) -> Floats:
    """The value of each row's metric; NaN without one."""
    # Negative codes pick from the end, where NaN stands for both of them.
    return np.array([*map(value_of, ScoreMetric), np.nan, np.nan])[metric]


def _by_skill(
    earlier: EstimateRows,
    recent: EstimateRows,
    metric: Codes,
    rules: StabilityClassification,
    pooled_gone: Bools | None,
) -> tuple[Bools, Codes]:
    """Which rows' skill was followed over the folds, and the stability that it shows."""
    with np.errstate(invalid="ignore", divide="ignore"):
        # Earlier and recent folds share no rows, so the variances of their scores add.
        fade = (earlier.value - recent.value) / np.hypot(earlier.se, recent.se)
        left = (recent.value - by_metric(metric, lambda one: one.chance)) / recent.se
    fades = fade >= rules.fade_z
    # One symbol shows too little to tell fading alone; where that of all has faded, its sign is enough.
    enough = fades if pooled_gone is None else fades | (pooled_gone & (fade >= 0.0))
    # Faded until the recent skill is in doubt, or by now clearly worse than chance.
    gone = (enough & (left < rules.gone_z)) | (left <= -rules.fade_z)
    words = [code(Stability.DIVERGED), code(Stability.DRIFTING)]
    stability = np.select([gone, fades], words, code(Stability.STABLE))
    return np.isfinite(fade) & np.isfinite(left), stability


def _by_snapshots(table: pd.DataFrame, stated: Codes, rules: StabilityClassification) -> Codes:
    """The stability by agreement of importance snapshots; without any, what the source states."""
    count, overlap, overlap_std, tau, tau_std = (floats(table[name]) for name in _SNAPSHOT_COLUMNS)
    measured = ~(np.isnan(overlap) & np.isnan(tau))
    enough = count >= rules.min_snapshots_for_stability
    unsteady = (overlap_std > rules.max_std_overlap) | (tau_std > rules.max_std_tau)
    stable = (overlap >= rules.stable_overlap_min) & (tau >= rules.stable_tau_min)
    drifting = (overlap >= rules.drifting_overlap_min) & (tau >= rules.drifting_tau_min)
    below = (overlap < rules.drifting_overlap_min) | (tau < rules.drifting_tau_min)
    # A source that does not say from how many snapshots it judged is believed.
    trusted = (np.isnan(count) | enough) & (stated >= 0)
    # The first that holds counts. Comparisons with NaN are false, so a row with one measure of the two,
    # and that one good, meets none and is UNKNOWN.
    conditions = [~measured & trusted, ~(measured & enough), unsteady, stable, drifting, below]
    word = Stability
    words = (word.UNKNOWN, word.DIVERGED, word.STABLE, word.DRIFTING, word.DIVERGED)
    return np.select(conditions, [stated, *map(code, words)], code(word.UNKNOWN)).astype(np.int8)


def _estimate(table: pd.DataFrame, name: str) -> EstimateRows:
    """The four columns of an estimate."""
    value, se, low, high = (floats(table[f"{name}{suffix}"]) for suffix in ESTIMATE_SUFFIXES)
    # The normal interval is 2 * 1.96 standard errors wide; whichever of the two is missing follows.
    derived = np.where(np.isnan(se), (high - low) / (2 * NORMAL_95), se)
    low = np.where(np.isnan(low), value - NORMAL_95 * se, low)
    high = np.where(np.isnan(high), value + NORMAL_95 * se, high)
    return EstimateRows(value=value, se=derived, low=low, high=high)


def _family_counts(table: pd.DataFrame, *, is_scored: Bools) -> Floats:
    # Where no success is stated, a score says that some family fitted; without either list nothing is known.
    successful, failed = table["successful_families"].array, table["failed_families"].array
    counts = np.array([*(float(len(word.split("|"))) for word in successful.categories), 0.0])
    unknown = (successful.codes < 0) & ((failed.codes < 0) | is_scored)
    return np.where(unknown, np.nan, counts[successful.codes])


def _allowed_features(text: str | None, policy: RoutingPolicy) -> FeatureList:
    """What the policy leaves of a JSON object feature -> leakage status.

    Without a list the features are unknown, so they count as features of status UNKNOWN.
    """
    filtering = policy.require_safe_features_only
    if text is None:
        unknown_ok = LeakageStatus.UNKNOWN in policy.allowed_feature_leakage_status
        return FeatureList(None, None, too_few=filtering and not unknown_ok)
    try:
        features = decode_json(text, dict[str, LeakageStatus])
    except msgspec.DecodeError:
        return FeatureList(None, None, too_few=False, readable=False)
    allowed = {
        name: status
        for name, status in features.items()
        if not filtering or status in policy.allowed_feature_leakage_status
    }
    dropped = {name: status for name, status in features.items() if name not in allowed}
    return FeatureList(
        allowed=canonical_json(allowed).decode(),
        dropped=canonical_json(dropped).decode() if dropped else None,
        too_few=filtering and len(allowed) < policy.min_features,
    )
