"""One side's trace as it stands in a row of the plan."""

from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.metrics import NORMAL_95, ScoreMetric
from foxml_assets.core.vocabulary import SignalState
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.plan.stability_words import StabilityNumbers, stability_numbers, stability_words
from foxml_assets.routing.policy.routing_words import ErrorControl, HorizonTier, Side
from foxml_assets.routing.sides.row_tests import Check


@dataclass(frozen=True)
class SideTrace:
    """What the plan says about one side. Numbers are NaN where there are none."""

    side: Side
    state: SignalState
    rule: str
    metric: ScoreMetric | None
    tier: HorizonTier | None
    score: float
    se: float
    gate: float
    threshold: float
    sample_size: float
    families_ok: float
    stability: str
    steadiness: StabilityNumbers
    leakage: str
    control: ErrorControl
    fdr_threshold: float
    n_features: int | None
    checks: Check
    held: bool
    quarantine_reason: str


@dataclass(frozen=True)
class RuleLine:
    """One test: what was measured, what was asked for, and whether it passed (None: not asked)."""

    name: str
    value: str
    threshold: str
    passed: bool | None
    decided: bool = False


def side_trace(side: Side, row: pd.Series) -> SideTrace:
    """The trace of `side` in a row of the plan's targets (pooled) or pairs (symbol)."""
    prefix = "cs" if side is Side.CROSS_SECTIONAL else "local"
    metric = row["score_metric" if side is Side.CROSS_SECTIONAL else "local_metric"]
    tier = row["tier" if side is Side.CROSS_SECTIONAL else "local_tier"]
    features = row["features"]
    return SideTrace(
        side=side,
        state=SignalState(row[f"{prefix}_state"]),
        rule=str(row[f"{prefix}_rule"]),
        metric=None if pd.isna(metric) else ScoreMetric(metric),
        tier=None if pd.isna(tier) else HorizonTier(tier),
        score=_float(row[f"{prefix}_score"]),
        se=_float(row[f"{prefix}_se"]),
        gate=_float(row[f"{prefix}_gate"]),
        threshold=_float(row[f"{prefix}_threshold"]),
        sample_size=_float(row[f"{prefix}_sample_size"]),
        families_ok=_float(row[f"{prefix}_families_ok"]),
        stability=_text(row[f"{prefix}_stability"]),
        steadiness=stability_numbers(row, prefix),
        leakage=_text(row[f"{prefix}_leakage_status"]),
        control=ErrorControl(row[f"{prefix}_error_control"]),
        fdr_threshold=_float(row[f"{prefix}_fdr_threshold"]),
        n_features=None if pd.isna(features) else len(msgspec.json.decode(features, type=dict[str, str])),
        checks=Check(int(row[f"{prefix}_checks"])),
        held=bool(row[f"{prefix}_held"]),
        quarantine_reason=_text(row["quarantine_reason"]),
    )


def bars_of(trace: SideTrace, policy: PolicyInForce) -> tuple[float, float, float]:
    """The strong, min and experimental score thresholds of a trace; NaN where there is none.

    The threshold that decided is the recorded one, which hysteresis may have moved.
    """
    for threshold in policy.thresholds:
        if (threshold.side, threshold.score_metric, threshold.tier) == (trace.side, trace.metric, trace.tier):
            trial = np.nan if threshold.experimental is None else threshold.experimental
            found = {
                "strong_score": threshold.strong,
                "min_score": threshold.min,
                "experimental_score": trial,
            }
            # Only rules that are named as the key of a score threshold recorded one of these three.
            if trace.rule in found:
                found[trace.rule] = trace.threshold
            return found["strong_score"], found["min_score"], found["experimental_score"]
    return np.nan, np.nan, np.nan


def allowed_stabilities(trace: SideTrace, policy: PolicyInForce) -> str:
    """The stabilities with which a row of this side may be strong or weak, in words."""
    is_cs = trace.side is Side.CROSS_SECTIONAL
    return " or ".join(policy.stability_cross_sectional if is_cs else policy.stability_symbol) or "none"


def side_numbers(trace: SideTrace, policy: PolicyInForce) -> str:
    """The score with its error and 95 % interval, then what made its stability."""
    if np.isnan(trace.score):
        return "no score"
    error = "no standard error"
    if trace.se >= 0:
        low, high = trace.score - NORMAL_95 * trace.se, trace.score + NORMAL_95 * trace.se
        error = f"standard error {number(trace.se)}, 95 % {number(low)} to {number(high)}"
    unit = "" if trace.metric is None else f" {trace.metric}"
    words = stability_words(trace.steadiness, trace.metric, policy.stability)
    return f"{number(trace.score)}{unit}, {error}; {trace.stability}" + (f": {words}" if words else "")


def number(value: float) -> str:
    """A score for a reader."""
    return "unknown" if np.isnan(value) else f"{value:.4f}"


def _float(value: object) -> float:
    return float("nan") if pd.isna(value) else float(value)  # type: ignore[arg-type,call-overload]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
