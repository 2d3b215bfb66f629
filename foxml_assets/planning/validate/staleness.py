"""Whether a plan was made from the inputs that are current now, and which of them moved."""

from collections.abc import Mapping
from dataclasses import dataclass

from foxml_assets.core.errors import Problem
from foxml_assets.planning.plan.master_plan import ABSENT, MasterPlan
from foxml_assets.routing.candidates.candidates import candidates_hash
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import find_table


@dataclass(frozen=True)
class CurrentInputs:
    """Hashes of what is current. None: not compared. ABSENT: looked for, and not there.

    `data_hashes` is the hash of each target's data; a planned target that it lacks counts as absent.
    """

    routing_plan_hash: str | None = None
    candidates_hash: str | None = None
    config_hash: str | None = None
    training_hash: str | None = None
    data_hashes: Mapping[str, str] | None = None


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
        ("training settings", made.training_hash, current.training_hash),
    )
    moved = [StaleInput(name, old, new) for name, old, new in compared if new is not None and new != old]
    return (*moved, *_stale_data(plan, current.data_hashes))


def _stale_data(plan: MasterPlan, data_hashes: Mapping[str, str] | None) -> list[StaleInput]:
    if data_hashes is None:
        return []
    found: list[StaleInput] = []
    for target, jobs in sorted(plan.jobs_by_target.items()):
        current = data_hashes.get(target, ABSENT)
        planned = sorted({job.data_hash for job in jobs} - {current})
        found.extend(StaleInput(f"data of {target}", hash_, current) for hash_ in planned)
    return found


def _short(hash_: str) -> str:
    return hash_[:12] or "nothing"
