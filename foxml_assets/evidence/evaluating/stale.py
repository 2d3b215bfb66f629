"""Which evidence is that of the current data, settings and code."""

from dataclasses import replace
from functools import lru_cache

from foxml_assets.core.errors import EvidenceError
from foxml_assets.core.hashing import content_hash
from foxml_assets.evidence.evidence_files import evidence_hash, evidence_path, read_evidence
from foxml_assets.evidence.kept_predictions import has_predictions
from foxml_assets.evidence.leakage.detector import detector_versions
from foxml_assets.evidence.replay.replay_file import replay_hash
from foxml_assets.evidence.target_evidence import TargetEvidence
from foxml_assets.panel.data_config import DataConfig, EvidenceConfig
from foxml_assets.panel.panel_info import PanelInfo, TargetSpec
from foxml_assets.storage.layout import Layout

EVIDENCE_CODE_VERSION = "12"


def stale_targets(info: PanelInfo, config: DataConfig, layout: Layout) -> tuple[str, ...]:
    """The targets of the panel without evidence, with evidence from other data, settings or code, or without
    the predictions that the settings ask to keep.

    Evidence that cannot be read counts as none. Raises BuilderError, and PanelError for a builder's source.
    """
    replayed = replay_hash(info, config)

    def is_current(spec: TargetSpec) -> bool:
        return _is_current(spec, info, config.evidence, replayed, layout)

    return tuple(spec.name for spec in info.targets if not is_current(spec))


def outdated_targets(info: PanelInfo, config: DataConfig, layout: Layout) -> tuple[str, ...]:
    """Those of `stale_targets` that have evidence: what rests on it is not what the settings ask for.

    Raises as `stale_targets`.
    """
    stale = stale_targets(info, config, layout)
    return tuple(target for target in stale if evidence_path(layout, target).exists())


def _is_current(
    spec: TargetSpec, info: PanelInfo, settings: EvidenceConfig, replayed: str | None, layout: Layout
) -> bool:
    try:
        evidence = _evidence_of(layout, spec.name, evidence_hash(layout, spec.name))
    except EvidenceError:
        return False
    return (
        evidence.data_hash == info.data_hash_for(spec.name)
        and evidence.settings_hash == settings_hash(spec, settings, replayed)
        and (not settings.keep_predictions or has_predictions(layout, evidence))
    )


@lru_cache(maxsize=1024)
def _evidence_of(layout: Layout, target: str, _hash: str) -> TargetEvidence:
    """The evidence of `target` without its rows. A process that looks often decodes a file of one hash
    only once."""
    return replace(read_evidence(layout, target), rows=())


def settings_hash(spec: TargetSpec, settings: EvidenceConfig, replayed: str | None) -> str:
    """The hash of all that decides the evidence of a target beside its data. Raises DetectorError."""
    versions = detector_versions(settings.leakage.detectors)
    return content_hash([EVIDENCE_CODE_VERSION, settings.config_hash(), spec, replayed, *versions])
