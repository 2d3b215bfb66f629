"""What comes of one target, as it travels: but for predictions that are kept, no part grows with the rows."""

from dataclasses import dataclass

import pandas as pd

from foxml_assets.evidence.evidence_files import write_evidence
from foxml_assets.evidence.kept_predictions import keep_predictions
from foxml_assets.evidence.leakage.findings import Finding
from foxml_assets.evidence.screening.probe import FamilyOutcome
from foxml_assets.evidence.target_evidence import TargetEvidence
from foxml_assets.evidence.timing import EvidenceTiming, write_timing
from foxml_assets.storage.layout import Layout


@dataclass(frozen=True)
class Evaluated:
    """The evidence of a target with the tables it was made from, and what it cost.

    `predictions` are the bytes of their file, where they are to be kept.
    """

    evidence: TargetEvidence
    scores: pd.DataFrame
    importances: pd.DataFrame
    findings: tuple[Finding, ...]
    families: tuple[FamilyOutcome, ...]
    timing: EvidenceTiming
    predictions: bytes | None

    def write(self, layout: Layout) -> None:
        """Write all of it; the evidence last, because once that stands its target is not evaluated again."""
        write_timing(layout, self.evidence.target, self.timing)
        keep_predictions(layout, self.evidence.target, self.predictions)
        write_evidence(
            layout,
            self.evidence,
            scores=self.scores,
            importances=self.importances,
            findings=self.findings,
            families=self.families,
        )
