"""What must hold of a plan that is trained from, as named checks. Validation and the gate share this list."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import islice

from foxml_assets.core.errors import Problem
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.planning.plan.data_hashes import data_hashes
from foxml_assets.planning.plan.json_problems import MAX_PROBLEMS
from foxml_assets.planning.plan.master_plan import ABSENT, MasterPlan, TrainingHashes
from foxml_assets.planning.plan.specs import spec_hashes
from foxml_assets.planning.plan.structure import structure_problems
from foxml_assets.planning.validate.family_check import family_problems
from foxml_assets.planning.validate.job_columns import place_jobs
from foxml_assets.planning.validate.routing_check import routing_problems
from foxml_assets.planning.validate.staleness import CurrentInputs, current_candidates_hash, stale_inputs
from foxml_assets.routing.plan.plan_reading import find_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

_NO_ROUTING = (
    Problem("routing plan", "is not there, so the plan cannot be held against it: foxml run --until routing"),
)
_NO_PANEL = (
    Problem("panel", "is not there, so no target and symbol can be known: foxml run --until evidence"),
)


class PlanCheck(StrEnum):
    """What is checked, in the order in which it is reported."""

    STRUCTURE = "ids, order and summary"
    HASHES = "hashes"
    ROUTING = "agreement with the routing plan"
    NAMES = "agreement with the panel"
    FAMILIES = "model families and priorities"
    FILES = "mirrors and views"
    FRESHNESS = "freshness"


@dataclass(frozen=True)
class CheckResult:
    """One check and what it found; nothing found is a pass."""

    check: PlanCheck
    problems: tuple[Problem, ...]

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class Basis:
    """What a plan must agree with. `routing` and `panel` are None where there is none."""

    routing: RoutingPlan | None
    policy: RoutingPolicy
    panel: PanelInfo | None
    current: CurrentInputs


def read_basis(
    layout: Layout, policy: RoutingPolicy, panel: PanelInfo | None, training_hashes: TrainingHashes
) -> Basis:
    """The routing plan and candidates on disk, verified against their hashes, and what is given.

    Raises RoutingPlanError or CandidatesError for one that is there but cannot be used.
    """
    routing = find_routing_plan(layout)
    current = CurrentInputs(
        routing_plan_hash=routing.metadata.routing_plan_hash if routing else ABSENT,
        candidates_hash=current_candidates_hash(layout),
        config_hash=policy.config_hash(),
        training_hashes=training_hashes,
        data_hashes=data_hashes(panel),
    )
    return Basis(routing, policy, panel, current)


def check_plan(plan: MasterPlan, basis: Basis) -> tuple[CheckResult, ...]:
    """Every check of `plan` itself; those of the files beside it are validation's.

    A check against what is not there (routing plan, panel, a current hash) fails and says so.
    """
    placed = place_jobs(plan, basis.routing) if basis.routing is not None else None
    found: dict[PlanCheck, Iterable[Problem]] = {
        PlanCheck.STRUCTURE: structure_problems(plan),
        PlanCheck.HASHES: hash_problems(plan),
        PlanCheck.ROUTING: routing_problems(placed) if placed is not None else _NO_ROUTING,
        PlanCheck.NAMES: panel_problems(plan, basis.panel) if basis.panel is not None else _NO_PANEL,
        PlanCheck.FAMILIES: family_problems(placed, basis.policy) if placed is not None else _NO_ROUTING,
        PlanCheck.FRESHNESS: _freshness(plan, basis.current),
    }
    return tuple(
        CheckResult(check, tuple(islice(problems, MAX_PROBLEMS))) for check, problems in found.items()
    )


def hash_problems(plan: MasterPlan) -> Iterator[Problem]:
    """Every spec hash, computed again. The plan's own hash is verified by whatever reads the plan."""
    expected = spec_hashes(plan.jobs, plan.metadata.training_hashes)
    for number, (job, hash_) in enumerate(zip(plan.jobs, expected, strict=True)):
        if job.spec_hash != hash_:
            yield Problem(f"$.jobs[{number}].spec_hash", f"the spec has the hash {hash_}", job.spec_hash)


def panel_problems(plan: MasterPlan, panel: PanelInfo) -> Iterator[Problem]:
    """Planned targets, task types, features and symbols, excluded ones too, that the panel does not have."""
    tasks = {spec.name: spec.task_type for spec in panel.targets}
    planned = {job.symbol for job in plan.jobs if job.symbol is not None}
    planned |= {item.symbol for job in plan.jobs for item in job.excluded_symbols}
    for name in sorted(plan.jobs_by_target.keys() - tasks.keys()):
        yield Problem("target", "is not in the panel", name)
    for name in sorted(planned - set(panel.symbols)):
        yield Problem("symbol", "is not in the panel", name)
    # By identity: jobs that share their features share one tuple, which is looked into once.
    features = {id(job.features): job.features for job in plan.jobs if job.features is not None}
    for name in sorted({name for names in features.values() for name in names} - set(panel.features)):
        yield Problem("feature", "is not a feature of the panel", name)
    for job in plan.jobs:
        task = tasks.get(job.target, job.task_type)
        if job.task_type is not task:
            yield Problem(job.job_id, f"the panel's target is one of {task}", job.task_type.value)


def _freshness(plan: MasterPlan, current: CurrentInputs) -> tuple[Problem, ...]:
    unknown = [field.name for field in fields(current) if getattr(current, field.name) is None]
    return (
        *(Problem(name, "is not known, so the plan cannot be held against it") for name in unknown),
        *(item.problem for item in stale_inputs(plan, current)),
    )
