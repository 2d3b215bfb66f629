"""One side's trace as it stands in a row of the plan, and its numbers in words."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import hypot, isnan, nan
from typing import Any

import msgspec
import pandas as pd

from foxml_assets.core.metrics import NORMAL_95, ScoreMetric
from foxml_assets.core.vocabulary import SignalState, Stability
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.routing_words import ErrorControl, HorizonTier, Side
from foxml_assets.routing.sides.row_tests import Check


class SideTrace(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan says about one side, named as the columns behind their prefix. Numbers are NaN where
    there are none.

    `earlier` and `recent` are scores of the folds, `snapshots` and what follows agreement of importances:
    either made the stability. `probability` is that of an own skill above `skill_on_symbol.min_skill`, known
    where the target's own models are found together.
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
    fdr_q: float = nan
    fdr_threshold: float = nan
    probability: float = nan
    checks: Check
    held: bool
    n_features: int | None = None
    quarantine_reason: str = ""

    @property
    def followed(self) -> bool:
        """Whether skill was followed over the folds: recent skill in errors of its own too."""
        return self.recent_se > 0 and not isnan(self.earlier - self.recent + self.earlier_se)


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


def number(value: float) -> str:
    """A score for a reader."""
    return "unknown" if isnan(value) else f"{value:.4f}"


def side_numbers(trace: SideTrace, policy: PolicyInForce) -> str:
    """The score with its error and 95 % interval, then what made its stability."""
    if isnan(trace.score):
        return "no score"
    error = "no standard error"
    if trace.se >= 0:
        low, high = trace.score - NORMAL_95 * trace.se, trace.score + NORMAL_95 * trace.se
        error = f"standard error {number(trace.se)}, 95 % {number(low)} to {number(high)}"
    unit = "" if trace.metric is None else f" {trace.metric}"
    words = stability_words(trace, policy)
    return f"{number(trace.score)}{unit}, {error}; {trace.stability}" + (f": {words}" if words else "")


def stability_words(trace: SideTrace, policy: PolicyInForce) -> str:
    """Such as "earlier 0.620, recent 0.510, fade 2.4 >= fade_z 2 and recent z 0.3 < gone_z 2".

    Empty if nothing was measured.
    """
    if trace.followed and trace.metric is not None:
        return _over_time(trace, trace.metric.chance, policy)
    return _by_snapshots(trace, policy)


def _over_time(trace: SideTrace, chance: float, policy: PolicyInForce) -> str:
    fade_z, gone_z = policy.stability.fade_z, policy.stability.gone_z
    fade = (trace.earlier - trace.recent) / hypot(trace.earlier_se, trace.recent_se)
    scores = f"earlier {trace.earlier:.3f}, recent {trace.recent:.3f}"
    fades = _against("fade", fade, "fade_z", fade_z)
    recent = (trace.recent - chance) / trace.recent_se
    left = _against("recent z", recent, "gone_z", gone_z)
    if fade >= fade_z:
        return f"{scores}, {fades} and {left}"
    if recent <= -fade_z:
        return f"{scores}, recent z {recent:.1f} <= -fade_z {-fade_z:g}"
    if trace.stability == Stability.DIVERGED:
        return f"{scores}, fade {fade:.1f} as that of the pooled model, which is gone, and {left}"
    return f"{scores}, {fades}"


def _by_snapshots(trace: SideTrace, policy: PolicyInForce) -> str:
    rules = policy.stability
    if isnan(trace.overlap) and isnan(trace.tau):
        return ""
    least = rules.min_snapshots_for_stability
    # Not `<`: an unknown number (NaN) is not enough either.
    if not trace.snapshots >= least:
        known = "an unknown number of" if isnan(trace.snapshots) else f"{trace.snapshots:.0f}"
        return f"{known} snapshots, below min_snapshots_for_stability {least}"
    if trace.overlap_std > rules.max_std_overlap:
        return f"std of overlap {trace.overlap_std:.3f} above max_std_overlap {rules.max_std_overlap:g}"
    if trace.tau_std > rules.max_std_tau:
        return f"std of tau {trace.tau_std:.3f} above max_std_tau {rules.max_std_tau:g}"
    overlap = _agreement("overlap", trace.overlap, rules.stable_overlap_min, rules.drifting_overlap_min)
    return f"{overlap}, {_agreement('tau', trace.tau, rules.stable_tau_min, rules.drifting_tau_min)}"


def _agreement(name: str, value: float, stable: float, drifting: float) -> str:
    if isnan(value):
        return f"{name} unknown"
    if value >= stable:
        return f"{name} {value:.3f} >= stable_{name}_min {stable:g}"
    if value >= drifting:
        return f"{name} {value:.3f} below stable_{name}_min {stable:g}"
    return f"{name} {value:.3f} below drifting_{name}_min {drifting:g}"


def _against(name: str, value: float, key: str, threshold: float) -> str:
    return f"{name} {value:.1f} {'>=' if value >= threshold else '<'} {key} {threshold:g}"
