"""Evidence on disk: `evidence.json` per target, beside the tables it was made from."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import pandas as pd

from foxml_assets.core.errors import EvidenceError, Problem
from foxml_assets.core.hashing import canonical_json, file_hash
from foxml_assets.evidence.leakage.findings import Finding
from foxml_assets.evidence.score_tables import IMPORTANCES
from foxml_assets.evidence.screening.probe import FamilyOutcome
from foxml_assets.evidence.target_evidence import TargetEvidence
from foxml_assets.storage.exact_json import decode_exactly
from foxml_assets.storage.files import write_if_changed
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import write_table

Content = TypeVar("Content")

_FIX = "evaluate the target again: foxml run --until evidence"


def evidence_path(layout: Layout, target: str) -> Path:
    """Where the evidence of `target` stands; the file that is written last."""
    return layout.feature_selection(target) / "evidence.json"


def write_evidence(
    layout: Layout,
    evidence: TargetEvidence,
    *,
    scores: pd.DataFrame,
    importances: pd.DataFrame,
    findings: Sequence[Finding],
    families: Sequence[FamilyOutcome],
) -> None:
    """Write everything known about one target; `evidence.json` last, so that it vouches for the rest."""
    folder = layout.feature_selection(evidence.target)
    write_table(scores, folder / "scores.parquet")
    write_table(importances, folder / "importances.parquet")
    _write_json(folder / "leakage.json", tuple(findings))
    _write_json(folder / "families.json", tuple(families))
    _write_json(evidence_path(layout, evidence.target), evidence)


def read_evidence(layout: Layout, target: str) -> TargetEvidence:
    """The evidence of `target`. Raises EvidenceError when it is missing, damaged or of another target."""
    path = evidence_path(layout, target)
    evidence = _read(path, TargetEvidence)
    if evidence.target != target:
        problem = Problem("target", f"is not {target!r}", evidence.target)
        raise EvidenceError("belongs to another target", file=path, problems=[problem], fix=_FIX)
    return evidence


def read_all_evidence(layout: Layout) -> tuple[TargetEvidence, ...]:
    """All evidence there is, sorted by target; empty without any. Raises EvidenceError as `read_evidence`."""
    found = [
        _read(path, TargetEvidence) for path in sorted(layout.feature_selections.glob("*/evidence.json"))
    ]
    return tuple(sorted(found, key=lambda evidence: evidence.target))


def read_findings(layout: Layout, target: str) -> tuple[Finding, ...]:
    """The leakage findings beside the evidence of `target`. Raises EvidenceError as `read_evidence`."""
    return _read(layout.feature_selection(target) / "leakage.json", tuple[Finding, ...])


def read_importances(layout: Layout, target: str) -> pd.DataFrame:
    """The importance table beside the evidence of `target`. Raises EvidenceError when it is not readable."""
    path = layout.feature_selection(target) / "importances.parquet"
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        problem = Problem("", str(error))
        raise EvidenceError("cannot be read", file=path, problems=[problem], fix=_FIX) from error
    names = sorted({*IMPORTANCES} ^ {*map(str, table.columns)})
    wrong = [Problem(name, "column is missing or not known") for name in names]
    if wrong:
        raise EvidenceError("has other columns than were written", file=path, problems=wrong, fix=_FIX)
    return table


def evidence_hash(layout: Layout, target: str) -> str:
    """Hash of the evidence of `target`. Raises EvidenceError when there is none."""
    path = evidence_path(layout, target)
    if not path.is_file():
        raise EvidenceError("there is no evidence yet", file=path, fix=_FIX)
    return file_hash(path)


def _read(path: Path, kind: type[Content]) -> Content:
    if not path.is_file():
        raise EvidenceError("there is no evidence yet", file=path, fix=_FIX)
    try:
        value, problems = decode_exactly(path.read_bytes(), kind)
    except msgspec.DecodeError as error:
        problem = Problem("", str(error))
        raise EvidenceError("cannot be read", file=path, problems=[problem], fix=_FIX) from error
    if problems:
        raise EvidenceError("has other fields than were written", file=path, problems=problems, fix=_FIX)
    return value


def _write_json(path: Path, value: object) -> None:
    write_if_changed(path, msgspec.json.format(canonical_json(value), indent=2) + b"\n")
