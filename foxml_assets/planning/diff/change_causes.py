"""Which inputs moved between two plans, and which of them can have changed a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.plan.master_plan import Job, MasterPlan, PlanMetadata


class Cause(StrEnum):
    """An input whose change can have led to a change of a job."""

    FIRST_PLAN = "first plan"
    EVIDENCE = "evidence moved"
    POLICY = "policy changed"
    DATA = "data changed"
    TRAINING = "training settings changed"
    CODE = "code changed"


class InputChange(msgspec.Struct, frozen=True):
    """An input of the plan that moved, by its name in the plan's metadata."""

    name: str
    old: str | None
    new: str | None


class FieldChange(msgspec.Struct, frozen=True):
    """One field of a job, by its path within the job, and its two values."""

    field: str
    old: object
    new: object


_SETTINGS = "training_hashes.settings"

# What a job says about its own evidence; no policy can change it.
_EVIDENCE_FIELDS = frozenset(
    {
        "task_type",
        "horizon_minutes",
        "metadata.score",
        "metadata.sample_size",
        "metadata.score_metric",
    }
)


@dataclass(frozen=True)
class MovedInputs:
    """What moved between two plans.

    `data`: the targets whose data did, with the data hash of one of their jobs before and after.
    """

    is_first: bool
    changes: tuple[InputChange, ...]
    data: Mapping[str, tuple[str, str]]

    def causes_of_presence(self, target: str) -> tuple[Cause, ...]:
        """Why a job of `target` came or went."""
        if self.is_first:
            return (Cause.FIRST_PLAN,)
        return _causes(
            (Cause.EVIDENCE, self._moved("candidates_hash")),
            (Cause.POLICY, self._moved("config_hash")),
            (Cause.DATA, target in self.data),
        )

    def causes_of_change(
        self, job: Job, fields: Sequence[FieldChange], *, retrains: bool
    ) -> tuple[Cause, ...]:
        """Why `fields` of what is now `job` changed; `retrains` if its spec did.

        A decision that changed while both evidence and policy moved has both as causes.
        """
        # An id can change for another job's sake: one that would have the same id comes or goes.
        names = {change.field for change in fields} - {"job_id"}
        is_decision = bool(names - _EVIDENCE_FIELDS - {"data_hash"})
        return _causes(
            (Cause.EVIDENCE, self._moved("candidates_hash") and bool(names - {"data_hash"})),
            (Cause.POLICY, self._moved("config_hash") and is_decision),
            (Cause.DATA, "data_hash" in names and job.target in self.data),
            (Cause.TRAINING, retrains and self._settings_moved(job)),
        )

    def _settings_moved(self, job: Job) -> bool:
        return self._moved(_SETTINGS) or any(self._moved(_parameters(it)) for it in job.model_families)

    def _moved(self, name: str) -> bool:
        return any(change.name == name for change in self.changes)


def moved_inputs(old: MasterPlan | None, new: MasterPlan) -> MovedInputs:
    """The inputs that differ between two plans."""
    if old is None:
        return MovedInputs(is_first=True, changes=(), data={})
    before, after = _inputs(old.metadata), _inputs(new.metadata)
    # Parameters of a family that only one of the plans trains have not moved.
    moved = tuple(
        InputChange(it, before[it], after[it]) for it in after if before.get(it, after[it]) != after[it]
    )
    data = _moved_data(old, new)
    moved_data = (InputChange(f"data of {target}", one, two) for target, (one, two) in sorted(data.items()))
    return MovedInputs(is_first=False, changes=(*moved, *moved_data), data=data)


def _inputs(made: PlanMetadata) -> dict[str, str | None]:
    """What a plan was made from, by its name in the metadata."""
    hashes = made.training_hashes
    return {
        "candidates_hash": made.candidates_hash,
        "config_hash": made.config_hash,
        _SETTINGS: hashes.settings,
        **{_parameters(family): hash_ for family, hash_ in sorted(hashes.families.items())},
        "git_commit": made.git_commit,
    }


def _causes(*asked: tuple[Cause, bool]) -> tuple[Cause, ...]:
    return tuple(cause for cause, holds in asked if holds) or (Cause.CODE,)


def _parameters(family: ModelFamily) -> str:
    return f"training_hashes.families.{family}"


def _moved_data(old: MasterPlan, new: MasterPlan) -> dict[str, tuple[str, str]]:
    before, found = old.jobs_by_pair, dict[str, tuple[str, str]]()
    for job in new.jobs:
        earlier = before.get((job.target, job.symbol))
        # A pooled job that leaves out other symbols learns from other rows, whatever became of the data.
        if earlier is None or earlier.excluded_symbols != job.excluded_symbols:
            continue
        if earlier.data_hash != job.data_hash:
            found.setdefault(job.target, (earlier.data_hash, job.data_hash))
    return found
