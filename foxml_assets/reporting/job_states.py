"""Planned against trained: the jobs of a plan by state, each state with its reasons."""

from collections import Counter
from collections.abc import Iterable, Sequence

from foxml_assets.reporting.report import TrainingReport, UnfinishedLine
from foxml_assets.training.models.inventory import JobStatus
from foxml_assets.training.models.manifest import ModelState

STATE_HEADER = ("", "jobs", "why")
_MAX_REASONS = 3


def unfinished_lines(statuses: Iterable[JobStatus]) -> tuple[UnfinishedLine, ...]:
    """The jobs that are not trained, in the order of the plan."""
    return tuple(
        UnfinishedLine(status.job.job_id, status.job.target, status.job.symbol, status.state, status.reason)
        for status in statuses
        if status.state is not ModelState.TRAINED
    )


def states_of(report: TrainingReport) -> list[Sequence[object]]:
    """The rows of `state_rows` for a report."""
    return state_rows(
        report.jobs_planned, report.unfinished, retired=len(report.retired), orphans=len(report.orphans)
    )


def state_rows(
    planned: int, unfinished: Sequence[UnfinishedLine], *, retired: int, orphans: int
) -> list[Sequence[object]]:
    """A row of STATE_HEADER for what is planned, for what is trained and for each state of the others.

    `retired` counts the models whose jobs have left the plan, `orphans` folders that could not be retired.
    """
    rows: list[Sequence[object]] = [("planned", planned, ""), ("trained", planned - len(unfinished), "")]
    for state in ModelState:
        reasons = Counter(line.reason for line in unfinished if line.state is state)
        if reasons:
            rows.append((state.words, reasons.total(), _why(reasons)))
    if retired:
        rows.append(("retired", "", f"{retired:,} models whose jobs left the plan; they come back with them"))
    if orphans:
        rows.append(("left over", "", f"{orphans:,} folders that no job asks for, not retired so far"))
    return rows


def _why(reasons: Counter[str]) -> str:
    if len(reasons) == 1:
        return next(iter(reasons))
    told = [f"{count:,}: {reason}" for reason, count in reasons.most_common(_MAX_REASONS)]
    more = len(reasons) - len(told)
    return "; ".join([*told, f"and {more:,} other reasons"] if more else told)
