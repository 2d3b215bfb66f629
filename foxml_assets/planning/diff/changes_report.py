"""A plan diff for people and for machines."""

from collections.abc import Sequence, Set

from foxml_assets.core.markdown import render
from foxml_assets.planning.diff.changes import JobChange, PlanDiff
from foxml_assets.planning.plan.encoding import encode

HEADER = ("change", "job", "what", "cause", "retrains")
MAX_ROWS = 200


def diff_headline(diff: PlanDiff, ready: Set[str] = frozenset()) -> str:
    """One line: how many jobs were added, removed and changed, and how many will train anew.

    Here and below, `ready` are the jobs whose models, of the new plan's very spec, lie ready.
    """
    if not diff.has_changes:
        return "No change: both plans hold the same jobs."
    unlike = [entry.job_id for entry in diff.added]
    unlike += [change.job_id for change in diff.changed if change.retrains]
    anew = sum(job_id not in ready for job_id in unlike)
    return (
        f"{len(diff.added)} added, {len(diff.removed)} removed, {len(diff.changed)} changed; "
        f"{anew} to train anew."
    )


def diff_rows(diff: PlanDiff, ready: Set[str] = frozenset()) -> list[tuple[str, str, str, str, str]]:
    """One row per job that differs: change, job id, what differs, cause, whether it trains anew."""
    rows = [
        (
            kind,
            entry.job_id,
            f"{entry.route.value}, priority {entry.priority}",
            _list(entry.causes),
            _retrains(entry.job_id, ready) if kind == "added" else "",
        )
        for kind, entries in (("added", diff.added), ("removed", diff.removed))
        for entry in entries
    ]
    rows.extend(
        (
            "changed",
            change.job_id,
            _what(change),
            _list(change.causes),
            _retrains(change.job_id, ready) if change.retrains else "",
        )
        for change in diff.changed
    )
    return rows


def diff_markdown(diff: PlanDiff, ready: Set[str] = frozenset()) -> str:
    """Headline, moved inputs and the jobs that differ, at most MAX_ROWS of them."""
    return render(
        "planning/diff/training_plan_diff.md.j2",
        diff=diff,
        headline=diff_headline(diff, ready),
        inputs=[(item.name, (item.old or "")[:12], (item.new or "")[:12]) for item in diff.inputs],
        header=HEADER,
        jobs=diff_rows(diff, ready),
        most_jobs=MAX_ROWS,
    )


def diff_json(diff: PlanDiff) -> bytes:
    """The whole diff as one JSON object; the same diff gives the same bytes."""
    return encode(diff) + b"\n"


def _retrains(job_id: str, ready: Set[str]) -> str:
    return "lies ready" if job_id in ready else "yes"


def _what(change: JobChange) -> str:
    if not change.fields:
        return "training settings"
    return "; ".join(f"{item.field}: {_value(item.old)} -> {_value(item.new)}" for item in change.fields)


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return f"[{_list(value)}]" if len(value) <= 5 else f"[{len(value)} items]"
    text = str(value)
    # A hash is told apart by its beginning.
    return text[:12] if len(text) == 64 else text


def _list(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values)
