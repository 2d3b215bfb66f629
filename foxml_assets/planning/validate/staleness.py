"""Whether a plan was made from the inputs that are current now, and which of them moved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from foxml_assets.core.errors import Problem
from foxml_assets.planning.plan.data_hashes import DataHashes, data_hash
from foxml_assets.planning.plan.master_plan import ABSENT, Job, MasterPlan, TrainingHashes
from foxml_assets.routing.candidates.candidates import candidates_hash
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import find_table

_MOST_NAMED = 5


@dataclass(frozen=True)
class CurrentInputs:
    """Hashes of what is current. None: not compared. ABSENT: looked for, and not there.

    A planned target or symbol that `data_hashes` lacks counts as absent. Of `training_hashes` the families of
    the plan are compared.
    """

    routing_plan_hash: str | None = None
    candidates_hash: str | None = None
    config_hash: str | None = None
    training_hashes: TrainingHashes | None = None
    data_hashes: DataHashes | None = None


@dataclass(frozen=True)
class StaleInput:
    """One input that is not the one the plan was made from."""

    name: str
    planned: str
    current: str

    @property
    def problem(self) -> Problem:
        """The same, as a line of an error."""
        return Problem(self.name, f"planned from {_short(self.planned)}, now {_short(self.current)}")


def current_candidates_hash(layout: Layout) -> str:
    """The hash of the candidates on disk, verified against their content. Raises CandidatesError."""
    if find_table(layout.routing_candidates) is None:
        return ABSENT
    return candidates_hash(read_candidates(layout.routing_candidates))


def stale_inputs(plan: MasterPlan, current: CurrentInputs) -> tuple[StaleInput, ...]:
    """The inputs of `plan` that are no longer the current ones; empty if the plan is fresh."""
    made = plan.metadata
    compared = (
        ("routing plan", made.routing_plan_hash, current.routing_plan_hash),
        ("routing candidates", made.candidates_hash, current.candidates_hash),
        ("routing policy", made.config_hash, current.config_hash),
        *_compared_settings(plan.metadata.training_hashes, current.training_hashes),
    )
    moved = [StaleInput(name, old, new) for name, old, new in compared if new is not None and new != old]
    return (*moved, *_stale_data(plan, current.data_hashes))


def _compared_settings(
    made: TrainingHashes, current: TrainingHashes | None
) -> Iterator[tuple[str, str, str]]:
    if current is not None:
        yield "training settings", made.settings, current.settings
        for family, hash_ in sorted(made.families.items()):
            yield f"parameters of {family}", hash_, current.of(family)


def _stale_data(plan: MasterPlan, hashes: DataHashes | None) -> Iterator[StaleInput]:
    """The moved data of each target, by one of its jobs: the pooled one if it is among them."""
    if hashes is None:
        return
    for target, jobs in sorted(plan.jobs_by_target.items()):
        now = (data_hash(hashes, target, job.symbol, job.excluded_symbols) for job in jobs)
        moved = [(job, hash_) for job, hash_ in zip(jobs, now, strict=True) if hash_ != job.data_hash]
        if moved:
            moved.sort(key=lambda one: one[0].symbol or "")
            first, current = moved[0]
            name = f"data of {target}{_on_symbols([job for job, _ in moved])}"
            yield StaleInput(name, first.data_hash, current)


def _on_symbols(moved: Sequence[Job]) -> str:
    """Of which symbols a target's data moved, where it is not all that the pooled model learns from."""
    symbols = [job.symbol for job in moved if job.symbol is not None]
    if len(symbols) < len(moved):
        return ""
    more = f" and {len(symbols) - _MOST_NAMED} more" if len(symbols) > _MOST_NAMED else ""
    return f" on {', '.join(symbols[:_MOST_NAMED])}{more}"


def _short(hash_: str) -> str:
    return hash_[:12] or "nothing"
