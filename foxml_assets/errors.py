"""Every error a user can meet.

FoxmlError
├── ConfigError             a config file is wrong
├── PanelError              the panel cannot be used
├── BuilderError            a registered feature builder cannot be replayed
├── EvidenceError           a feature-selection artifact cannot be read
│   └── DetectorError       a leakage detector is not installed, or what it answers cannot be used
├── CandidatesError         routing candidates cannot be used
├── RoutingPlanError        routing_plan.json cannot be used
├── FdrHistoryError         fdr_history.json is lost or cannot be used
├── PlanError
│   ├── PlanMissingError    there is no master training plan
│   ├── PlanCorruptError    it cannot be parsed, or is of another schema
│   ├── PlanInconsistentError   it contradicts itself or the routing plan
│   └── PlanStaleError      it was made from other inputs than the current ones
├── LockHeldError           another process is writing the same artifact
├── StorageError            an artifact cannot be written: disk full, read-only, no permission
├── TrainingError           a job could not be trained
│   └── FamilyError         a model family is not installed, or what is installed is none
├── RunError                a run that the daemon executed for a command did not succeed
└── UnsafeNameError         a target or symbol name cannot become a path or a partition key
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where it stands, what was found, and what would be right."""

    field: str
    what: str
    value: object = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        found = "" if self.value is None else f" (found {_shorten(self.value)})"
        return f"{place}{self.field}: {self.what}{found}" if self.field else f"{place}{self.what}{found}"


class FoxmlError(Exception):
    """An expected failure. It names the file, every problem in it, and the fix."""

    def __init__(
        self, summary: str, *, file: Path | None = None, problems: Sequence[Problem] = (), fix: str = ""
    ) -> None:
        self.summary = summary
        self.file = file
        self.problems = tuple(problems)
        self.fix = fix
        super().__init__(summary)

    def __str__(self) -> str:
        head = f"{self.file}: {self.summary}" if self.file else self.summary
        lines = [head, *(f"  - {problem}" for problem in self.problems)]
        if self.fix:
            lines.append(f"  Fix: {self.fix}")
        return "\n".join(lines)


class ConfigError(FoxmlError):
    """A config file is missing, malformed or holds values out of range."""


class PanelError(FoxmlError):
    """The panel cannot be read or does not hold what the config says."""


class BuilderError(FoxmlError):
    """A registered feature builder cannot be imported, fails, or does not do what it must to be replayed."""


class EvidenceError(FoxmlError):
    """A feature-selection artifact is missing or malformed."""


class DetectorError(EvidenceError):
    """A leakage detector is not installed, what its entry point names is none, or its answer is wrong."""


class CandidatesError(FoxmlError):
    """The routing candidates cannot be used as a whole (single bad rows are quarantined instead)."""


class RoutingPlanError(FoxmlError):
    """The routing plan cannot be read, or its hash does not match its content."""


class FdrHistoryError(FoxmlError):
    """The history of false-discovery control is lost, cannot be read, or moved on meanwhile."""


class PlanError(FoxmlError):
    """The master training plan cannot be used."""


class PlanMissingError(PlanError):
    """There is no master training plan."""


class PlanCorruptError(PlanError):
    """The master training plan cannot be parsed or is of another schema."""


class PlanInconsistentError(PlanError):
    """The master training plan contradicts itself or its routing plan."""


class PlanStaleError(PlanError):
    """The master training plan was made from other inputs than the current ones."""


class LockHeldError(FoxmlError):
    """Another living process is writing the same artifact."""


class StorageError(FoxmlError):
    """The file system refused a write; what was there before is still there."""


class TrainingError(FoxmlError):
    """A job could not be trained."""


class FamilyError(TrainingError):
    """A model family is not installed, or what its entry point names is none."""


class RunError(FoxmlError):
    """A run that the daemon executed for a command failed or was terminated."""


class UnsafeNameError(FoxmlError):
    """A target or symbol name cannot be turned into a path or a partition key."""


def _shorten(value: object, limit: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
