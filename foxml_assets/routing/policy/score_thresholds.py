"""Score thresholds of the routing policy: per side, score metric and horizon tier."""

from collections.abc import Iterator
from typing import Annotated, Generic, Self, TypeAlias, TypeVar

from pydantic import Field, model_validator

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import Stability
from foxml_assets.routing.policy.routing_words import HorizonTier, Side

AucScore = Annotated[float, Field(ge=0.0, le=1.0)]
SignedScore = Annotated[float, Field(ge=-1.0, le=1.0)]
T = TypeVar("T")
Auc = TypeVar("Auc")
Signed = TypeVar("Signed")
Score = TypeVar("Score", bound=float)


class Thresholds(ConfigModel, Generic[Score]):
    """What makes a score WEAK_BUT_OK and what makes it STRONG, in the score's own unit."""

    min_score: Score
    strong_score: Score

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.strong_score < self.min_score:
            raise ValueError(f"strong_score {self.strong_score} is below min_score {self.min_score}")
        return self


AucThresholds: TypeAlias = Thresholds[AucScore]
SignedThresholds: TypeAlias = Thresholds[SignedScore]


class ByMetric(ConfigModel, Generic[Auc, Signed]):
    """A setting for each score metric, None where it has none. Of AUC 0.5 is chance, of the others 0."""

    auc: Auc | None = None
    ic: Signed | None = None
    r2: Signed | None = None

    def of(self, metric: ScoreMetric) -> Auc | Signed | None:
        found: Auc | Signed | None = getattr(self, metric.value)
        return found


# A metric without thresholds cannot be routed: its rows are quarantined.
MetricThresholds: TypeAlias = ByMetric[AucThresholds, SignedThresholds]
# A metric without one is kept out of the experimental lane.
MetricScores: TypeAlias = ByMetric[AucScore, SignedScore]


class TierThresholds(ConfigModel):
    """Thresholds that differ for some label horizons; what is left out falls back to the side's own."""

    short: MetricThresholds = MetricThresholds()
    medium: MetricThresholds = MetricThresholds()
    long: MetricThresholds = MetricThresholds()
    very_long: MetricThresholds = MetricThresholds()


class SideThresholds(ByMetric[AucThresholds, SignedThresholds]):
    """The thresholds of one side, with optional overrides by horizon tier."""

    horizon_tiers: TierThresholds = TierThresholds()

    def in_force(self) -> Iterator[tuple[ScoreMetric, HorizonTier, AucThresholds | SignedThresholds]]:
        """Every (metric, tier) that has thresholds."""
        for metric in ScoreMetric:
            for tier in HorizonTier:
                of_tier: MetricThresholds | None = getattr(self.horizon_tiers, tier.value, None)
                thresholds = (of_tier and of_tier.of(metric)) or self.of(metric)
                if thresholds is not None:
                    yield metric, tier, thresholds


class BySide(ConfigModel, Generic[T]):
    """A setting for each side."""

    cross_sectional: T
    symbol: T

    def of(self, side: Side) -> T:
        return side.of(self.cross_sectional, self.symbol)


class ExperimentalScores(BySide[MetricScores]):
    cross_sectional: MetricScores = MetricScores(auc=0.51, ic=0.01)
    symbol: MetricScores = MetricScores(auc=0.52, ic=0.02)


class ExperimentalLane(ConfigModel):
    """Who may enter the experimental lane, and how many symbols of a target it holds at most."""

    min_score: ExperimentalScores = ExperimentalScores()
    allowed_stabilities: tuple[Stability, ...] = (Stability.STABLE, Stability.DRIFTING, Stability.UNKNOWN)
    max_fraction_symbols_per_target: Annotated[float, Field(gt=0.0, le=1.0)] = 0.2
