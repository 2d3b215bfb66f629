"""Everything that must hold of a plan on disk, as named checks whose results are values."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
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

MAX_SHOWN = 20


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
    """The results of all checks that could be made."""

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
    targets: Collection[str] | None = None,
    symbols: Collection[str] | None = None,
) -> Validation:
    """Check `plan`, the master plan of `layout`, against everything it must agree with.

    The routing plan and the names of the panel are checked where they are given.
    """
    results = [
        CheckResult(PlanCheck.STRUCTURE, structure_problems(plan)),
        CheckResult(PlanCheck.HASHES, hash_problems(plan)),
    ]
    if routing is not None:
        results.append(CheckResult(PlanCheck.ROUTING, routing_problems(plan, routing)))
    if targets is not None and symbols is not None:
        results.append(CheckResult(PlanCheck.NAMES, name_problems(plan, targets, symbols)))
    files = tree_problems(plan_tree(plan), layout.training_plan_dir)
    stale = tuple(item.problem for item in stale_inputs(plan, current))
    return Validation(
        (
            *results,
            CheckResult(PlanCheck.FAMILIES, family_problems(plan, policy)),
            CheckResult(PlanCheck.FILES, files),
            CheckResult(PlanCheck.FRESHNESS, stale),
        )
    )


def hash_problems(plan: MasterPlan) -> tuple[Problem, ...]:
    """The plan hash and every spec hash, computed again."""
    return tuple(islice(_hash_problems(plan), MAX_PROBLEMS))


def name_problems(
    plan: MasterPlan, targets: Collection[str], symbols: Collection[str]
) -> tuple[Problem, ...]:
    """Planned targets and symbols, excluded ones too, that the panel does not have."""
    planned = {job.symbol for job in plan.jobs if job.symbol is not None}
    planned |= {item.symbol for job in plan.jobs for item in job.excluded_symbols}
    unknown_targets = sorted(plan.jobs_by_target.keys() - set(targets))
    unknown_symbols = sorted(planned - set(symbols))
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


def _hash_problems(plan: MasterPlan) -> Iterator[Problem]:
    actual = plan_hash(plan.metadata, plan.jobs, plan.summary)
    if actual != plan.metadata.plan_hash:
        yield Problem("$.metadata.plan_hash", f"the content has the hash {actual}", plan.metadata.plan_hash)
    for number, job in enumerate(plan.jobs):
        expected = spec_hash(job, plan.metadata.training_hash)
        if job.spec_hash != expected:
            yield Problem(f"$.jobs[{number}].spec_hash", f"the spec has the hash {expected}", job.spec_hash)
