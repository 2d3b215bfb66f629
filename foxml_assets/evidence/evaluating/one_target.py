"""Targets before and after the point at which each stands alone: leakage and ridge, then trees and scores."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.arrays import Flags, Floats, load_labels
from foxml_assets.evidence.evaluating.evaluated import Evaluated
from foxml_assets.evidence.evaluating.shared import Shared
from foxml_assets.evidence.evaluating.stale import settings_hash
from foxml_assets.evidence.kept_predictions import OutOfFold, predictions_bytes
from foxml_assets.evidence.leakage.find import find_leaks
from foxml_assets.evidence.leakage.leaks import Leaks
from foxml_assets.evidence.leakage.ranks import LabelView
from foxml_assets.evidence.rows import pooled_row, symbol_row
from foxml_assets.evidence.score_tables import importance_table, mean_importance, score_table
from foxml_assets.evidence.scores.blocks import make_blocks
from foxml_assets.evidence.scores.feedback import feedback_share
from foxml_assets.evidence.scores.moderated import with_known_errors
from foxml_assets.evidence.scores.null_score import null_scores
from foxml_assets.evidence.scores.pooled_or_own import (
    PooledScores,
    SymbolScores,
    mean_own_score,
    open_to_trees,
    score_pooled,
    score_symbol,
)
from foxml_assets.evidence.scores.stability import stability
from foxml_assets.evidence.screening.predictions import (
    RIDGE,
    Screened,
    TargetCase,
    TreeScreen,
    Variant,
    own_trees,
    pooled_trees,
    screened,
    variants,
)
from foxml_assets.evidence.screening.probe import probe_families, successful
from foxml_assets.evidence.screening.ridge_screen import LinearScreen, LinearTask, linear_screen
from foxml_assets.evidence.target_evidence import Estimate, TargetEvidence
from foxml_assets.evidence.timing import EvidenceTiming
from foxml_assets.families.threads import map_threads
from foxml_assets.panel.data_config import OwnTrees
from foxml_assets.panel.folds import Fold, purge_bars, walk_forward
from foxml_assets.panel.panel_info import PanelInfo, TargetSpec
from foxml_assets.panel.panel_store import ReadRows


def screened_cases(
    batch: list[TargetSpec], info: PanelInfo, shared: Shared, read_rows: ReadRows
) -> Iterator[tuple[TargetCase, LinearScreen, Estimate]]:
    """The cases of a batch, leakage found, each with its row of the batch's ridge predictions and its null
    score."""
    panel, settings = shared.panel, shared.config
    folds = walk_forward(len(panel.times), purge_bars(batch[0].horizon_bars), settings)
    labels = load_labels(tuple(spec.name for spec in batch), info, settings, read_rows)
    # Later labels may end inside the hold-out.
    labels[:, panel.bar >= folds[-1].test_stop] = np.nan
    cases = [
        TargetCase(spec, y, panel, folds, _leaks(LabelView(spec, y), folds, shared), settings)
        for spec, y in zip(batch, labels, strict=True)
    ]
    task = LinearTask(
        labels,
        np.stack([case.leaks.usable for case in cases]),
        np.stack([case.leaks.pooled for case in cases]),
    )
    # First, so that its predictions are gone from memory before there are others.
    nulls = null_scores(cases, task)
    screen = linear_screen(panel, folds, task, settings)
    for at, (case, null) in enumerate(zip(cases, nulls, strict=True)):
        yield case, screen.of(at), null


def _leaks(label: LabelView, folds: tuple[Fold, ...], shared: Shared) -> Leaks:
    def skill_left(full: Flags, kept: Flags) -> tuple[float, float]:
        return _skill_of_both(label, np.stack([full, kept]), folds, shared)

    return find_leaks(
        shared.ranks, shared.past, label, shared.known, shared.missing, skill_left, shared.config
    )


def _skill_of_both(
    label: LabelView, usable: Flags, folds: tuple[Fold, ...], shared: Shared
) -> tuple[float, float]:
    """Mean within-symbol skill of the pooled ridge under each of two feature masks."""
    panel, metric = shared.panel, metric_of(label.spec.task_type)
    everyone = np.ones((2, len(panel.symbols)), dtype=bool)
    # The label stands twice, once for each mask: one pass over the panel fits both.
    task = LinearTask(np.stack([label.y] * 2), usable, everyone)
    screen = linear_screen(panel, folds, task, shared.config, with_own=False)
    case = TargetCase(label.spec, label.y, panel, folds, Leaks.none(panel), shared.config)
    blocks = make_blocks(folds, label.spec.horizon_bars, shared.config.blocks)

    def skill(at: int) -> float:
        ridge = Variant((RIDGE,), screen.pooled[at])
        score = score_pooled(case, (ridge,), blocks).score.value
        return 0.0 if score is None else metric.to_skill(score)

    return skill(0), skill(1)


def evaluate_case(
    case: TargetCase,
    screen: LinearScreen,
    null: Estimate,
    info: PanelInfo,
    shared: Shared,
    passed: Callable[[], EvidenceTiming],
) -> Evaluated:
    """Fit and score the models that leakage leaves."""
    settings = shared.config
    families = probe_families(case)
    names = screened(successful(families))
    trees = pooled_trees(case, shared.binned) if names.trees else None
    blocks = make_blocks(case.folds, case.spec.horizon_bars, settings.blocks)
    prediction = trees.prediction if trees else None
    candidates = variants(prediction, screen.pooled[0], names) or _nothing(case)
    pooled = score_pooled(case, candidates, blocks)
    own = _own_variants(case, screen, pooled, shared, names)

    def one(symbol: int) -> SymbolScores:
        return score_symbol(case, symbol, own(symbol), pooled, blocks)

    found = tuple(map_threads(one, range(len(case.panel.symbols)), settings.threads))
    pooled = replace(pooled, own=mean_own_score(case, found))
    pooled, found = with_known_errors(pooled, found, blocks)
    gain = trees.gain if trees else np.full(screen.pooled_weights[:, 0].shape, np.nan)
    weights = screen.pooled_weights[:, 0]
    importance = mean_importance(gain, weights)
    case = replace(case, leaks=case.leaks.weighed(importance))
    feedback = feedback_share(case, pooled.chosen)
    stable = stability(_snapshots(trees, weights), settings.overlap_top_k)
    rows = [pooled_row(case, pooled, stable, families, feedback)]
    rows += [symbol_row(case, symbol, scores, families, feedback) for symbol, scores in enumerate(found)]
    evidence = TargetEvidence(
        target=case.spec.name,
        task_type=case.spec.task_type,
        score_metric=metric_of(case.spec.task_type),
        horizon_minutes=case.spec.horizon_minutes,
        data_hash=info.data_hash_for(case.spec.name),
        settings_hash=settings_hash(case.spec, shared.asked, shared.replay_hash),
        rows=tuple(rows),
        null_score=null,
        feedback_share=feedback,
        features=_selected(case, importance, settings.top_k),
        assured=shared.known.assured,
    )
    out_of_fold = OutOfFold(pooled.chosen.prediction, np.concatenate([scores.prediction for scores in found]))
    kept = predictions_bytes(evidence, case, out_of_fold) if settings.keep_predictions else None
    return Evaluated(
        evidence,
        scores=score_table(case, found),
        importances=importance_table(case, gain, weights),
        findings=tuple(case.leaks.findings),
        families=families,
        timing=passed(),
        predictions=kept,
    )


def _own_variants(
    case: TargetCase,
    screen: LinearScreen,
    pooled: PooledScores,
    shared: Shared,
    names: Screened,
) -> Callable[[int], tuple[Variant, ...]]:
    """The variants of each symbol's own model: ridge, and trees where the policy or ridge asks for them."""
    symbols = np.zeros(len(case.panel.symbols), dtype=bool)
    if names.trees is not None:
        if shared.config.trees.own is OwnTrees.ALL or names.ridge is None:
            symbols[:] = True
        elif shared.config.trees.own is OwnTrees.UNDECIDED:
            # Places in `variants`: 0 is the mean of both families, 1 the trees, 2 the ridge.
            symbols = open_to_trees(case, pooled, ridge=2, trees=1)
    trees = own_trees(case, shared.binned, symbols) if symbols.any() else None
    only_ridge = variants(None, screen.own[0], names) or _nothing(case)
    with_trees = variants(trees, screen.own[0], names)
    return lambda symbol: with_trees if symbols[symbol] else only_ridge


def _nothing(case: TargetCase) -> tuple[Variant, ...]:
    """The predictor that is left where no family could be fitted."""
    return (Variant((), np.full(len(case.y), np.nan)),)


def _snapshots(trees: TreeScreen | None, weights: Floats) -> Floats:
    # Ridge gives exactly 0 to what no model can use: such columns would agree in every fold.
    used = ~(weights == 0.0).all(axis=0)
    return (np.abs(weights) if trees is None else trees.gain)[:, used]


def _selected(case: TargetCase, importance: Floats, top_k: int) -> dict[str, LeakageStatus]:
    """The usable features of most importance, and every feature that leakage keeps out."""
    names, statuses, usable = case.panel.features, case.leaks.statuses, case.leaks.usable
    # Equal importance is settled by name, not by the order of the panel's columns.
    ranked = sorted(np.flatnonzero(usable).tolist(), key=lambda at: (-importance[at], names[at]))[:top_k]
    dropped = np.flatnonzero(~usable).tolist()
    return {names[at]: statuses[at] for at in [*ranked, *dropped]}
