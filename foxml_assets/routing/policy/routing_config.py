"""routing_config.yaml as a value: every rule by which evidence becomes routes and jobs."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.vocabulary import LeakageStatus, Stability
from foxml_assets.routing.policy.job_rules import FamilyRules, Priority, default_families
from foxml_assets.routing.policy.method_registry import find_method, method_names
from foxml_assets.routing.policy.routing_words import (
    BothStrongBehavior,
    BothWeakBehavior,
    FdrOver,
    GateOn,
    Profile,
    Side,
    UnknownLeakage,
)
from foxml_assets.routing.policy.score_thresholds import (
    AucThresholds,
    BySide,
    ExperimentalLane,
    SideThresholds,
    SignedThresholds,
)

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, lt=1.0)]
Inflation = Annotated[float, Field(ge=1.0, le=10.0)]
# A whole number that is a float too: counts of rows are compared as such.
Count = Annotated[int, Field(ge=0, le=2**53)]


class SampleMinimums(BySide[Count]):
    cross_sectional: Count = 1_000
    symbol: Count = 1_000


class StabilityAllowlist(BySide[tuple[Stability, ...]]):
    """The stabilities with which a row may be STRONG or WEAK_BUT_OK."""

    cross_sectional: tuple[Stability, ...] = (Stability.STABLE, Stability.DRIFTING)
    symbol: tuple[Stability, ...] = (Stability.STABLE, Stability.DRIFTING)


class StabilityClassification(ConfigModel):
    """From agreement of importance snapshots (top-k overlap, Kendall tau) to a stability."""

    min_snapshots_for_stability: Annotated[int, Field(ge=2)] = 2
    stable_overlap_min: Fraction = 0.35
    stable_tau_min: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.30
    drifting_overlap_min: Fraction = 0.20
    drifting_tau_min: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.15
    max_std_overlap: Fraction = 0.30
    max_std_tau: Fraction = 0.25
    fade_z: Annotated[float, Field(gt=0.0, le=10.0)] = 2.0
    gone_z: Annotated[float, Field(ge=0.0, le=10.0)] = 3.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name, stable, drifting in (
            ("overlap", self.stable_overlap_min, self.drifting_overlap_min),
            ("tau", self.stable_tau_min, self.drifting_tau_min),
        ):
            if stable < drifting:
                raise ValueError(f"stable_{name}_min {stable} is below drifting_{name}_min {drifting}")
        return self


class SideRates(BySide[Rate]):
    """A false-discovery rate per side: of a few pooled rows, and of thousands of symbol rows."""

    cross_sectional: Rate = 0.005
    symbol: Rate = 0.005


class FalseDiscovery(ConfigModel):
    """Benjamini-Hochberg over each side's rows, of one plan or of a history of plans, for both methods.

    Pooled rows of targets of whose own models one is usable, or all are above chance in their mean (at
    `q.cross_sectional`), are tested among themselves too, at `q_confirmed`. At `q_together` that mean lets
    pass the own models that are likely to have skill. Null asks neither.
    """

    enabled: bool = True
    over: FdrOver = FdrOver.PLAN
    q: SideRates = SideRates()
    q_confirmed: Rate | None = 0.05
    q_together: Rate | None = 0.0001
    inflate_se: Inflation = 1.0


class SkillOnSymbol(ConfigModel):
    """When a pair may use a model that was found over all symbols of its target: the pooled one, alone or
    averaged with the symbol's own, or an own one of those found together.

    P(the shrunk skill of that on the symbol > `min_skill`) must be at least `min_probability`; 0 asks
    nothing.
    """

    min_skill: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
    min_probability: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.7


class Shrinkage(ConfigModel):
    """Settings of `method: shrinkage`, on the skill scale."""

    min_advantage: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01


class Output(ConfigModel):
    """How much the human-readable files show, and how many earlier plans are kept. Outside every hash."""

    plan_history: Annotated[int, Field(ge=1)] = 20
    yaml_max_pairs: Count = 5_000
    markdown_max_targets: Count = 200
    markdown_max_symbols_per_target: Count = 40
    picture_max_targets: Annotated[int, Field(ge=1, le=2_000)] = 200
    picture_max_symbols: Annotated[int, Field(ge=1, le=4_000)] = 1_000


class RoutingPolicy(ConfigModel):
    """Everything in routing_config.yaml."""

    method: str = "shrinkage"
    profile: Profile = Profile.PRODUCTION
    gate_on: GateOn = GateOn.SCORE
    hysteresis: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    min_sample_size: SampleMinimums = SampleMinimums()
    development_min_sample_size: SampleMinimums = SampleMinimums(cross_sectional=500, symbol=100)
    unknown_leakage: UnknownLeakage = UnknownLeakage.EXPERIMENTAL
    require_min_successful_families: Annotated[int, Field(ge=0, le=10)] = 1
    require_safe_features_only: bool = True
    allowed_feature_leakage_status: tuple[LeakageStatus, ...] = (LeakageStatus.SAFE, LeakageStatus.UNKNOWN)
    min_features: Annotated[int, Field(ge=1)] = 1
    cross_sectional: SideThresholds = SideThresholds(
        auc=AucThresholds(min_score=0.52, strong_score=0.58),
        ic=SignedThresholds(min_score=0.02, strong_score=0.05),
    )
    symbol: SideThresholds = SideThresholds(
        auc=AucThresholds(min_score=0.54, strong_score=0.60),
        ic=SignedThresholds(min_score=0.03, strong_score=0.08),
    )
    stability_allowlist: StabilityAllowlist = StabilityAllowlist()
    stability_classification: StabilityClassification = StabilityClassification()
    both_strong_behavior: BothStrongBehavior = BothStrongBehavior.PREFER_BETTER
    both_weak_behavior: BothWeakBehavior = BothWeakBehavior.PREFER_CS
    enable_experimental_lane: bool = True
    experimental: ExperimentalLane = ExperimentalLane()
    fdr: FalseDiscovery = FalseDiscovery()
    skill_on_symbol: SkillOnSymbol = SkillOnSymbol()
    shrinkage: Shrinkage = Shrinkage()
    priority: Priority = Priority()
    families: FamilyRules = Field(default_factory=default_families)
    output: Output = Output()

    @field_validator("method")
    @classmethod
    def _registered(cls, name: str) -> str:
        if name not in method_names():
            raise ValueError(f"should be one of {', '.join(method_names())}")
        return name

    @field_validator("allowed_feature_leakage_status")
    @classmethod
    def _not_blocked(cls, statuses: tuple[LeakageStatus, ...]) -> tuple[LeakageStatus, ...]:
        if LeakageStatus.BLOCKED in statuses:
            raise ValueError("BLOCKED features can never be allowed")
        return statuses

    @model_validator(mode="after")
    def _experimental_below_min(self) -> Self:
        problems = []
        for side in Side:
            lane_scores = self.experimental.min_score.of(side)
            for metric, tier, thresholds in self.side(side).in_force():
                threshold = lane_scores.of(metric)
                if threshold is not None and threshold > thresholds.min_score:
                    problems.append(
                        f"experimental.min_score.{side}.{metric} {threshold} is above the min_score"
                        f" {thresholds.min_score} of {side} in tier {tier}"
                    )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _development_relaxes(self) -> Self:
        for side in Side:
            production, development = self.min_sample_size.of(side), self.development_min_sample_size.of(side)
            if development > production:
                raise ValueError(
                    f"development_min_sample_size.{side} {development} is above min_sample_size.{side}"
                    f" {production}: the development profile may only relax it"
                )
        return self

    def side(self, side: Side) -> SideThresholds:
        """The score thresholds of one side."""
        return side.of(self.cross_sectional, self.symbol)

    def sample_minimum(self, side: Side) -> int:
        """The sample minimum in force for one side under the profile."""
        development = self.profile is Profile.DEVELOPMENT
        return (self.development_min_sample_size if development else self.min_sample_size).of(side)

    def fdr_q(self, side: Side) -> float | None:
        """The false-discovery rate of one side, None if it is off; a method may be one that needs it."""
        controlled = self.fdr.enabled or find_method(self.method).needs_discovery
        return self.fdr.q.of(side) if controlled else None

    @property
    def fdr_q_confirmed(self) -> float | None:
        """The rate of pooled rows that own models confirm; None where only one rate holds for all."""
        return self._of_plan(self.fdr.q_confirmed)

    @property
    def fdr_q_together(self) -> float | None:
        """The rate of own models found together over targets; None where each is found by itself."""
        return self._of_plan(self.fdr.q_together)

    def _of_plan(self, rate: float | None) -> float | None:
        # Over a history of plans the rate of a side is one promise.
        is_off = self.fdr_q(Side.SYMBOL) is None or self.keeps_history()
        return None if is_off else rate

    def keeps_history(self) -> bool:
        """Whether false discoveries are controlled over a history of plans."""
        return self.fdr.over is FdrOver.HISTORY and self.fdr_q(Side.SYMBOL) is not None

    def config_hash(self) -> str:
        """Hash of every setting that can change a route or a job, whatever the file's layout."""
        # Of the parsed values, so that key order, comments and written-out defaults change nothing.
        return content_hash(self.model_dump(mode="json", exclude={"output"}))
