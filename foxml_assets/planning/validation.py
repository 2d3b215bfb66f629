"""Everything that must hold of a plan on disk, as named checks whose results are values."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import islice

import pandas as pd

from foxml_assets.errors import Problem
from foxml_assets.layout import Layout
from foxml_assets.markdown import escape, table
from foxml_assets.planning.assignment import family_rules
from foxml_assets.planning.encoding import encode, plan_hash
from foxml_assets.planning.json_problems import MAX_PROBLEMS
from foxml_assets.planning.plan import MasterPlan
from foxml_assets.planning.routing_check import routing_problems
from foxml_assets.planning.specs import spec_hash
from foxml_assets.planning.staleness import CurrentInputs, stale_inputs
from foxml_assets.planning.structure import structure_problems
from foxml_assets.planning.tree import plan_tree, tree_problems
from foxml_assets.routing.plan import RoutingPlan
from foxml_assets.routing.policy import RoutingPolicy
from foxml_assets.selection.panel_info import PanelInfo

MAX_SHOWN = 20
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
    NAMES = "known targets and symbols"
    FAMILIES = "model families"
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
class Validation:
    """The result of every check; one that could not be made has failed."""

    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results)

    def rows(self) -> list[tuple[str, str, str]]:
        """Table rows: check, outcome, the first problem."""
        return [
            (
                result.check.value,
                "passed" if result.passed else f"{len(result.problems)} problem(s)",
                "" if result.passed else str(result.problems[0]),
            )
            for result in self.results
        ]

    def markdown(self) -> str:
        """The table, and the problems of each failed check."""
        parts = [table(("check", "outcome", "first problem"), self.rows())]
        for result in self.results:
            if not result.passed:
                lines = [f"- {escape(problem)}" for problem in result.problems[:MAX_SHOWN]]
                parts.append("\n".join([f"**{result.check.value}** ({len(result.problems)})", "", *lines]))
        return "\n\n".join(parts) + "\n"

    def json(self) -> bytes:
        """All results and problems as one JSON object."""
        results = [
            {
                "check": result.check,
                "passed": result.passed,
                "problems": [str(problem) for problem in result.problems],
            }
            for result in self.results
        ]
        return encode({"passed": self.passed, "results": results}) + b"\n"


def validate_plan(
    plan: MasterPlan,
    layout: Layout,
    *,
    routing: RoutingPlan | None,
    policy: RoutingPolicy,
    current: CurrentInputs,
    panel: PanelInfo | None,
) -> Validation:
    """Check `plan`, the master plan of `layout`, against everything it must agree with.

    A check against what is not there (`routing`, `panel`, a hash of `current`) fails and says so.
    """
    found = {
        PlanCheck.STRUCTURE: structure_problems(plan),
        PlanCheck.HASHES: hash_problems(plan),
        PlanCheck.ROUTING: _NO_ROUTING if routing is None else routing_problems(plan, routing),
        PlanCheck.NAMES: _NO_PANEL if panel is None else name_problems(plan, panel),
        PlanCheck.FAMILIES: family_problems(plan, policy),
        PlanCheck.FILES: tree_problems(plan_tree(plan), layout.training_plan_dir),
        PlanCheck.FRESHNESS: _freshness_problems(plan, current),
    }
    return Validation(tuple(CheckResult(check, found[check]) for check in PlanCheck))


def hash_problems(plan: MasterPlan) -> tuple[Problem, ...]:
    """The plan hash and every spec hash, computed again."""
    return tuple(islice(_hash_problems(plan), MAX_PROBLEMS))


def name_problems(plan: MasterPlan, panel: PanelInfo) -> tuple[Problem, ...]:
    """Planned targets and symbols, excluded ones too, that the panel does not have."""
    planned = {job.symbol for job in plan.jobs if job.symbol is not None}
    planned |= {item.symbol for job in plan.jobs for item in job.excluded_symbols}
    unknown_targets = sorted(plan.jobs_by_target.keys() - {spec.name for spec in panel.targets})
    unknown_symbols = sorted(planned - set(panel.symbols))
    return (
        *(Problem("target", "is not in the panel", name) for name in unknown_targets),
        *(Problem("symbol", "is not in the panel", name) for name in unknown_symbols),
    )


def family_problems(plan: MasterPlan, policy: RoutingPolicy) -> tuple[Problem, ...]:
    """Jobs with a family that the first matching rule of the policy does not assign to them."""
    jobs = pd.DataFrame(
        {
            "route": [job.route.value for job in plan.jobs],
            "training_type": [job.training_type.value for job in plan.jobs],
            "task_type": [job.task_type.value for job in plan.jobs],
            "state": [
                job.metadata.cs_state if job.symbol is None else job.metadata.local_state for job in plan.jobs
            ],
            "sample_size": pd.array([job.metadata.sample_size for job in plan.jobs], dtype="Int64"),
            "priority": [job.priority for job in plan.jobs],
        }
    )
    allowed = [set(policy.families[index].use) for index in family_rules(jobs, policy)]
    problems = (
        Problem(job.job_id, f"may train {', '.join(sorted(families))}", ", ".join(job.model_families))
        for job, families in zip(plan.jobs, allowed, strict=True)
        if not set(job.model_families) <= families
    )
    return tuple(islice(problems, MAX_PROBLEMS))


def _freshness_problems(plan: MasterPlan, current: CurrentInputs) -> tuple[Problem, ...]:
    unknown = [field.name for field in fields(current) if getattr(current, field.name) is None]
    return (
        *(Problem(name, "is not known, so the plan cannot be held against it") for name in unknown),
        *(item.problem for item in stale_inputs(plan, current)),
    )


def _hash_problems(plan: MasterPlan) -> Iterator[Problem]:
    actual = plan_hash(plan.metadata, plan.jobs, plan.summary)
    if actual != plan.metadata.plan_hash:
        yield Problem("$.metadata.plan_hash", f"the content has the hash {actual}", plan.metadata.plan_hash)
    for number, job in enumerate(plan.jobs):
        expected = spec_hash(job, plan.metadata.training_hash)
        if job.spec_hash != expected:
            yield Problem(f"$.jobs[{number}].spec_hash", f"the spec has the hash {expected}", job.spec_hash)
