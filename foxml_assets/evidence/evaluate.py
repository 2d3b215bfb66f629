"""All evidence for targets: leakage first, then the models that leakage leaves, and their scores."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from foxml_assets.core.errors import EvidenceError
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.arrays import FEWEST_ROWS, Flags, Floats, PanelArrays, load_arrays, load_labels
from foxml_assets.evidence.evidence_files import read_evidence, write_evidence
from foxml_assets.evidence.kept_predictions import OutOfFold, has_predictions, keep_predictions
from foxml_assets.evidence.leakage.detector import detector_versions
from foxml_assets.evidence.leakage.find import Leaks, find_leaks
from foxml_assets.evidence.leakage.known import Known, known_features
from foxml_assets.evidence.leakage.lookahead import PastAndFuture, past_and_future
from foxml_assets.evidence.leakage.ranks import FeatureRanks, LabelView, feature_ranks
from foxml_assets.evidence.replay.replay_file import current_replay, replay_hash
from foxml_assets.evidence.rows import pooled_row, symbol_row
from foxml_assets.evidence.score_tables import importance_table, mean_importance, score_table
from foxml_assets.evidence.scores.blocks import make_blocks
from foxml_assets.evidence.scores.null_score import null_scores
from foxml_assets.evidence.scores.pooled_or_own import (
    PooledScores,
    SymbolScores,
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
from foxml_assets.evidence.screening.tree_screen import BinnedPanel, bin_panel
from foxml_assets.evidence.target_evidence import Estimate, TargetEvidence
from foxml_assets.evidence.timing import EvidenceTiming, stopwatch, write_timing
from foxml_assets.families.threads import one_blas_thread_throughout
from foxml_assets.panel.data_config import DataConfig, EvidenceConfig, OwnTrees
from foxml_assets.panel.folds import Fold, holdout_start, purge_bars, walk_forward
from foxml_assets.panel.panel_info import PanelInfo, TargetSpec
from foxml_assets.storage.layout import Layout

EVIDENCE_CODE_VERSION = "5"

# Labels and ridge predictions of a batch stand in memory together: three numbers a row and target.
_TARGETS_AT_A_TIME = 16
_PART_OF_A_SYMBOL = 0.2


@dataclass(frozen=True)
class _Shared:
    """What all targets share: made once, whatever their number. `config` is what the settings that were
    `asked` for come to on this panel."""

    panel: PanelArrays
    ranks: FeatureRanks
    past: PastAndFuture
    known: Known
    replay_hash: str | None
    binned: BinnedPanel
    config: EvidenceConfig
    asked: EvidenceConfig


def evaluate_targets(
    targets: Sequence[str],
    info: PanelInfo,
    config: DataConfig,
    layout: Layout,
    progress: Callable[[str], None],
) -> Iterator[TargetEvidence]:
    """Evaluate `targets` one after the other; each is written under METRICS/feature_selections/<target>/,
    with the time since the one before.

    A target's result depends on the panel's rows before the hold-out and on `config.evidence` only, not on
    the other targets. Raises PanelError for a panel that cannot be read, is too short, or is not what the
    settings say; BuilderError for a feature builder that cannot be replayed.
    """
    if not targets:
        return
    settings, passed = config.evidence, stopwatch()
    with one_blas_thread_throughout():
        shared = _prepare(info, config, layout, progress)
        clock = _Clock(len(targets), progress)
        for batch in _batches([info.target(name) for name in targets], settings):
            for case, screen, null in _screened(batch, info, shared, layout):
                evidence = _evaluate(case, screen, null, info, shared, layout, passed)
                clock.done(case.spec.name)
                yield evidence
                passed = stopwatch()


def stale_targets(info: PanelInfo, config: DataConfig, layout: Layout) -> tuple[str, ...]:
    """The targets of the panel without evidence, with evidence from other data, settings or code, or without
    the predictions that the settings ask to keep.

    Evidence that cannot be read counts as none. Raises BuilderError, and PanelError for a builder's source.
    """
    replayed = replay_hash(info, config)

    def is_current(spec: TargetSpec) -> bool:
        return _is_current(spec, info, config.evidence, replayed, layout)

    return tuple(spec.name for spec in info.targets if not is_current(spec))


def _is_current(
    spec: TargetSpec, info: PanelInfo, settings: EvidenceConfig, replayed: str | None, layout: Layout
) -> bool:
    try:
        evidence = read_evidence(layout, spec.name)
    except EvidenceError:
        return False
    return (
        evidence.data_hash == info.data_hash_for(spec.name)
        and evidence.settings_hash == _settings_hash(spec, settings, replayed)
        and (not settings.keep_predictions or has_predictions(layout, evidence))
    )


def _settings_hash(spec: TargetSpec, settings: EvidenceConfig, replayed: str | None) -> str:
    versions = detector_versions(settings.leakage.detectors)
    return content_hash([EVIDENCE_CODE_VERSION, settings.config_hash(), spec, replayed, *versions])


def _prepare(info: PanelInfo, config: DataConfig, layout: Layout, progress: Callable[[str], None]) -> _Shared:
    panel = load_arrays(info, config.evidence, layout)
    settings = _settings_for(panel, config.evidence)
    progress(f"panel: {len(panel.bar):,} rows before the hold-out, {len(panel.features)} features")
    replay = current_replay(panel, info, config, layout, progress)
    known = known_features(panel, settings.leakage, replay)
    ranks = feature_ranks(panel, settings)
    progress("asking which features look ahead")
    past = past_and_future(
        ranks, holdout_start(len(panel.times), settings.holdout_fraction), settings.leakage
    )
    # Bins are shared by all targets, so they take the horizon that purges least; no label enters them.
    first_test = walk_forward(len(panel.times), 1, settings)[0].test_start
    binned = bin_panel(panel, first_test, settings)
    return _Shared(panel, ranks, past, known, replay.replay_hash, binned, settings, config.evidence)


def _settings_for(panel: PanelArrays, settings: EvidenceConfig) -> EvidenceConfig:
    """The settings, with no more `min_rows` than _PART_OF_A_SYMBOL of what symbols usually have.

    Else models that training could fit would have no evidence.
    """
    rows = np.diff(panel.starts)
    usual = int(np.median(rows[rows > 0])) if (rows > 0).any() else 0
    least = max(int(_PART_OF_A_SYMBOL * usual), FEWEST_ROWS)
    return settings.model_copy(update={"min_rows": min(settings.min_rows, least)})


class _Clock:
    """Reports every finished target, with the time that the others will take at the pace so far."""

    def __init__(self, n_targets: int, progress: Callable[[str], None]) -> None:
        self._started, self._done, self._all, self._progress = time.perf_counter(), 0, n_targets, progress

    def done(self, target: str) -> None:
        """Count one target."""
        self._done += 1
        left = (time.perf_counter() - self._started) / self._done * (self._all - self._done)
        rest = f", about {left:.0f} s left" if self._done < self._all else ""
        self._progress(f"{target}: done, {self._done} of {self._all}{rest}")


def _batches(specs: Sequence[TargetSpec], settings: EvidenceConfig) -> Iterator[list[TargetSpec]]:
    """Targets that share their folds, as many at a time as memory should hold."""
    # Few distinct purges, because horizons are rounded up: targets of one share the work on a fold.
    by_purge: dict[int, list[TargetSpec]] = {}
    for spec in specs:
        by_purge.setdefault(purge_bars(spec.horizon_bars), []).append(spec)
    for _, group in sorted(by_purge.items()):
        for start in range(0, len(group), _TARGETS_AT_A_TIME):
            yield group[start : start + _TARGETS_AT_A_TIME]


def _screened(
    batch: list[TargetSpec], info: PanelInfo, shared: _Shared, layout: Layout
) -> Iterator[tuple[TargetCase, LinearScreen, Estimate]]:
    """The cases of a batch, leakage found, each with its row of the batch's ridge predictions and its null
    score."""
    panel, settings = shared.panel, shared.config
    folds = walk_forward(len(panel.times), purge_bars(batch[0].horizon_bars), settings)
    labels = load_labels(tuple(spec.name for spec in batch), info, settings, layout)
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


def _leaks(label: LabelView, folds: tuple[Fold, ...], shared: _Shared) -> Leaks:
    def skill_left(full: Flags, kept: Flags) -> tuple[float, float]:
        return _skill_of_both(label, np.stack([full, kept]), folds, shared)

    return find_leaks(shared.ranks, shared.past, label, shared.known, skill_left, shared.config)


def _skill_of_both(
    label: LabelView, usable: Flags, folds: tuple[Fold, ...], shared: _Shared
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


def _evaluate(
    case: TargetCase,
    screen: LinearScreen,
    null: Estimate,
    info: PanelInfo,
    shared: _Shared,
    layout: Layout,
    passed: Callable[[], EvidenceTiming],
) -> TargetEvidence:
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

    with ThreadPoolExecutor(max_workers=settings.threads) as pool:
        found = tuple(pool.map(one, range(len(case.panel.symbols))))
    gain = trees.gain if trees else np.full(screen.pooled_weights[:, 0].shape, np.nan)
    weights = screen.pooled_weights[:, 0]
    rows = [pooled_row(case, pooled, stability(_snapshots(trees, weights), settings.overlap_top_k), families)]
    rows += [symbol_row(case, symbol, scores, families) for symbol, scores in enumerate(found)]
    evidence = TargetEvidence(
        target=case.spec.name,
        task_type=case.spec.task_type,
        score_metric=metric_of(case.spec.task_type),
        horizon_minutes=case.spec.horizon_minutes,
        data_hash=info.data_hash_for(case.spec.name),
        settings_hash=_settings_hash(case.spec, shared.asked, shared.replay_hash),
        rows=tuple(rows),
        null_score=null,
        features=_selected(case, mean_importance(gain, weights), settings.top_k),
        assured=shared.known.assured,
    )
    out_of_fold = OutOfFold(pooled.chosen.prediction, np.concatenate([scores.prediction for scores in found]))
    # Before the evidence: once that stands, its target is not evaluated again.
    keep_predictions(layout, evidence, case, out_of_fold if settings.keep_predictions else None)
    write_timing(layout, evidence.target, passed())
    write_evidence(
        layout,
        evidence,
        scores=score_table(case, found),
        importances=importance_table(case, gain, weights),
        findings=case.leaks.findings,
        families=families,
    )
    return evidence


def _own_variants(
    case: TargetCase,
    screen: LinearScreen,
    pooled: PooledScores,
    shared: _Shared,
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
