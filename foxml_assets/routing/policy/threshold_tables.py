"""The policy's score thresholds as lookup tables over (score metric, horizon tier)."""

from dataclasses import dataclass

import numpy as np

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.routing.candidates.coding import Codes, Floats, code
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import HorizonTier, Side

SHORT_BELOW, MEDIUM_BELOW, LONG_UP_TO = 60.0, 240.0, 1440.0


@dataclass(frozen=True)
class RowThresholds:
    """The thresholds each row is held against, in its score's unit; NaN where there is none."""

    strong: Floats
    min: Floats
    experimental: Floats


def horizon_tiers(minutes: Floats) -> Codes:
    """Tier codes of label horizons in minutes; `any` where the horizon is NaN."""
    tiers = [HorizonTier.SHORT, HorizonTier.MEDIUM, HorizonTier.LONG, HorizonTier.VERY_LONG]
    # The first that holds counts; NaN meets none.
    conditions = [minutes < SHORT_BELOW, minutes < MEDIUM_BELOW, minutes <= LONG_UP_TO, minutes > LONG_UP_TO]
    return np.select(conditions, [code(tier) for tier in tiers], code(HorizonTier.ANY)).astype(np.int8)


def row_thresholds(policy: RoutingPolicy, side: Side, metric: Codes, tier: Codes) -> RowThresholds:
    """The thresholds in force for rows of one side, by their metric and tier codes (negative: none)."""
    shape = (len(ScoreMetric) + 1, len(HorizonTier))
    strong, low, experimental = (np.full(shape, np.nan) for _ in range(3))
    lane_scores = policy.experimental.min_score.of(side)
    for score_metric, horizon_tier, thresholds in policy.side(side).in_force():
        at = (code(score_metric), code(horizon_tier))
        strong[at], low[at] = thresholds.strong_score, thresholds.min_score
        threshold = lane_scores.threshold(score_metric)
        if policy.enable_experimental_lane and threshold is not None:
            experimental[at] = threshold
    # The row past the last metric stays NaN: it serves rows without a metric.
    known = np.where(metric < 0, len(ScoreMetric), metric)
    return RowThresholds(strong[known, tier], low[known, tier], experimental[known, tier])
