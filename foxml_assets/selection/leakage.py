"""Features that know too much: near copies of the label, and skill that collapses under a lag."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from foxml_assets.selection.config import EvidenceConfig, LeakageConfig
from foxml_assets.selection.target_data import Flags, Floats, TargetData
from foxml_assets.vocabulary import LeakageStatus, TaskType


@dataclass(frozen=True)
class FeatureSkill:
    """Signed skill of single features within symbols: symbols x features, NaN where not measurable.

    `lagged` is the skill of the feature's value one horizon earlier.
    """

    now: Floats
    lagged: Floats


@dataclass(frozen=True)
class Finding:
    """What a detector says about one feature, on one symbol or (`symbol` None) over all."""

    symbol: str | None
    feature: str
    skill: float
    lagged_skill: float
    status: LeakageStatus
    reason: str


def feature_skill(data: TargetData, config: EvidenceConfig) -> FeatureSkill:
    """Skill of every feature on every symbol, now and lagged by the horizon."""
    symbols = range(len(data.symbols))

    def measure(symbol: int) -> tuple[Floats, Floats]:
        rows = data.rows_of(symbol)
        X, y = data.X[rows].astype(np.float64), data.y[rows]
        lagged = np.full_like(X, np.nan)
        lagged[data.spec.horizon_bars :] = X[: -data.spec.horizon_bars]
        labelled = ~np.isnan(y)
        classification = data.spec.task_type is TaskType.CLASSIFICATION
        return (
            single_skill(X[labelled], y[labelled], classification, config.min_rows),
            single_skill(lagged[labelled], y[labelled], classification, config.min_rows),
        )

    with ThreadPoolExecutor(max_workers=config.threads) as pool:
        measured = list(pool.map(measure, symbols))
    return FeatureSkill(
        now=np.vstack([now for now, _ in measured]), lagged=np.vstack([lagged for _, lagged in measured])
    )


def single_skill(X: Floats, y: Floats, classification: bool, min_rows: int) -> Floats:
    """Rank correlation, or 2 AUC - 1, of every column of `X` with `y`, over the rows it is known in.

    NaN where fewer than `min_rows` rows are known, or the feature or label is constant there.
    """
    known = ~np.isnan(X)
    counts = known.sum(axis=0)
    if len(y) == 0:
        return np.full(X.shape[1], np.nan)
    ranks = np.where(known, rankdata(np.where(known, X, np.inf), axis=0), 0.0)
    if classification:
        positive = (y > 0.5)[:, None] & known
        n_positive = positive.sum(axis=0).astype(np.float64)
        n_negative = counts - n_positive
        rank_sum = np.where(positive, ranks, 0.0).sum(axis=0)
        pairs = n_positive * n_negative
        above = rank_sum - n_positive * (n_positive + 1.0) / 2.0
        skill = np.divide(2.0 * above, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0) - 1.0
    else:
        skill = _masked_correlation(ranks, rankdata(y), known, counts)
    return np.asarray(np.where(counts >= min_rows, skill, np.nan))


def _masked_correlation(ranks: Floats, y_rank: Floats, known: Flags, counts: Floats) -> Floats:
    n = np.maximum(counts, 1)
    x = np.where(known, ranks - ranks.sum(axis=0) / n, 0.0)
    y = np.where(known, y_rank[:, None], 0.0)
    y = np.where(known, y - y.sum(axis=0) / n, 0.0)
    scale = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    out: Floats = np.full(len(scale), np.nan)
    np.divide((x * y).sum(axis=0), scale, out=out, where=scale > 0)
    return out


def find_leaks(data: TargetData, skill: FeatureSkill, config: LeakageConfig) -> tuple[Finding, ...]:
    """Features that are not SAFE, over all symbols first, then symbol by symbol.

    A near copy of the label on a symbol blocks that symbol. Over all symbols the mean of the
    within-symbol skill counts, of those symbols that are not blocked already, unless most are.
    """
    findings: list[Finding] = []
    for code, symbol in enumerate(data.symbols):
        findings += _judge(symbol, data.features, skill.now[code], skill.lagged[code], config)
    blocked = {one.symbol for one in findings if one.status is LeakageStatus.BLOCKED}
    kept = np.array([symbol not in blocked for symbol in data.symbols])
    if kept.sum() * 2 <= len(kept):
        kept[:] = True
    overall = _judge(None, data.features, _mean(skill.now[kept]), _mean(skill.lagged[kept]), config)
    return (*overall, *findings)


def _judge(
    symbol: str | None, features: Sequence[str], now: Floats, lagged: Floats, config: LeakageConfig
) -> list[Finding]:
    findings: list[Finding] = []
    for feature, skill, later in zip(features, now.tolist(), lagged.tolist(), strict=True):
        # Comparisons with NaN are false: what cannot be measured is not accused.
        if abs(skill) >= config.near_copy_skill:
            reason = f"{feature} is nearly the label: skill {skill:.3f}"
            findings.append(Finding(symbol, feature, skill, later, LeakageStatus.BLOCKED, reason))
        elif abs(skill) >= config.lag_collapse_skill and abs(later) < config.lag_collapse_ratio * abs(skill):
            reason = f"{feature} loses its skill when lagged by the horizon: {skill:.3f} to {later:.3f}"
            findings.append(Finding(symbol, feature, skill, later, LeakageStatus.SUSPECT, reason))
    return findings


def _mean(skill: Floats) -> Floats:
    known = ~np.isnan(skill)
    counts = known.sum(axis=0)
    total = np.where(known, skill, 0.0).sum(axis=0)
    out: Floats = np.full(len(total), np.nan)
    np.divide(total, counts, out=out, where=counts > 0)
    return out
