"""One target on a Dask worker: what travels to it, and what it does there.

What all targets share is made by the first of a worker and kept there for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from foxml_assets.core.errors import EngineError, Problem
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.engines.cluster import library_versions
from foxml_assets.engines.task import Stop
from foxml_assets.engines.worker_panel import Kept, PanelPlace
from foxml_assets.evidence.arrays import load_arrays
from foxml_assets.evidence.evaluating.evaluated import Evaluated
from foxml_assets.evidence.evaluating.one_target import evaluate_case, screened_cases
from foxml_assets.evidence.evaluating.shared import Shared, share
from foxml_assets.evidence.evaluating.stale import EVIDENCE_CODE_VERSION, settings_hash
from foxml_assets.evidence.leakage.detector import detector_versions
from foxml_assets.evidence.replay.replay_file import Replay
from foxml_assets.evidence.timing import stopwatch
from foxml_assets.families.threads import one_blas_thread_for_good
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.panel_info import PanelInfo


@dataclass(frozen=True)
class PanelOrder:
    """What the targets of one run have in common. `replay` has some bytes for each feature."""

    place: PanelPlace
    settings: EvidenceConfig
    replay: Replay


@dataclass(frozen=True)
class TargetOrder:
    """A target as it travels; `settings_hash` is that of its evidence where it was ordered."""

    target: str
    settings_hash: str
    panel: PanelOrder


@dataclass(frozen=True)
class _Ready:
    info: PanelInfo
    shared: Shared


_KEPT = Kept[_Ready]()


def software(families: Sequence[ModelFamily], detectors: Sequence[str]) -> dict[str, str]:
    """What makes the bytes of evidence beside data and settings, as it is where this is called."""
    # Trees and ridge screen whatever the families, and kept predictions are Parquet.
    libraries = library_versions(families, "lightgbm", "pyarrow", "scipy")
    found = {f"leakage detector {name}": version for name, version in detector_versions(detectors)}
    return {**libraries, **found, "evidence code": EVIDENCE_CODE_VERSION}


def evaluate_order(order: TargetOrder, stop: Stop) -> Evaluated | None:
    """Evaluate the target of `order` on this worker; None if `stop` was set meanwhile.

    Raises EngineError for a worker that sees another panel or has other code, and StoreError; else as on
    threads.
    """
    passed = stopwatch()
    one_blas_thread_for_good()
    ready = _KEPT.get(_key(order.panel), lambda: _made_ready(order.panel))
    info, shared = ready.info, ready.shared
    spec = info.target(order.target)
    _require_same_code(settings_hash(spec, shared.asked, shared.replay_hash), order)
    ((case, screen, null),) = screened_cases([spec], info, shared, order.panel.place.read)
    if stop.is_set():
        return None
    return evaluate_case(case, screen, null, info, shared, passed)


def forget(panel: PanelOrder) -> None:
    """Let go of what this worker keeps of the panel."""
    _KEPT.forget(_key(panel))


def _key(panel: PanelOrder) -> tuple[PanelPlace, str | None, str, bool]:
    settings = panel.settings
    return panel.place, panel.replay.replay_hash, settings.config_hash(), settings.keep_predictions


def _made_ready(order: PanelOrder) -> _Ready:
    info = order.place.info()
    # The threads of a worker are for tasks.
    settings = order.settings.model_copy(update={"threads": 1})
    return _Ready(info, share(load_arrays(info, settings, order.place.read), settings, order.replay))


def _require_same_code(found: str, order: TargetOrder) -> None:
    if found != order.settings_hash:
        raise EngineError(
            "the worker would make other evidence than was asked for",
            problems=[Problem("settings_hash", f"is {found} there", order.settings_hash)],
            fix="install there what is installed here, at the same versions",
        )
