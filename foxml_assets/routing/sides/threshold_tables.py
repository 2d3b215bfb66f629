"""The policy's score thresholds as lookup tables over (score metric, horizon tier)."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import SignalState
from foxml_assets.routing.frames import Codes, Floats, code
from foxml_assets.routing.plan.routing_plan import ScoreThresholds
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import HorizonTier, Side

SHORT_BELOW, MEDIUM_BELOW, LONG_UP_TO = 60.0, 240.0, 1440.0


# By the state that they give, what each row's score is held against, in its unit; NaN where there is none.
RowThresholds: TypeAlias = Mapping[SignalState, Floats]


def horizon_tiers(minutes: Floats) -> Codes:
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


def row_thresholds(policy: RoutingPolicy, side: Side, metric: Codes, tier: Codes) -> RowThresholds:
    """The thresholds in force for rows of one side, by their metric and tier codes (negative: none)."""
    # The row past the last metric stays NaN: it serves rows without a metric.
    table = np.full((len(ScoreMetric) + 1, len(HorizonTier), 3), np.nan)
    for found in thresholds_in_force(policy, side):
        lane = np.nan if found.experimental is None else found.experimental
        table[code(found.score_metric), code(found.tier)] = found.strong, found.min, lane
    known = np.where(metric < 0, len(ScoreMetric), metric)
    states = (SignalState.STRONG, SignalState.WEAK_BUT_OK, SignalState.EXPERIMENTAL)
    return {state: table[known, tier, at] for at, state in enumerate(states)}
