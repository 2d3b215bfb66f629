"""The candidate rows of one target: the pooled model's and every symbol's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.leakage.findings import Finding, worst_reason
from foxml_assets.evidence.leakage.ranks import labelled_rows
from foxml_assets.evidence.scores.pooled_or_own import PooledScores, SymbolScores
from foxml_assets.evidence.screening.predictions import TargetCase
from foxml_assets.evidence.screening.probe import FamilyOutcome, failed, successful
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, StabilityMetrics

# By luck one target in 700 whose share is 0 shows as much.
_CLEAR_ERRORS = 3.0


@dataclass(frozen=True)
class Verdict:
    """The leakage status of one row, and what decided it."""

    status: LeakageStatus
    reason: str = ""


def pooled_row(
    case: TargetCase,
    scores: PooledScores,
    stability: StabilityMetrics | None,
    families: Sequence[FamilyOutcome],
    feedback: Estimate,
) -> RowEvidence:
    """The pooled model: its mean score within the symbols that it trains on."""
    # The flag of each symbol, repeated on its rows.
    predicted = np.isfinite(scores.chosen.prediction) & np.repeat(
        case.leaks.pooled, np.diff(case.panel.starts)
    )
    verdict = _pooled_verdict(case, scores.score, feedback)
    return RowEvidence(
        symbol=None,
        sample_size=int(predicted.sum()),
        score=scores.score,
        leakage_status=verdict.status,
        leakage_reason=verdict.reason,
        families=scores.chosen.families,
        by_family=scores.by_family,
        earlier_score=scores.earlier,
        recent_score=scores.recent,
        stability=stability,
        successful_families=successful(families),
        failed_families=failed(families),
        local_score=scores.own,
    )


def symbol_row(
    case: TargetCase,
    symbol: int,
    scores: SymbolScores,
    families: Sequence[FamilyOutcome],
    feedback: Estimate,
) -> RowEvidence:
    """The own model of one symbol, beside the pooled model on the same symbol."""
    verdict = _symbol_verdict(case, symbol, scores.local, feedback)
    return RowEvidence(
        symbol=case.panel.symbols[symbol],
        sample_size=scores.sample_size,
        score=scores.local,
        leakage_status=verdict.status,
        leakage_reason=verdict.reason,
        families=scores.families,
        by_family=scores.by_family,
        earlier_score=scores.earlier,
        recent_score=scores.recent,
        successful_families=successful(families),
        failed_families=failed(families),
        cs_score=scores.pooled,
        both_score=scores.both,
        difference=scores.difference,
    )


def _pooled_verdict(case: TargetCase, score: Estimate, feedback: Estimate) -> Verdict:
    """What cannot be trusted with the features that are left."""
    leaks = case.leaks
    if leaks.target_blocked:
        return Verdict(LeakageStatus.BLOCKED, _reason(leaks.findings, None, LeakageStatus.BLOCKED))
    counts = labelled_rows(case.panel, case.y)
    if not leaks.examined.any():
        return Verdict(LeakageStatus.UNKNOWN, _unexamined(case, int(counts.max())))
    too_good = None if leaks.rests_on_past else _too_good(case, score)
    if (doubt := too_good or _of_short_windows(case, feedback)) is not None:
        return doubt
    # SAFE for the whole target needs half of the symbols that have it examined.
    labelled = counts > 0
    unseen = labelled & ~leaks.examined
    if 2 * unseen.sum() > labelled.sum():
        longest = _unexamined(case, int(counts[unseen].max()))
        which = f"{unseen.sum()} of {labelled.sum()} symbols cannot be examined"
        return Verdict(LeakageStatus.UNKNOWN, f"{which}, the longest has {longest}")
    return Verdict(LeakageStatus.SAFE)


def _symbol_verdict(case: TargetCase, symbol: int, score: Estimate, feedback: Estimate) -> Verdict:
    leaks, name = case.leaks, case.panel.symbols[symbol]
    if leaks.blocked[symbol]:
        return Verdict(LeakageStatus.BLOCKED, _reason(leaks.findings, name, LeakageStatus.BLOCKED))
    if leaks.suspect[symbol]:
        return Verdict(LeakageStatus.SUSPECT, _reason(leaks.findings, name, LeakageStatus.SUSPECT))
    if not leaks.examined[symbol]:
        labelled = int((~np.isnan(case.y[case.panel.rows_of(symbol)])).sum())
        return Verdict(LeakageStatus.UNKNOWN, _unexamined(case, labelled))
    too_good = None if leaks.symbol_rests_on_past[symbol] else _too_good(case, score)
    return too_good or _of_short_windows(case, feedback) or Verdict(LeakageStatus.SAFE)


def _unexamined(case: TargetCase, n_labelled: int) -> str:
    """Why no feature could be examined on a symbol with so many labelled rows."""
    needed = case.leaks.needed_rows
    if n_labelled < needed:
        return f"{n_labelled} labelled rows, {needed} are needed to examine a feature"
    return f"{n_labelled} labelled rows, but too few of a class or no feature that varies"


def _too_good(case: TargetCase, score: Estimate) -> Verdict | None:
    """SUSPECT for great skill that no function of the past carries: copies too weak to be found one by one
    may do so together."""
    skill = None if score.value is None else metric_of(case.spec.task_type).to_skill(score.value)
    if skill is None or skill < case.config.leakage.max_credible_skill:
        return None
    return Verdict(
        LeakageStatus.SUSPECT, f"skill of {skill:.3f} from features that earlier rows do not explain"
    )


def _of_short_windows(case: TargetCase, feedback: Estimate) -> Verdict | None:
    """SUSPECT for models of a target whose pooled score is for a large part feedback: own ones see the same
    features."""
    share, error = feedback.value, feedback.se
    if share is None or error is None:
        return None
    if share < max(case.config.leakage.max_feedback_share, _CLEAR_ERRORS * error):
        return None
    return Verdict(
        LeakageStatus.SUSPECT,
        f"{share:.0%} of the pooled score is what features of the label's own past get in short windows",
    )


def _reason(findings: Sequence[Finding], symbol: str | None, status: LeakageStatus) -> str:
    return worst_reason([one for one in findings if one.symbol == symbol and one.status is status])
