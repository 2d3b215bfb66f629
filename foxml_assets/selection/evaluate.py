"""All evidence for one target: scores, stability, leakage and families."""

from collections.abc import Callable

import numpy as np

from foxml_assets.errors import EvidenceError
from foxml_assets.hashing import content_hash
from foxml_assets.layout import Layout
from foxml_assets.selection.blocks import make_blocks
from foxml_assets.selection.config import DataConfig, EvidenceConfig
from foxml_assets.selection.crossfit import CrossFit, cross_fit
from foxml_assets.selection.estimates import metric_of, score_symbol
from foxml_assets.selection.evidence import TargetEvidence
from foxml_assets.selection.evidence_files import read_evidence, write_evidence
from foxml_assets.selection.evidence_rows import Findings, pooled_row, symbol_row
from foxml_assets.selection.family_probe import probe_families
from foxml_assets.selection.fold_tables import importance_table, score_table
from foxml_assets.selection.leakage import find_leaks
from foxml_assets.selection.panel_info import PanelInfo, TargetSpec
from foxml_assets.selection.single_skill import feature_skill
from foxml_assets.selection.stability import excess_gain
from foxml_assets.selection.target_data import load_target
from foxml_assets.selection.verdicts import feature_statuses, pooled_symbols
from foxml_assets.vocabulary import LeakageStatus

EVIDENCE_CODE_VERSION = "1"


def evaluate_target(
    target: str, info: PanelInfo, config: DataConfig, layout: Layout, progress: Callable[[str], None]
) -> TargetEvidence:
    """Evaluate `target` and write everything under METRICS/feature_selections/<target>/.

    The result depends on the panel's rows before the hold-out and on `config.evidence` only, not on
    other targets. Raises PanelError for a panel that cannot be read.
    """
    settings = config.evidence
    data = load_target(target, info, settings, layout)
    progress(f"{target}: {int(data.labelled.sum())} labelled rows, {len(data.folds)} folds")
    skill = feature_skill(data, settings)
    leaks = find_leaks(data, skill, settings.leakage)
    pooled = pooled_symbols(data.symbols, leaks)
    families = probe_families(data, pooled, settings)
    fit = cross_fit(data, pooled, settings, lambda message: progress(f"{target}: {message}"))
    progress(f"{target}: scoring")
    blocks = make_blocks(data.folds, data.spec.horizon_bars, settings.bootstrap, settings.seed)
    scores = [score_symbol(data, fit, code, blocks, settings.min_rows) for code in range(len(data.symbols))]
    found = Findings(leaks=leaks, skill=skill, families=families)
    rows = [pooled_row(data, fit, pooled, scores, found, settings)]
    rows += [symbol_row(data, fit, code, score, found, settings) for code, score in enumerate(scores)]
    evidence = TargetEvidence(
        target=target,
        task_type=data.spec.task_type,
        score_metric=metric_of(data.spec.task_type),
        horizon_minutes=data.spec.horizon_minutes,
        data_hash=info.data_hash_for(target),
        settings_hash=_settings_hash(data.spec, settings),
        rows=tuple(rows),
        features=_top_features(fit, feature_statuses(data.features, leaks, skill), settings.top_k),
    )
    write_evidence(
        layout,
        evidence,
        scores=score_table(data, fit),
        importances=importance_table(data, fit),
        findings=leaks,
        families=families,
    )
    progress(f"{target}: done")
    return evidence


def stale_targets(info: PanelInfo, config: DataConfig, layout: Layout) -> tuple[str, ...]:
    """The targets of the panel without evidence, or with evidence from other data, settings or code.

    Evidence that cannot be read counts as none.
    """
    return tuple(spec.name for spec in info.targets if not _is_current(spec, info, config, layout))


def _is_current(spec: TargetSpec, info: PanelInfo, config: DataConfig, layout: Layout) -> bool:
    try:
        evidence = read_evidence(layout, spec.name)
    except EvidenceError:
        return False
    settings = _settings_hash(spec, config.evidence)
    return evidence.data_hash == info.data_hash_for(spec.name) and evidence.settings_hash == settings


def _settings_hash(spec: TargetSpec, settings: EvidenceConfig) -> str:
    return content_hash([EVIDENCE_CODE_VERSION, settings.config_hash(), spec])


def _top_features(fit: CrossFit, statuses: dict[str, LeakageStatus], top_k: int) -> dict[str, LeakageStatus]:
    names = list(statuses)
    pooled = [one for one in fit.importances if one.symbol is None]
    if not pooled:
        return statuses
    excess = np.mean([excess_gain(one) for one in pooled], axis=0)
    gain = np.mean([one.gain for one in pooled], axis=0)
    ranked = sorted(range(len(names)), key=lambda at: (-excess[at], -gain[at], names[at]))
    return {names[at]: statuses[names[at]] for at in ranked[:top_k]}
