"""The evidence of one target as Markdown tables for people."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.core.assurances import assurance_lines
from foxml_assets.core.markdown import escape, table
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.evidence.leakage.findings import Finding
from foxml_assets.evidence.score_tables import mean_importance, mean_shares, read_importance_table
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, TargetEvidence

MOST_ROWS = 50
# The web page shows a text in place only if it is short.
MOST_PROFILES = 4
TOP_FEATURES = 20


@dataclass(frozen=True)
class EvidencePage:
    """One Markdown text per question, in the order in which they are read; `verdict` is plain text.

    `profiles` is empty where there is no finding.
    """

    verdict: str
    leakage: str
    profiles: str
    pooled: str
    symbols: str
    importances: str


def evidence_page(
    evidence: TargetEvidence, findings: Sequence[Finding], importances: pd.DataFrame
) -> EvidencePage:
    """What a person should see of `evidence`, its findings and its importance table.

    No table has more than MOST_ROWS rows, whatever the number of symbols.
    """
    return EvidencePage(
        verdict=_verdict(evidence, findings),
        leakage=_leakage(evidence, findings),
        profiles=_profiles(leading_findings(findings)),
        pooled=_pooled(evidence),
        symbols=_symbols(evidence),
        importances=_importances(importances),
    )


def leading_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Findings about the whole target first, then the strongest. What a feature shows on single symbols is
    left out where it is found over all of them."""
    overall = {one.feature for one in findings if one.symbol is None}
    kept = [one for one in findings if one.symbol is None or one.feature not in overall]
    return sorted(kept, key=lambda one: (one.symbol is not None, -abs(one.skill), one.feature))


def above_chance(score: Estimate | None, metric: ScoreMetric) -> bool | None:
    """Whether the whole 95 % interval of `score` lies above chance; None where there is no interval."""
    if score is None or score.ci_low is None:
        return None
    return score.ci_low > metric.chance


def _verdict(evidence: TargetEvidence, findings: Sequence[Finding]) -> str:
    """Leakage, the pooled model and the symbols in a sentence each."""
    pooled, metric = _pooled_row(evidence), evidence.score_metric
    own = [row for row in evidence.rows if row.symbol is not None]
    others = len({one.feature for one in findings}) - 1
    more = f" (and {others:,} more)" if others > 0 else ""
    told = [f"{leading_findings(findings)[0].reason}{more}." if findings else "No leak found."]
    if pooled is not None:
        shown = _told(pooled.score, metric) or "no score with an error"
        told.append(f"Pooled model: {shown}; {pooled.leakage_status.value}.")
    if own:
        above = sum(above_chance(row.score, metric) is True for row in own)
        ahead = sum((row.difference.ci_low or 0.0) > 0.0 for row in own if row.difference is not None)
        mean = _told(pooled.local_score, metric) if pooled is not None else ""
        counts = f"{above:,} of {len(own):,} above chance, {ahead:,} ahead of the pooled model"
        told.append(f"Own models: {f'in their mean {mean}; ' if mean else ''}{counts}.")
    return " ".join(told)


def _told(score: Estimate | None, metric: ScoreMetric) -> str:
    """Such as "auc 0.561 (0.540 to 0.582), above chance"; empty without an interval."""
    value, interval = _score(score)
    known = {True: ", above chance", False: ", not above chance", None: ""}[above_chance(score, metric)]
    return f"{metric.value} {value} ({interval}){known}" if interval else ""


def _pooled_row(evidence: TargetEvidence) -> RowEvidence | None:
    return next((row for row in evidence.rows if row.symbol is None), None)


def _pooled(evidence: TargetEvidence) -> str:
    pooled = _pooled_row(evidence)
    if pooled is None:
        return "There is no pooled model."
    chosen = "+".join(pooled.families)
    scores: list[tuple[str, Estimate | None]] = [
        (f"{chosen or 'no family'}, all folds", pooled.score),
        ("earlier folds", pooled.earlier_score),
        ("recent folds", pooled.recent_score),
        *((f"{name} instead", score) for name, score in pooled.by_family.items() if name != chosen),
    ]
    metric = evidence.score_metric
    rows = [(name, *_score(score), _word(above_chance(score, metric))) for name, score in scores]
    text = table(["pooled model", metric.value, "95 % interval", "above chance"], rows)
    reason = f": {escape(pooled.leakage_reason)}" if pooled.leakage_reason else ""
    return f"{text}\n\n{pooled.sample_size:,} rows. Leakage: {pooled.leakage_status.value}{reason}"


def _leakage(evidence: TargetEvidence, findings: Sequence[Finding]) -> str:
    assured = "".join(f"\n\n{escape(line)}." for line in assurance_lines(evidence.assured))
    if not findings:
        return f"No feature was found to leak.{assured}"
    ranked = leading_findings(findings)
    header = ["feature", "symbol", "detector", "status", "skill", "past_r2", "future_share", "skill left"]
    rows = [
        (
            one.feature,
            one.symbol or "all",
            str(one.detector),
            one.status.value,
            *map(_number, (one.skill, one.past_r2, one.future_share, one.skill_left)),
            one.reason,
        )
        for one in ranked[:MOST_ROWS]
    ]
    weaker = _not_shown(len(ranked) - len(rows), "weaker findings")
    alone = _not_shown(len(findings) - len(ranked), "findings of these features on single symbols")
    return table([*header, "reason"], rows) + weaker + alone + assured


def _profiles(ranked: Sequence[Finding]) -> str:
    """Skill by lag of the first findings, beside a copy's; empty without a profile."""
    shown = [one for one in ranked if one.profile][:MOST_PROFILES]
    if not shown:
        return ""
    rows = [
        (name, *("" if value is None else f"{round(value, 2) + 0.0:.2f}" for value in values))
        for one in shown
        for name, values in (
            (one.feature if one.symbol is None else f"{one.feature} on {one.symbol}",
             [point.skill for point in one.profile]),
            ("a copy of the label", [point.copy for point in one.profile]),
        )
    ]  # fmt: skip
    header = ["rows earlier", *(point.lag for point in shown[0].profile)]
    return table(header, rows)


def _symbols(evidence: TargetEvidence) -> str:
    own = [row for row in evidence.rows if row.symbol is not None]
    ranked = sorted(own, key=lambda row: (-_best(row), row.symbol or ""))
    shown = ranked
    if len(ranked) > MOST_ROWS:
        # The worst that are scored say more than those without any score, which come last.
        scored = [row for row in ranked if np.isfinite(_best(row))]
        best = ranked[: MOST_ROWS // 2]
        # Of those not among the best, the last ones.
        worst = scored[len(best) :][-(MOST_ROWS - len(best)) :]
        shown = best + worst
    header = [
        "symbol",
        "rows",
        "pooled",
        "95 % interval",
        "above chance",
        "own",
        "95 % interval",
        "above chance",
    ]
    rows = [_symbol(row, evidence.score_metric) for row in shown]
    note = _not_shown(len(ranked) - len(shown), "symbols between the best and the worst, or without a score")
    return table([*header, "own - pooled", "95 % interval", "leakage"], rows) + note


def _symbol(row: RowEvidence, metric: ScoreMetric) -> tuple[object, ...]:
    return (
        row.symbol,
        f"{row.sample_size:,}",
        *_score(row.cs_score),
        _word(above_chance(row.cs_score, metric)),
        *_score(row.score),
        _word(above_chance(row.score, metric)),
        *_score(row.difference),
        row.leakage_status.value,
    )


def _importances(importances: pd.DataFrame) -> str:
    features, gain, weights = read_importance_table(importances)
    mean, by_gain, by_weight = mean_importance(gain, weights), mean_shares(gain), mean_shares(weights)
    order = sorted(range(len(features)), key=lambda at: (-mean[at], features[at]))[:TOP_FEATURES]
    rows = [(features[at], *(f"{share[at]:.1%}" for share in (mean, by_gain, by_weight))) for at in order]
    known = [[cell.replace("nan%", "") for cell in row] for row in rows]
    header = ["feature", "importance", "share of gain (trees)", "share of weight (ridge)"]
    return table(header, known) + _not_shown(len(features) - len(rows), "features of less importance")


def _best(row: RowEvidence) -> float:
    known = [one.value for one in (row.score, row.cs_score) if one is not None and one.value is not None]
    return max(known, default=-np.inf)


def _score(score: Estimate | None) -> tuple[str, str]:
    if score is None or score.value is None:
        return "", ""
    known = score.ci_low is not None and score.ci_high is not None
    return f"{score.value:.3f}", f"{score.ci_low:.3f} to {score.ci_high:.3f}" if known else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _word(above: bool | None) -> str:
    return {None: "", True: "yes", False: "no"}[above]


def _not_shown(count: int, what: str) -> str:
    return f"\n\n{count:,} {what} are not shown." if count else ""
