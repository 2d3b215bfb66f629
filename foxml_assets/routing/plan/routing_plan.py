"""The routing plan as a value: metadata, a row per target, a row per pair."""

from dataclasses import asdict, dataclass, replace

import msgspec
import pandas as pd

from foxml_assets.core.assurances import Assurances
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import LeakageStatus, Route, SignalState, Stability, TaskType
from foxml_assets.routing.frames import FAMILY_COLUMNS, Column, count, flag, frame_hash, real
from foxml_assets.routing.policy.routing_words import (
    BothStrongBehavior,
    BothWeakBehavior,
    ErrorControl,
    GateOn,
    HorizonTier,
    Profile,
    RouteRule,
    Side,
    UnknownLeakage,
)

SCHEMA_VERSION = 5


class ScoreThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in force for one side, metric and horizon tier; `experimental` None: lane closed."""

    side: Side
    score_metric: ScoreMetric
    tier: HorizonTier
    strong: float
    min: float
    experimental: float | None


class SideControl(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Error control on one side. `kept` rows pass only because an earlier plan discovered them, those found
    `together` because their target's own models have skill. `expected_false` bounds the other routed rows
    without skill, by the rows' own standard errors; those without one are `not_controlled`, and left out.
    """

    tested: int
    discovered: int
    kept: int
    together: int
    not_controlled: int
    expected_false: float


class StabilityThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `stability_classification`, as it was in force."""

    min_snapshots_for_stability: int
    stable_overlap_min: float
    stable_tau_min: float
    drifting_overlap_min: float
    drifting_tau_min: float
    max_std_overlap: float
    max_std_tau: float
    fade_z: float
    gone_z: float


class BatchInForce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The plan's place in the history of false-discovery control: which batch of tests it is, the hash of
    those before it, and the rates at which it makes new discoveries."""

    number: int
    earlier_hash: str
    level_cross_sectional: float
    level_symbol: float

    def level(self, side: Side) -> float:
        return side.of(self.level_cross_sectional, self.level_symbol)


class PolicyInForce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings that an explanation shows beside a row's own values."""

    method: str
    profile: Profile
    gate_on: GateOn
    hysteresis: float
    min_sample_size_cross_sectional: int
    min_sample_size_symbol: int
    require_min_successful_families: int
    require_safe_features_only: bool
    min_features: int
    unknown_leakage: UnknownLeakage
    stability_cross_sectional: tuple[Stability, ...]
    stability_symbol: tuple[Stability, ...]
    stability_experimental: tuple[Stability, ...]
    stability: StabilityThresholds
    experimental_lane: bool
    both_strong_behavior: BothStrongBehavior
    both_weak_behavior: BothWeakBehavior
    fdr_q_cross_sectional: float | None
    fdr_q_symbol: float | None
    fdr_q_confirmed: float | None
    fdr_q_together: float | None
    fdr_batch: BatchInForce | None
    min_skill: float
    min_probability: float
    min_advantage: float
    inflate_se: float
    thresholds: tuple[ScoreThresholds, ...]

    def sample_minimum(self, side: Side) -> int:
        return side.of(self.min_sample_size_cross_sectional, self.min_sample_size_symbol)

    def fdr_q(self, side: Side) -> float | None:
        return side.of(self.fdr_q_cross_sectional, self.fdr_q_symbol)


class RoutingMetadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the plan comes from and what it adds up to.

    The first three fields and `previous_plan_hash` are outside `routing_plan_hash`.
    """

    generated_at: str
    run_id: str
    git_commit: str | None
    previous_plan_hash: str | None
    config_hash: str
    candidates_hash: str
    routing_plan_hash: str
    n_targets: int
    n_pairs: int
    n_quarantined: int
    by_route: dict[str, int]
    cross_sectional: SideControl
    symbol: SideControl
    policy: PolicyInForce


_STATUSES = dict[str, LeakageStatus]


_FEATURES = Column(
    "features", "JSON object of the features a job may use -> leakage status; null if unknown", _STATUSES
)


def _trace(side: str) -> tuple[Column, ...]:
    return (
        Column(f"{side}_state", "STRONG, WEAK_BUT_OK, EXPERIMENTAL or DISALLOWED", SignalState, always=True),
        Column(f"{side}_rule", "the rule that decided the state", always=True),
        real(f"{side}_score", "out-of-fold score, in its metric's unit"),
        real(f"{side}_se", "standard error of the score, not inflated"),
        real(f"{side}_gate", "what was held against the thresholds: score, or lower confidence bound"),
        real(f"{side}_threshold", "the threshold that decided, hysteresis included, in its rule's unit"),
        count(f"{side}_sample_size", "rows with an out-of-fold prediction"),
        count(f"{side}_families_ok", "model families that fitted; null if not recorded"),
        Column(f"{side}_stability", "STABLE, DRIFTING, DIVERGED or UNKNOWN", Stability),
        real(f"{side}_earlier", "score over all but the most recent folds"),
        real(f"{side}_earlier_se", "its standard error"),
        real(f"{side}_recent", "score over the most recent folds"),
        real(f"{side}_recent_se", "its standard error"),
        count(f"{side}_snapshots", "importance snapshots; null where skill was followed over the folds"),
        real(f"{side}_overlap", "mean top-k overlap of importances between them"),
        real(f"{side}_overlap_std", "its standard deviation"),
        real(f"{side}_tau", "mean Kendall tau of importances between them"),
        real(f"{side}_tau_std", "its standard deviation"),
        Column(f"{side}_leakage_status", "SAFE, SUSPECT, BLOCKED or UNKNOWN", LeakageStatus),
        Column(
            f"{side}_error_control",
            "off, discovered, rejected, not_controlled, kept or together",
            ErrorControl,
            always=True,
        ),
        real(f"{side}_fdr_q", "the rate of false-discovery control; null for an untested row"),
        real(f"{side}_fdr_threshold", "the score at which false-discovery control lets a row pass"),
        count(f"{side}_checks", "bit set of the tests passed"),
        flag(f"{side}_held", "the state was kept by hysteresis"),
    )


TARGET_COLUMNS: tuple[Column, ...] = (
    Column("target", "label column", always=True),
    Column("task_type", "classification or regression; null if no sound row says", TaskType),
    Column("score_metric", "unit of the pooled score", ScoreMetric),
    real("horizon_minutes", "label horizon"),
    Column("tier", "horizon tier whose thresholds applied", HorizonTier),
    count("n_symbols", "pairs of the target"),
    *_trace("cs"),
    Column("cs_reason", "why the pooled model has its state, in words", always=True),
    real("local_score", "mean score of the symbols' own models"),
    real("local_se", "its standard error, not inflated"),
    real("local_threshold", "the mean score at which own models are found together; null where not tested"),
    flag("hard_block", "leakage blocks every pair of the target"),
    Column("hard_block_reason", "what was found"),
    count("experimental_limit", "places in the target's experimental lane"),
    _FEATURES,
    Column("dropped_features", "JSON object of the features the policy dropped", _STATUSES),
    Column(
        "assured",
        "JSON object of the features a job may use that nobody doubts -> who stands for them",
        Assurances,
    ),
    *FAMILY_COLUMNS,
    Column("quarantine_reason", "what is wrong with the target's row"),
    Column("data_hash", "hash of the panel data behind the evidence"),
)

PAIR_COLUMNS: tuple[Column, ...] = (
    Column("target", "label column"),
    Column("symbol", "instrument", always=True),
    Column("route", "the decision", Route, always=True),
    Column("rule", "the rule that decided the route", RouteRule, always=True),
    Column("reason", "the decision in words", always=True),
    Column("cs_state", "state of the target's pooled model", SignalState),
    Column("cs_rule", "the rule that decided it"),
    real("cs_gate", "its gate"),
    real("cs_threshold", "the threshold that decided it"),
    Column("cs_tier", "horizon tier whose thresholds applied to it", HorizonTier),
    Column("local_metric", "unit of the symbol's score", ScoreMetric),
    Column("local_tier", "horizon tier whose thresholds applied", HorizonTier),
    *_trace("local"),
    real("pooled_score", "score of the pooled model on this symbol"),
    real("pooled_se", "its standard error, not inflated"),
    real("both_score", "score of the average of both models on this symbol"),
    real("difference", "local minus pooled score, paired"),
    real("difference_low", "lower end of its 95 % interval, widened by fdr.inflate_se"),
    real("difference_high", "upper end of it"),
    real("cs_skill", "shrunk skill of the pooled model on this symbol"),
    real("local_skill", "shrunk skill of the symbol's own model"),
    real("both_skill", "shrunk skill of their average"),
    real("cs_probability", "P(shrunk pooled skill > min_skill)"),
    real("local_probability", "P(shrunk own skill > min_skill) where own models are found together"),
    real("both_probability", "P(shrunk skill of their average > min_skill)"),
    count("experimental_rank", "rank in the target's experimental lane; null outside it"),
    flag("hard_block", "leakage blocks the pair whatever its states"),
    Column("hard_block_reason", "what was found"),
    flag("excluded_from_pooled", "the symbol's rows stay out of the target's pooled training set"),
    _FEATURES,
    *FAMILY_COLUMNS,
    Column("quarantine_reason", "what is wrong with the pair's row"),
)

QUARANTINE_COLUMNS: tuple[Column, ...] = (
    Column("target", "as it stands in the row; may be null"),
    Column("symbol", "null for a pooled row"),
    Column("reason", "everything that is wrong with the row", always=True),
    count("n_rows", "how many candidate rows share target and symbol"),
)

# The tables of a plan, and their columns.
TABLES = {"targets": TARGET_COLUMNS, "pairs": PAIR_COLUMNS, "quarantine": QUARANTINE_COLUMNS}
# Outside the plan's hash: other words for the same decision make no other plan.
PROSE = frozenset({"reason", "cs_reason", "hard_block_reason", "quarantine_reason"})


@dataclass(frozen=True)
class RoutingPlan:
    """Every decision with its trace. `targets` is sorted by target, `pairs` by target and symbol."""

    metadata: RoutingMetadata
    targets: pd.DataFrame
    pairs: pd.DataFrame
    quarantine: pd.DataFrame

    def with_stamp(self, stamp: RunStamp, previous_plan_hash: str | None) -> "RoutingPlan":
        """The same plan as made at another moment."""
        told = asdict(stamp) | {"previous_plan_hash": previous_plan_hash}
        return replace(self, metadata=msgspec.structs.replace(self.metadata, **told))


def routing_plan_hash(metadata: RoutingMetadata, plan_tables: tuple[pd.DataFrame, ...]) -> str:
    """Hash of the decisions, their traces, the policy and the candidates; prose and the stamp stay out.

    The tables are in the order of TABLES.
    """
    neutral = msgspec.structs.replace(
        metadata, generated_at="", run_id="", git_commit=None, previous_plan_hash=None, routing_plan_hash=""
    )
    hashes = {
        name: frame_hash(table, [column.name for column in columns if column.name not in PROSE])
        for (name, columns), table in zip(TABLES.items(), plan_tables, strict=True)
    }
    return content_hash({"schema_version": SCHEMA_VERSION, "metadata": neutral, **hashes})
