"""One side's trace as it stands in a row of the plan, and its tests as lines of a table."""

from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.metrics import NORMAL_95
from foxml_assets.routing.plan import PolicyInForce
from foxml_assets.routing.row_tests import Check
from foxml_assets.routing.stability_words import StabilityNumbers, stability_numbers, stability_words
from foxml_assets.routing.words import ErrorControl, HorizonTier, Method, Side, StateRule
from foxml_assets.vocabulary import ScoreMetric, SignalState


@dataclass(frozen=True)
class SideTrace:
    """What the plan says about one side. Numbers are NaN where there are none."""

    side: Side
    state: SignalState
    rule: StateRule
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
    fdr_bar: float
    n_features: int | None
    checks: Check
    held: bool
    quarantine_reason: str


@dataclass(frozen=True)
class RuleLine:
    """One test: what was measured, what was asked for, and whether it passed (None: not asked)."""

    name: str
    value: str
    bar: str
    passed: bool | None
    decided: bool = False


_DECIDES = {
    StateRule.QUARANTINED: "sound row",
    StateRule.NO_METRICS: "sound row",
    StateRule.SAMPLE_SIZE: "samples",
    StateRule.LEAKAGE_BLOCKED: "no leak",
    StateRule.FAMILIES: "model families",
    StateRule.FEATURES: "allowed features",
    StateRule.NO_GATE: "gate known",
    StateRule.FDR: "false discovery",
    StateRule.DISCOVERED: "false discovery",
    StateRule.SUSPECT_LEAKAGE: "leakage clear",
    StateRule.UNKNOWN_LEAKAGE: "leakage clear",
    StateRule.STABILITY: "stability",
    StateRule.STRONG_SCORE: "strong score",
    StateRule.MIN_SCORE: "min score",
    StateRule.EXPERIMENTAL_SCORE: "experimental score",
    StateRule.BELOW_BARS: "experimental score",
}


def side_trace(side: Side, row: pd.Series) -> SideTrace:
    """The trace of `side` in a row of the plan's targets (pooled) or pairs (symbol)."""
    prefix = "cs" if side is Side.CROSS_SECTIONAL else "local"
    metric = row["score_metric" if side is Side.CROSS_SECTIONAL else "local_metric"]
    tier = row["tier" if side is Side.CROSS_SECTIONAL else "local_tier"]
    features = row["features"]
    return SideTrace(
        side=side,
        state=SignalState(row[f"{prefix}_state"]),
        rule=StateRule(row[f"{prefix}_rule"]),
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
        fdr_bar=_float(row[f"{prefix}_fdr_bar"]),
        n_features=None if pd.isna(features) else len(msgspec.json.decode(features, type=dict[str, str])),
        checks=Check(int(row[f"{prefix}_checks"])),
        held=bool(row[f"{prefix}_held"]),
        quarantine_reason=_text(row["quarantine_reason"]),
    )


def bars_of(trace: SideTrace, policy: PolicyInForce) -> tuple[float, float, float]:
    """The strong, min and experimental score bars of a trace; NaN where there is none.

    The bar that decided is the recorded one, which hysteresis may have moved.
    """
    for bar in policy.bars:
        if (bar.side, bar.score_metric, bar.tier) == (trace.side, trace.metric, trace.tier):
            strong, low = bar.strong, bar.min
            trial = np.nan if bar.experimental is None else bar.experimental
            return (
                trace.threshold if trace.rule is StateRule.STRONG_SCORE else strong,
                trace.threshold if trace.rule is StateRule.MIN_SCORE else low,
                trace.threshold if trace.rule is StateRule.EXPERIMENTAL_SCORE else trial,
            )
    return np.nan, np.nan, np.nan


def allowed_stabilities(trace: SideTrace, policy: PolicyInForce) -> str:
    """The stabilities with which a row of this side may be strong or weak, in words."""
    is_cs = trace.side is Side.CROSS_SECTIONAL
    return " or ".join(policy.stability_cross_sectional if is_cs else policy.stability_symbol) or "none"


def tests_of(trace: SideTrace, policy: PolicyInForce) -> tuple[RuleLine, ...]:
    """All tests of one side, in the order of the ladder. The outcomes are those the plan recorded."""
    if trace.rule is StateRule.NO_METRICS:
        return (RuleLine("sound row", "no metrics", "a row of evidence", passed=False, decided=True),)
    if trace.rule is StateRule.QUARANTINED:
        return (RuleLine("sound row", "quarantined", trace.quarantine_reason, passed=False, decided=True),)
    lines = [*_admission(trace, policy), *_scoring(trace, policy)]
    deciding = _DECIDES[trace.rule]
    return tuple(
        RuleLine(line.name, line.value, line.bar, line.passed, decided=line.name == deciding)
        for line in lines
    )


def _admission(trace: SideTrace, policy: PolicyInForce) -> list[RuleLine]:
    is_cs = trace.side is Side.CROSS_SECTIONAL
    minimum = policy.min_sample_size_cross_sectional if is_cs else policy.min_sample_size_symbol
    families = "not recorded" if np.isnan(trace.families_ok) else f"{trace.families_ok:.0f}"
    features = "not recorded" if trace.n_features is None else f"{trace.n_features:,}"
    wanted = f">= {policy.min_features}" if policy.require_safe_features_only else "any"
    return [
        RuleLine("sound row", "sound", "a row of evidence", passed=True),
        _line(trace, Check.SAMPLE_SIZE, "samples", f"{trace.sample_size:,.0f}", f">= {minimum:,}"),
        _line(trace, Check.LEAKAGE_NOT_BLOCKED, "no leak", trace.leakage, "not BLOCKED"),
        _line(
            trace, Check.FAMILIES, "model families", families, f">= {policy.require_min_successful_families}"
        ),
        _line(trace, Check.FEATURES, "allowed features", features, wanted),
        _line(trace, Check.GATE_KNOWN, "gate known", number(trace.gate), f"a {policy.gate_on}"),
        _false_discovery(trace, policy),
    ]


def _false_discovery(trace: SideTrace, policy: PolicyInForce) -> RuleLine:
    if trace.control is ErrorControl.NOT_CONTROLLED:
        return RuleLine("false discovery", "no standard error", "not controlled", passed=None)
    q = policy.fdr_q_cross_sectional if trace.side is Side.CROSS_SECTIONAL else policy.fdr_q_symbol
    if trace.control is ErrorControl.OFF or q is None:
        return RuleLine("false discovery", "not tested", "", passed=None)
    bar = f">= {number(trace.fdr_bar)} at q = {q:g}{_in_history(trace, policy)}"
    value = number(trace.score)
    if trace.control is ErrorControl.KEPT:
        value = f"{value}, kept from an earlier plan"
    return _line(trace, Check.FDR, "false discovery", value, bar)


def _in_history(trace: SideTrace, policy: PolicyInForce) -> str:
    batch = policy.fdr_batch
    if batch is None:
        return ""
    level = batch.level_cross_sectional if trace.side is Side.CROSS_SECTIONAL else batch.level_symbol
    return f" over all plans; batch {batch.number} finds new ones at {level:.2g}"


def _scoring(trace: SideTrace, policy: PolicyInForce) -> list[RuleLine]:
    strong, low, experimental = bars_of(trace, policy)
    clear = _line(trace, Check.LEAKAGE_CLEAR, "leakage clear", trace.leakage, _clear_words(policy))
    top = _line(trace, Check.STRONG_SCORE, "strong score", number(trace.gate), f">= {number(strong)}")
    stabilities = f"{allowed_stabilities(trace, policy)} (stability_allowlist.{trace.side})"
    steady = _line(trace, Check.STABILITY, "stability", trace.stability, stabilities)
    if policy.method is Method.SHRINKAGE:
        # Agreement of importances is not asked for, skill over time is.
        return [steady, clear, top] if trace.steadiness.followed else [clear, top]
    lane_open = policy.experimental_lane and not np.isnan(experimental)
    on_trial = " or ".join(policy.stability_experimental) or "none"
    bar = f">= {number(experimental)}" if lane_open else "lane closed"
    return [
        clear,
        steady,
        top,
        _line(trace, Check.MIN_SCORE, "min score", number(trace.gate), f">= {number(low)}"),
        _line(trace, Check.EXPERIMENTAL_SCORE, "experimental score", number(trace.gate), bar),
        _line(trace, Check.EXPERIMENTAL_STABILITY, "experimental stability", trace.stability, on_trial),
    ]


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


def _clear_words(policy: PolicyInForce) -> str:
    return "SAFE or UNKNOWN" if policy.unknown_leakage == "allow" else "SAFE"


def _line(trace: SideTrace, check: Check, name: str, value: str, bar: str) -> RuleLine:
    return RuleLine(name, value, bar, passed=check in trace.checks)


def number(value: float) -> str:
    """A score for a reader."""
    return "unknown" if np.isnan(value) else f"{value:.4f}"


def _float(value: object) -> float:
    return float("nan") if pd.isna(value) else float(value)  # type: ignore[arg-type,call-overload]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
