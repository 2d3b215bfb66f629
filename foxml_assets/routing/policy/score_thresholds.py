"""Score bars of the routing policy: per side, score metric and horizon tier."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.vocabulary import ScoreMetric, Stability
from foxml_assets.routing.policy.routing_words import HorizonTier

AucBar = Annotated[float, Field(ge=0.0, le=1.0)]
SignedBar = Annotated[float, Field(ge=-1.0, le=1.0)]


class AucBars(ConfigModel):
    """Bars on AUC; 0.5 is chance."""

    min_score: AucBar
    strong_score: AucBar

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order(self.min_score, self.strong_score)
        return self


class SignedBars(ConfigModel):
    """Bars on IC or R2; 0 is chance."""

    min_score: SignedBar
    strong_score: SignedBar

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order(self.min_score, self.strong_score)
        return self


class MetricBars(ConfigModel):
    """Bars per score metric. A metric without bars cannot be routed: its rows are quarantined."""

    auc: AucBars | None = None
    ic: SignedBars | None = None
    r2: SignedBars | None = None

    def bars(self, metric: ScoreMetric) -> AucBars | SignedBars | None:
        return {ScoreMetric.AUC: self.auc, ScoreMetric.IC: self.ic, ScoreMetric.R2: self.r2}[metric]


class TierBars(ConfigModel):
    """Bars that differ for some label horizons; what is left out falls back to the side's own bars."""

    short: MetricBars = MetricBars()
    medium: MetricBars = MetricBars()
    long: MetricBars = MetricBars()
    very_long: MetricBars = MetricBars()

    def tier(self, tier: HorizonTier) -> MetricBars:
        return {
            HorizonTier.SHORT: self.short,
            HorizonTier.MEDIUM: self.medium,
            HorizonTier.LONG: self.long,
            HorizonTier.VERY_LONG: self.very_long,
            HorizonTier.ANY: MetricBars(),
        }[tier]


class SideThresholds(MetricBars):
    """The bars of one side, with optional overrides by horizon tier."""

    horizon_tiers: TierBars = TierBars()

    def bars_in_tier(self, metric: ScoreMetric, tier: HorizonTier) -> AucBars | SignedBars | None:
        """The bars in force for a metric and tier, or None."""
        return self.horizon_tiers.tier(tier).bars(metric) or self.bars(metric)

    def in_force(self) -> Iterator[tuple[ScoreMetric, HorizonTier, AucBars | SignedBars]]:
        """Every (metric, tier) that has bars."""
        for metric in ScoreMetric:
            for tier in HorizonTier:
                bars = self.bars_in_tier(metric, tier)
                if bars is not None:
                    yield metric, tier, bars


class MetricScores(ConfigModel):
    """One bar per score metric; without one the experimental lane is closed to that metric."""

    auc: AucBar | None = None
    ic: SignedBar | None = None
    r2: SignedBar | None = None

    def bar(self, metric: ScoreMetric) -> float | None:
        return {ScoreMetric.AUC: self.auc, ScoreMetric.IC: self.ic, ScoreMetric.R2: self.r2}[metric]


class ExperimentalScores(ConfigModel):
    cross_sectional: MetricScores = MetricScores(auc=0.51, ic=0.01)
    symbol: MetricScores = MetricScores(auc=0.52, ic=0.02)


class ExperimentalLane(ConfigModel):
    """Who may enter the experimental lane, and how many symbols of a target it holds at most."""

    min_score: ExperimentalScores = ExperimentalScores()
    allowed_stabilities: tuple[Stability, ...] = (Stability.STABLE, Stability.DRIFTING, Stability.UNKNOWN)
    max_fraction_symbols_per_target: Annotated[float, Field(gt=0.0, le=1.0)] = 0.2


def _check_order(min_score: float, strong_score: float) -> None:
    if strong_score < min_score:
        raise ValueError(f"strong_score {strong_score} is below min_score {min_score}")
