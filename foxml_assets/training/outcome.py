"""What came of one job in one training run."""

from dataclasses import dataclass
from enum import StrEnum

from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.models.failures import joined_reasons
from foxml_assets.training.models.manifest import Manifest


class OutcomeStatus(StrEnum):
    """`skipped`: an intact model of the same spec was there already; `taken back`: one that was retired."""

    DONE = "done"
    FAILED = "failed"
    TAKEN_BACK = "taken back"
    SKIPPED = "skipped"


_FOREMOST = (OutcomeStatus.FAILED, OutcomeStatus.DONE, OutcomeStatus.TAKEN_BACK)


@dataclass(frozen=True)
class ModelOutcome:
    """One family of a job. There is no `manifest`, and `reason` tells why, where it failed.

    `seconds` is what training it took, then or now; None where that is not known.
    """

    family: ModelFamily
    status: OutcomeStatus
    manifest: Manifest | None
    manifest_sha256: str = ""
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class JobOutcome:
    """A finished job. `seconds` is wall time in this run, reading the data included."""

    job: Job
    models: tuple[ModelOutcome, ...]
    seconds: float

    @property
    def status(self) -> OutcomeStatus:
        """Failed if any family failed, skipped if none had to be trained or taken back."""
        statuses = {model.status for model in self.models}
        return next((status for status in _FOREMOST if status in statuses), OutcomeStatus.SKIPPED)

    @property
    def reason(self) -> str:
        """Why it failed; empty if it did not."""
        return joined_reasons([(model.family, model.reason) for model in self.models])

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """The manifests of the models that are there now."""
        return tuple(model.manifest for model in self.models if model.manifest is not None)
