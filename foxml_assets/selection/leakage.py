"""Features that know too much: near copies of the label, and skill that is gone a horizon earlier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.selection.config import LeakageConfig
from foxml_assets.selection.single_skill import FeatureSkill
from foxml_assets.selection.target_data import Floats, TargetData
from foxml_assets.vocabulary import LeakageStatus

# A collapse must be larger than chance explains, in standard errors of a rank correlation. One symbol is
# noisier than the mean of many, and there are many symbols to be wrong about.
_MARGIN_OVERALL = 1.0
_MARGIN_SYMBOL = 3.0


@dataclass(frozen=True)
class Finding:
    """What a detector says about one feature, on one symbol or (`symbol` None) over all."""

    symbol: str | None
    feature: str
    skill: float
    lagged_skill: float
    ahead_skill: float
    status: LeakageStatus
    reason: str


def find_leaks(data: TargetData, skill: FeatureSkill, config: LeakageConfig) -> tuple[Finding, ...]:
    """Features that are not SAFE, over all symbols first, then symbol by symbol.

    A near copy of the label blocks the symbol it is found on. Over all symbols the mean of the
    within-symbol skill counts, of those symbols that are not blocked already, unless most are.
    """
    findings: list[Finding] = []
    for code, symbol in enumerate(data.symbols):
        margin = _MARGIN_SYMBOL * _error(data.spec.horizon_bars, int(skill.rows[code]))
        measured = (skill.now[code], skill.lagged[code], skill.ahead[code])
        findings += _judge(symbol, data.features, measured, margin, config)
    blocked = {one.symbol for one in findings if one.status is LeakageStatus.BLOCKED}
    kept = np.array([symbol not in blocked for symbol in data.symbols])
    if kept.sum() * 2 <= len(kept):
        kept[:] = True
    means = (_mean(skill.now[kept]), _mean(skill.lagged[kept]), _mean(skill.ahead[kept]))
    margin = _MARGIN_OVERALL * _error(data.spec.horizon_bars, int(np.median(skill.rows[kept])))
    return (*_judge(None, data.features, means, margin, config), *findings)


def _error(horizon_bars: int, rows: int) -> float:
    """Labels overlap over their horizon, so only rows / horizon of them are independent."""
    return float(np.sqrt(horizon_bars / max(rows, 1)))


def _judge(
    symbol: str | None,
    features: Sequence[str],
    measured: tuple[Floats, Floats, Floats],
    margin: float,
    config: LeakageConfig,
) -> list[Finding]:
    findings: list[Finding] = []
    for feature, now, lagged, ahead in zip(features, *(one.tolist() for one in measured), strict=True):
        # Comparisons with NaN are false: what cannot be measured is not accused.
        if abs(now) >= config.near_copy_skill:
            status, reason = LeakageStatus.BLOCKED, f"{feature} is nearly the label: skill {now:.3f}"
        elif abs(now) >= config.lag_collapse_skill and _collapses(
            now, lagged, ahead, config.lag_collapse_ratio, margin
        ):
            status = LeakageStatus.SUSPECT
            reason = f"{feature} loses its skill when lagged by the horizon: {now:.3f} to {lagged:.3f}"
        else:
            continue
        findings.append(Finding(symbol, feature, now, lagged, ahead, status, reason))
    return findings


def _collapses(now: float, lagged: float, ahead: float, ratio: float, margin: float) -> bool:
    """Whether skill is there now but was not a horizon earlier, as in a feature that saw the future.

    The honest exception: a label scaled by a trailing feature (a barrier in units of volatility), or one
    that reverts, depends on it with one sign today and with the other on what it becomes by the
    label's end. Copies of the label have nothing to do with the label's end but the label itself.
    """
    opposed = now * ahead < 0.0 and abs(ahead) >= ratio * abs(now)
    return abs(lagged) + margin <= ratio * abs(now) and not opposed


def _mean(skill: Floats) -> Floats:
    known = ~np.isnan(skill)
    counts = known.sum(axis=0)
    out: Floats = np.full(skill.shape[1], np.nan)
    np.divide(np.where(known, skill, 0.0).sum(axis=0), counts, out=out, where=counts > 0)
    return out
