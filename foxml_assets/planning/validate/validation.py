"""Everything that must hold of a plan on disk, as a report."""

from dataclasses import dataclass

from foxml_assets.core.markdown import escape, table
from foxml_assets.planning.plan.encoding import encode
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.tree import tree_problems
from foxml_assets.planning.validate.plan_checks import Basis, CheckResult, PlanCheck, check_plan
from foxml_assets.storage.layout import Layout

MAX_SHOWN = 20


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
        parts: list[str] = [table(("check", "outcome", "first problem"), self.rows())]
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


def validate_plan(plan: MasterPlan, layout: Layout, basis: Basis) -> Validation:
    """Check `plan`, the master plan of `layout`, and the files made of it, against all it must agree with."""
    found = {result.check: result for result in check_plan(plan, basis)}
    files = tree_problems(plan, layout.training_plan_dir)
    found[PlanCheck.FILES] = CheckResult(PlanCheck.FILES, files)
    return Validation(tuple(found[check] for check in PlanCheck))
