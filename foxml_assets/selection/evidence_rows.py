"""The candidate rows of one target: the pooled model's and every symbol's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.selection.config import EvidenceConfig
from foxml_assets.selection.crossfit import CrossFit
from foxml_assets.selection.estimates import SymbolScores, mean_over_symbols, metric_of
from foxml_assets.selection.evidence import RowEvidence
from foxml_assets.selection.family_probe import FamilyOutcome, failed, successful
from foxml_assets.selection.leakage import Finding
from foxml_assets.selection.single_skill import FeatureSkill
from foxml_assets.selection.stability import stability
from foxml_assets.selection.target_data import Flags, TargetData
from foxml_assets.selection.verdicts import row_verdict


@dataclass(frozen=True)
class Findings:
    """What was found out before any score: leaks, single-feature skill and families that can be fitted."""

    leaks: Sequence[Finding]
    skill: FeatureSkill
    families: Sequence[FamilyOutcome]


def pooled_row(
    data: TargetData,
    fit: CrossFit,
    pooled: Flags,
    scores: Sequence[SymbolScores],
    found: Findings,
    config: EvidenceConfig,
) -> RowEvidence:
    """The pooled model: its mean score within the symbols that it trains on (`pooled`)."""
    trained = [score for score, kept in zip(scores, pooled.tolist(), strict=True) if kept]
    score = mean_over_symbols([one.pooled_replicates for one in trained if one.pooled_replicates is not None])
    predicted = ~np.isnan(fit.pooled) & np.repeat(pooled, np.diff(data.starts))
    measured = bool((~np.isnan(found.skill.now)).any())
    metric = metric_of(data.spec.task_type)
    verdict = row_verdict(None, found.leaks, measured, score, metric, config.leakage)
    return RowEvidence(
        symbol=None,
        sample_size=int(predicted.sum()),
        score=score,
        stability=stability([one for one in fit.importances if one.symbol is None], config.overlap_top_k),
        leakage_status=verdict.status,
        leakage_reason=verdict.reason,
        successful_families=successful(found.families),
        failed_families=failed(found.families),
    )


def symbol_row(
    data: TargetData, fit: CrossFit, code: int, scores: SymbolScores, found: Findings, config: EvidenceConfig
) -> RowEvidence:
    """The own model of the symbol with index `code`, beside the pooled model on the same symbol."""
    symbol = data.symbols[code]
    measured = bool((~np.isnan(found.skill.now[code])).any())
    metric = metric_of(data.spec.task_type)
    verdict = row_verdict(symbol, found.leaks, measured, scores.local, metric, config.leakage)
    return RowEvidence(
        symbol=symbol,
        sample_size=int((~np.isnan(fit.local[data.rows_of(code)])).sum()),
        score=scores.local,
        stability=stability([one for one in fit.importances if one.symbol == symbol], config.overlap_top_k),
        leakage_status=verdict.status,
        leakage_reason=verdict.reason,
        successful_families=successful(found.families),
        failed_families=failed(found.families),
        cs_score=scores.pooled,
        both_score=scores.both,
        difference=scores.difference,
    )
