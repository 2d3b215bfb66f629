"""All evidence for targets: leakage first, then the models that leakage leaves, and their scores."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from foxml_assets.core.errors import EvidenceError, FoxmlError, Problem
from foxml_assets.engines.settings import THREADS, EngineSettings, OnDask
from foxml_assets.evidence.evaluating.evaluated import Evaluated
from foxml_assets.evidence.evaluating.on_dask import evaluate_on_dask
from foxml_assets.evidence.evaluating.on_threads import evaluate_on_threads
from foxml_assets.evidence.target_evidence import TargetEvidence
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore


def evaluate_targets(
    targets: Sequence[str],
    info: PanelInfo,
    config: DataConfig,
    layout: Layout,
    progress: Callable[[str], None],
    engine: EngineSettings = THREADS,
    panel_store: ObjectStore | None = None,
) -> Iterator[TargetEvidence]:
    """Evaluate `targets` on `engine`; each is written under METRICS/feature_selections/<target>/ as it ends.

    A target's result depends on the panel's rows before the hold-out and on `config.evidence` only, not on
    the other targets or the engine. Workers of Dask read the panel in `panel_store`, into which it is put, if
    there is one. Raises PanelError for a panel that cannot be read, is too short, or is not what the settings
    say; BuilderError for a feature builder that cannot be replayed; on Dask EngineError without a scheduler,
    StoreError if the panel cannot be put into its store, and, when the others are done, EvidenceError for
    targets that failed alone.
    """
    if not targets:
        return
    clock, failed = _Clock(len(targets), progress), dict[str, Exception]()
    progress(f"panel: {sum(info.training_rows):,} rows before the hold-out, {len(info.features)} features")
    for target, found in _endings(engine, panel_store, targets, info, config, layout, progress):
        if isinstance(found, Evaluated):
            found.write(layout)
            clock.done(target, "done")
            yield found.evidence
        else:
            failed[target] = found
            clock.done(target, f"failed ({_reason(found)})")
    if failed:
        raise _failure(failed)


def _endings(
    engine: EngineSettings,
    panel_store: ObjectStore | None,
    targets: Sequence[str],
    info: PanelInfo,
    config: DataConfig,
    layout: Layout,
    progress: Callable[[str], None],
) -> Iterator[tuple[str, Evaluated | Exception]]:
    if isinstance(engine, OnDask):
        return evaluate_on_dask(engine.scheduler, targets, info, config, layout, progress, panel_store)
    return evaluate_on_threads(targets, info, config, layout, progress)


class _Clock:
    """Reports every finished target, with the time that the others will take at the pace so far."""

    def __init__(self, n_targets: int, progress: Callable[[str], None]) -> None:
        self._started, self._done, self._all, self._progress = time.perf_counter(), 0, n_targets, progress

    def done(self, target: str, how: str) -> None:
        """Count one target."""
        self._done += 1
        left = (time.perf_counter() - self._started) / self._done * (self._all - self._done)
        rest = f", about {left:.0f} s left" if self._done < self._all else ""
        self._progress(f"{target}: {how}, {self._done} of {self._all}{rest}")


def _reason(error: Exception) -> str:
    return error.summary if isinstance(error, FoxmlError) else f"{type(error).__name__}: {error}"


def _failure(failed: Mapping[str, Exception]) -> EvidenceError:
    fixes = {error.fix for error in failed.values() if isinstance(error, FoxmlError) and error.fix}
    return EvidenceError(
        f"{len(failed)} target(s) were not evaluated; the others stand",
        problems=[Problem(target, _reason(error)) for target, error in failed.items()],
        fix="; ".join([*sorted(fixes), "then evaluate them: foxml run"]),
    )
