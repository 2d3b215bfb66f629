"""Where the current candidates come from: an imported table if there is one, else the evidence on disk."""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from foxml_assets.core.hashing import content_hash, file_hash
from foxml_assets.evidence.evidence_files import evidence_hash, read_all_evidence
from foxml_assets.routing.candidates.candidates import candidates_from_evidence
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import find_table


@dataclass(frozen=True)
class CandidatesSource:
    """The table, and for people where it comes from."""

    table: pd.DataFrame
    description: str


def load_candidates(layout: Layout, targets: Collection[str] | None) -> CandidatesSource:
    """The current candidates; evidence counts only for `targets` of the panel (None: for all).

    Raises CandidatesError or EvidenceError for files that cannot be read.
    """
    imported = find_table(layout.imported_candidates)
    if imported is not None:
        return CandidatesSource(read_candidates(imported), f"imported, in place of evidence: {imported.name}")
    evidence = [one for one in read_all_evidence(layout) if targets is None or one.target in targets]
    return CandidatesSource(candidates_from_evidence(evidence), f"evidence of {len(evidence)} targets")


def candidates_source_hash(layout: Layout, targets: Collection[str] | None) -> str:
    """Hash of the files behind `load_candidates`, without parsing them."""
    imported = find_table(layout.imported_candidates)
    if imported is not None:
        return file_hash(imported)
    known = sorted(targets) if targets is not None else [one.target for one in read_all_evidence(layout)]
    present = [target for target in known if (layout.feature_selection(target) / "evidence.json").is_file()]
    return content_hash({target: evidence_hash(layout, target) for target in present})
