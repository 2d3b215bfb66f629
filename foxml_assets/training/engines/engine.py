"""What runs the jobs of a batch: one interface, whatever stands behind it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.outcome import JobOutcome

# How a job that was begun ended: an error is one that nothing foresaw, as a bug in a library.
Ending = tuple[Job, JobOutcome | Exception]


class Engine(Protocol):
    """Runs jobs side by side."""

    def describe(self) -> str:
        """What it has to run them on now. Raises EngineError if that cannot be reached."""

    def train(self, jobs: Sequence[Job], context: TrainingContext, *, seconds: float) -> Iterator[Ending]:
        """Begin `jobs` in the given order, and yield each as it ends.

        After `seconds` no further job is begun; one that was not is not yielded. When the caller stops asking
        (an interrupt included), no further fit is started. Raises FoxmlError where no job can be begun.
        """
