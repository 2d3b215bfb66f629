"""Score thresholds of the routing policy: per side, score metric and horizon tier."""

from collections.abc import Iterator
from typing import Annotated, Generic, Self, TypeVar

from pydantic import Field, model_validator

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import Stability
from foxml_assets.routing.policy.routing_words import HorizonTier, Side

AucScore = Annotated[float, Field(ge=0.0, le=1.0)]
SignedScore = Annotated[float, Field(ge=-1.0, le=1.0)]
T = TypeVar("T")


class Thresholds(ConfigModel):
    """What makes a score WEAK_BUT_OK and what makes it STRONG, in the score's own unit."""

    min_score: float
    strong_score: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.strong_score < self.min_score:
            raise ValueError(f"strong_score {self.strong_score} is below min_score {self.min_score}")
        return self


class AucThresholds(Thresholds):
    """Thresholds on AUC; 0.5 is chance."""

    min_score: AucScore
    strong_score: AucScore


class SignedThresholds(Thresholds):
    """Thresholds on IC or R2; 0 is chance."""

    min_score: SignedScore
    strong_score: SignedScore


class MetricThresholds(ConfigModel):
    """Thresholds per score metric. A metric without thresholds cannot be routed: its rows are quarantined."""

    auc: AucThresholds | None = None
    ic: SignedThresholds | None = None
    r2: SignedThresholds | None = None

    def thresholds(self, metric: ScoreMetric) -> Thresholds | None:
        found: Thresholds | None = getattr(self, metric.value)
        return found


class TierThresholds(ConfigModel):
    """Thresholds that differ for some label horizons; what is left out falls back to the side's own."""

    short: MetricThresholds = MetricThresholds()
    medium: MetricThresholds = MetricThresholds()
    long: MetricThresholds = MetricThresholds()
    very_long: MetricThresholds = MetricThresholds()

    def tier(self, tier: HorizonTier) -> MetricThresholds:
        found: MetricThresholds = getattr(self, tier.value, MetricThresholds())
        return found


class SideThresholds(MetricThresholds):
    """The thresholds of one side, with optional overrides by horizon tier."""

    horizon_tiers: TierThresholds = TierThresholds()

    def in_tier(self, metric: ScoreMetric, tier: HorizonTier) -> Thresholds | None:
        """The thresholds in force for a metric and tier, or None."""
        return self.horizon_tiers.tier(tier).thresholds(metric) or self.thresholds(metric)

    def in_force(self) -> Iterator[tuple[ScoreMetric, HorizonTier, Thresholds]]:
        """Every (metric, tier) that has thresholds."""
        for metric in ScoreMetric:
            for tier in HorizonTier:
                thresholds = self.in_tier(metric, tier)
                if thresholds is not None:
                    yield metric, tier, thresholds


class MetricScores(ConfigModel):
    """One threshold per score metric; without one the experimental lane is closed to that metric."""

    auc: AucScore | None = None
    ic: SignedScore | None = None
    r2: SignedScore | None = None

    def threshold(self, metric: ScoreMetric) -> float | None:
        found: float | None = getattr(self, metric.value)
        return found


class BySide(ConfigModel, Generic[T]):
    """A setting for each side."""

    cross_sectional: T
    symbol: T

    def of(self, side: Side) -> T:
        return self.cross_sectional if side is Side.CROSS_SECTIONAL else self.symbol


class ExperimentalScores(BySide[MetricScores]):
    cross_sectional: MetricScores = MetricScores(auc=0.51, ic=0.01)
    symbol: MetricScores = MetricScores(auc=0.52, ic=0.02)


class ExperimentalLane(ConfigModel):
    """Who may enter the experimental lane, and how many symbols of a target it holds at most."""

    min_score: ExperimentalScores = ExperimentalScores()
    allowed_stabilities: tuple[Stability, ...] = (Stability.STABLE, Stability.DRIFTING, Stability.UNKNOWN)
    max_fraction_symbols_per_target: Annotated[float, Field(gt=0.0, le=1.0)] = 0.2
