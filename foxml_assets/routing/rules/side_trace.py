"""One side's trace as it stands in a row of the plan."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import hypot, isnan, nan
from typing import Any

import msgspec
import pandas as pd

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import SignalState
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.routing_words import ErrorControl, HorizonTier, Side
from foxml_assets.routing.sides.row_tests import Check


class SideTrace(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan says about one side, named as the columns behind their prefix. Numbers are NaN where
    there are none.

    `earlier` and `recent` are scores of the folds, `snapshots` and what follows agreement of importances:
    either made the stability.
    """

    side: Side
    state: SignalState
    rule: str
    metric: ScoreMetric | None = None
    tier: HorizonTier | None = None
    score: float = nan
    se: float = nan
    gate: float = nan
    threshold: float = nan
    sample_size: float = nan
    families_ok: float = nan
    stability: str = ""
    earlier: float = nan
    earlier_se: float = nan
    recent: float = nan
    recent_se: float = nan
    snapshots: float = nan
    overlap: float = nan
    overlap_std: float = nan
    tau: float = nan
    tau_std: float = nan
    leakage_status: str = ""
    error_control: ErrorControl
    fdr_threshold: float = nan
    checks: Check
    held: bool
    n_features: int | None = None
    quarantine_reason: str = ""

    @property
    def followed(self) -> bool:
        """Whether skill was followed over the folds."""
        return not isnan(self.earlier - self.recent) and hypot(self.earlier_se, self.recent_se) > 0


@dataclass(frozen=True)
class RuleLine:
    """One test: what was measured, what was asked for, and whether it passed (None: not asked).

    `decided` marks the test of the rule that decided; `side` says whose it is where several stand together.
    """

    name: str
    value: str
    threshold: str
    passed: bool | None
    decided: bool = False
    side: str = ""

    @property
    def result(self) -> str:
        return {True: "pass", False: "fail", None: "-"}[self.passed]


def side_trace(side: Side, row: Mapping[Hashable, Any]) -> SideTrace:
    """The trace of `side` in a row of the plan's targets (pooled) or pairs (symbol)."""
    # A null is left to the field's default.
    known = {str(name): value for name, value in row.items() if not pd.isna(value)}
    prefix = f"{side.prefix}_"
    values = {name.removeprefix(prefix): value for name, value in known.items() if name.startswith(prefix)}
    if side is Side.CROSS_SECTIONAL:
        values |= {"metric": known.get("score_metric"), "tier": known.get("tier")}
    if "features" in known:
        values["n_features"] = len(msgspec.json.decode(known["features"], type=dict[str, str]))
    values |= {
        "side": side,
        "checks": Check(values["checks"]),
        "quarantine_reason": known.get("quarantine_reason", ""),
    }
    return msgspec.convert(values, SideTrace)


def score_thresholds_of(trace: SideTrace, policy: PolicyInForce) -> tuple[float, float, float]:
    """The strong, min and experimental score thresholds of a trace; NaN where there is none.

    The threshold that decided is the recorded one, which hysteresis may have moved.
    """
    for threshold in policy.thresholds:
        if (threshold.side, threshold.score_metric, threshold.tier) == (trace.side, trace.metric, trace.tier):
            found = {
                "strong_score": threshold.strong,
                "min_score": threshold.min,
                "experimental_score": nan if threshold.experimental is None else threshold.experimental,
            }
            # Only rules that are named as the key of a score threshold recorded one of these three.
            if trace.rule in found:
                found[trace.rule] = trace.threshold
            return found["strong_score"], found["min_score"], found["experimental_score"]
    return nan, nan, nan


def allowed_stabilities(trace: SideTrace, policy: PolicyInForce) -> str:
    """The stabilities with which a row of this side may be strong or weak, in words."""
    is_cs = trace.side is Side.CROSS_SECTIONAL
    return " or ".join(policy.stability_cross_sectional if is_cs else policy.stability_symbol) or "none"


def number(value: float) -> str:
    """A score for a reader."""
    return "unknown" if isnan(value) else f"{value:.4f}"
