"""What changed between two plans, and why, as a value."""

from collections.abc import Iterator

import msgspec

from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.diff.change_causes import (
    Cause,
    FieldChange,
    InputChange,
    MovedInputs,
    moved_inputs,
)
from foxml_assets.planning.plan.master_plan import Job, JobMetadata, MasterPlan


class JobEntry(msgspec.Struct, frozen=True):
    """A job that only one of the plans has."""

    job_id: str
    target: str
    symbol: str | None
    route: Route
    priority: int
    causes: tuple[Cause, ...]


class JobChange(msgspec.Struct, frozen=True):
    """A job that differs between the plans. `retrains`: the models it had are no longer the planned ones."""

    job_id: str
    target: str
    symbol: str | None
    fields: tuple[FieldChange, ...]
    causes: tuple[Cause, ...]
    retrains: bool


class PlanDiff(msgspec.Struct, frozen=True):
    """All differences in what two plans say. Wording, time and run do not count."""

    old_plan_hash: str | None
    new_plan_hash: str
    inputs: tuple[InputChange, ...]
    added: tuple[JobEntry, ...]
    removed: tuple[JobEntry, ...]
    changed: tuple[JobChange, ...]

    @property
    def has_changes(self) -> bool:
        """Whether any job differs."""
        return bool(self.added or self.removed or self.changed)

    @property
    def exit_code(self) -> int:
        """0 without changes, 2 with changes."""
        return 2 if self.has_changes else 0


_COMPARED = ("job_id", "route", "model_families", "priority", "task_type", "horizon_minutes", "features")


def diff_plans(old: MasterPlan | None, new: MasterPlan) -> PlanDiff:
    """The differences from `old` to `new`. Jobs of the same target and symbol are the same job."""
    before = old.jobs_by_pair if old is not None else {}
    after = new.jobs_by_pair
    moved = moved_inputs(old, new)
    changes = (_change(before[pair], job, moved) for pair, job in after.items() if pair in before)
    return PlanDiff(
        old_plan_hash=old.metadata.plan_hash if old is not None else None,
        new_plan_hash=new.metadata.plan_hash,
        inputs=moved.changes,
        added=tuple(_entry(job, moved) for pair, job in after.items() if pair not in before),
        removed=tuple(_entry(job, moved) for pair, job in before.items() if pair not in after),
        changed=tuple(change for change in changes if change is not None),
    )


def _entry(job: Job, moved: MovedInputs) -> JobEntry:
    return JobEntry(
        job_id=job.job_id,
        target=job.target,
        symbol=job.symbol,
        route=job.route,
        priority=job.priority,
        causes=moved.causes_of_presence(job.target),
    )


def _change(old: Job, new: Job, moved: MovedInputs) -> JobChange | None:
    fields = tuple(_field_changes(old, new))
    retrains = old.spec_hash != new.spec_hash
    if not fields and not retrains:
        return None
    return JobChange(
        job_id=new.job_id,
        target=new.target,
        symbol=new.symbol,
        fields=fields,
        causes=moved.causes_of_change(new, fields, retrains=retrains),
        retrains=retrains,
    )


def _field_changes(old: Job, new: Job) -> Iterator[FieldChange]:
    if old == new:
        return
    for name in _COMPARED:
        if getattr(old, name) != getattr(new, name):
            yield FieldChange(name, getattr(old, name), getattr(new, name))
    left_out = tuple(tuple(item.symbol for item in job.excluded_symbols) for job in (old, new))
    if left_out[0] != left_out[1]:
        yield FieldChange("excluded_symbols", *left_out)
    if old.data_hash != new.data_hash:
        yield FieldChange("data_hash", old.data_hash, new.data_hash)
    for name in JobMetadata.__struct_fields__:
        values = getattr(old.metadata, name), getattr(new.metadata, name)
        if values[0] != values[1]:
            yield FieldChange(f"metadata.{name}", *values)
