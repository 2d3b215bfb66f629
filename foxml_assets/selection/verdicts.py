"""From leakage findings to one status with a reason per row and per feature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.selection.config import LeakageConfig
from foxml_assets.selection.evidence import Estimate
from foxml_assets.selection.leakage import Finding
from foxml_assets.selection.single_skill import FeatureSkill
from foxml_assets.selection.target_data import Flags
from foxml_assets.vocabulary import LeakageStatus, ScoreMetric

_SEVERITY = (LeakageStatus.BLOCKED, LeakageStatus.SUSPECT, LeakageStatus.UNKNOWN, LeakageStatus.SAFE)


@dataclass(frozen=True)
class Verdict:
    """The leakage status of one row, and what decided it."""

    status: LeakageStatus
    reason: str


def pooled_symbols(symbols: Sequence[str], findings: Sequence[Finding]) -> Flags:
    """The symbols whose rows the pooled model trains on: all but those with a near copy of their label.

    Where the label is copied on all symbols alike the target itself is blocked, and none is left out.
    """
    if _worst(findings, None) is LeakageStatus.BLOCKED:
        return np.ones(len(symbols), dtype=bool)
    return np.array([_worst(findings, symbol) is not LeakageStatus.BLOCKED for symbol in symbols])


def row_verdict(
    symbol: str | None,
    findings: Sequence[Finding],
    measured: bool,
    score: Estimate,
    metric: ScoreMetric,
    config: LeakageConfig,
) -> Verdict:
    """The status of the pooled row (`symbol` None) or of one symbol.

    A symbol is at least as suspect as the target, whose features its model would use too. `measured`
    says whether any feature had enough rows to be examined.
    """
    own = [one for one in findings if one.symbol == symbol]
    shared = [one for one in findings if one.symbol is None and one.status is LeakageStatus.SUSPECT]
    relevant = own if symbol is None else [*own, *shared]
    for status in (LeakageStatus.BLOCKED, LeakageStatus.SUSPECT):
        found = [one for one in relevant if one.status is status]
        if found:
            return Verdict(status, _reason(found))
    skill = _skill(score, metric)
    if skill is not None and skill >= config.max_credible_skill:
        return Verdict(LeakageStatus.SUSPECT, f"the model's skill of {skill:.3f} is too good to be true")
    if not measured:
        return Verdict(LeakageStatus.UNKNOWN, "too few labelled rows to examine any feature")
    return Verdict(LeakageStatus.SAFE, "")


def feature_statuses(
    features: Sequence[str], findings: Sequence[Finding], skill: FeatureSkill
) -> dict[str, LeakageStatus]:
    """The status of every feature for the whole target; UNKNOWN where no symbol could measure it."""
    flagged = {one.feature: one.status for one in findings if one.symbol is None}
    measured = np.asarray((~np.isnan(skill.now)).any(axis=0))
    unflagged = {
        name: LeakageStatus.SAFE if known else LeakageStatus.UNKNOWN
        for name, known in zip(features, measured.tolist(), strict=True)
    }
    return {**unflagged, **flagged}


def _worst(findings: Sequence[Finding], symbol: str | None) -> LeakageStatus:
    own = {one.status for one in findings if one.symbol == symbol}
    return next((status for status in _SEVERITY if status in own), LeakageStatus.SAFE)


def _reason(found: Sequence[Finding]) -> str:
    strongest = max(found, key=lambda one: (abs(one.skill), one.feature))
    others = len({one.feature for one in found}) - 1
    return f"{strongest.reason} (and {others} more)" if others else strongest.reason


def _skill(score: Estimate, metric: ScoreMetric) -> float | None:
    if score.value is None:
        return None
    return abs(2.0 * score.value - 1.0) if metric is ScoreMetric.AUC else abs(score.value)
