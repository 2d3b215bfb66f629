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
│   ├── LinkError           a folder below the root is a link, and what it leads to is not the root's
│   └── StoreError          an object store cannot be reached, or refuses
├── TrainingError           a job could not be trained
│   └── FamilyError         a model family is not installed, or what is installed is none
├── EngineError             what is to evaluate targets or run jobs cannot be reached, or is lost
├── RunError                a run that the daemon executed for a command did not succeed
└── UnsafeNameError         a target or symbol name cannot become a path or a partition key
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foxml_assets.core.printable import one_line, printable, without_credentials

_MAX_SHOWN = 20
_MAX_FIELD, _MAX_VALUE, _MAX_WHAT, _MAX_LINE = 160, 120, 400, 1_000
# More than the longest value that a config file may hold.
_MAX_READ = 2_500


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where it stands, what was found, and what would be right.

    `field` and `what` may quote what others wrote; they are kept printable and short.
    """

    field: str
    what: str
    value: object = None
    line: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "field", one_line(self.field, _MAX_FIELD))
        object.__setattr__(self, "what", one_line(self.what, _MAX_WHAT))

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        where = f"{self.field}: " if self.field else ""
        found = "" if self.value is None else f" (found {_quoted(self.value)})"
        return f"{place}{where}{self.what}{found}"


def _quoted(value: object) -> str:
    shown = value[:_MAX_READ] if isinstance(value, str) else repr(value)[:_MAX_READ]
    # Hidden before anything is cut off, as the sign by which credentials are known stands behind them.
    plain = without_credentials(shown)
    return one_line(repr(plain[:_MAX_VALUE]) if isinstance(value, str) else plain, _MAX_VALUE)


class FoxmlError(Exception):
    """An expected failure. It names the file, the problems in it, and the fix.

    `problems` holds all that were found. The text shows the first of them, shortened and printable: file,
    problems and fix may all quote what others wrote.
    """

    def __init__(
        self, summary: str, *, file: Path | None = None, problems: Sequence[Problem] = (), fix: str = ""
    ) -> None:
        self.summary = summary
        self.file = file
        self.problems = tuple(problems)
        self.fix = fix
        super().__init__(summary)

    def __str__(self) -> str:
        head = one_line(self.summary, _MAX_LINE)
        lines = [f"{printable(str(self.file))}: {head}" if self.file else head]
        lines += [f"  - {problem}" for problem in self.problems[:_MAX_SHOWN]]
        if len(self.problems) > _MAX_SHOWN:
            lines.append(f"  and {len(self.problems) - _MAX_SHOWN:,} more")
        if self.fix:
            lines.append(f"  Fix: {one_line(self.fix, _MAX_LINE)}")
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


class LinkError(StorageError):
    """A path below the root leads through a link, so that writing there would change what is elsewhere."""


class StoreError(StorageError):
    """An object store cannot be reached, or refuses to write or read; what was there stands."""


class TrainingError(FoxmlError):
    """A job could not be trained."""


class FamilyError(TrainingError):
    """A model family is not installed, or what its entry point names is none."""


class EngineError(FoxmlError):
    """The engine that is to evaluate targets or run jobs is not installed, cannot be reached, or was lost."""


class RunError(FoxmlError):
    """A run that the daemon executed for a command failed or was terminated."""


class UnsafeNameError(FoxmlError):
    """A target or symbol name cannot be turned into a path or a partition key."""
