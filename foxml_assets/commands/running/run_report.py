"""The short report at the end of a run: routes, jobs, the best models, and where everything is."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from rich.table import Table
from rich.text import Text

from foxml_assets.auditing.pages.audit_text import route_words
from foxml_assets.commands.audit import print_audit
from foxml_assets.commands.console import console, make_table
from foxml_assets.reporting.promises import promise_words
from foxml_assets.reporting.report import TrainingReport
from foxml_assets.reporting.report_files import markdown_path
from foxml_assets.reporting.report_markdown import above_chance, has_scores, skill_words, told_from_chance
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.workspace import Workspace

_BEST = 12
_MAX_UNFINISHED = 10


def print_report(workspace: Workspace, not_reached: Mapping[str, str] = MappingProxyType({})) -> None:
    """Print what `training_report.json` says, and why each job, by id, was left for the next command."""
    report = msgspec.json.decode(workspace.layout.training_report.read_bytes(), type=TrainingReport)
    console.rule(Text("Result", style="bold"), align="left", style="dim")
    console.print(_routes(report))
    console.print(above_chance(report))
    if report.models:
        console.print(_best(report))
    trained = report.jobs_by_state[ModelState.TRAINED]
    console.print(f"{trained} of {report.jobs_planned} planned jobs are trained")
    if promised := promise_words(report.models):
        console.print(promised, soft_wrap=True)
    _print_audit(workspace, report)
    unfinished = [line for line in report.unfinished if line.job_id not in not_reached]
    for line in unfinished[:_MAX_UNFINISHED]:
        console.print(f"  {line.job_id}: {line.state.words}, {line.reason}", style="red")
    if len(unfinished) > _MAX_UNFINISHED:
        console.print(f"  and {len(unfinished) - _MAX_UNFINISHED} more, see the report")
    for why, jobs in Counter(not_reached.values()).items():
        console.print(f"Not reached: {jobs:,} jobs, {why}", style="yellow")
    if not_reached:
        console.print(f"Go on    {workspace.command('train')}", soft_wrap=True)
    console.print(f"Report   {markdown_path(workspace.layout)}", soft_wrap=True)
    if workspace.layout.master_plan.is_file():
        console.print(f"Plan     {workspace.layout.master_plan}", soft_wrap=True)
    console.print(f"Models   {workspace.layout.models}", soft_wrap=True)
    browse = f"Browse   {workspace.command('dev')} opens the Dagster UI over the same runs"
    console.print(browse, soft_wrap=True)


def _print_audit(workspace: Workspace, report: TrainingReport) -> None:
    """Print the audit of this plan, or which command makes it."""
    if report.audit is not None:
        print_audit(report.audit)
    elif has_scores(report) and workspace.layout.master_plan.is_file():
        audit_command = workspace.command("audit --baselines")
        console.print(
            f"Worth it?  {audit_command} compares the plan with training everything",
            soft_wrap=True,
        )


def _routes(report: TrainingReport) -> Table:
    header = ("route", "pairs", "scored", "above chance", "below", "mean skill")
    table = make_table(*header, title="Pairs by route")
    skills = {line.route: line for line in report.routes}
    for route, pairs in report.pairs_by_route.items():
        line = skills.get(route)
        name = route_words(route)
        if line is None:
            table.add_row(name, str(pairs), "", "", "", "")
        else:
            counts = (str(line.scored), *told_from_chance(line))
            table.add_row(name, str(pairs), *counts, skill_words(line.mean_skill))
    return table


def _best(report: TrainingReport) -> Table:
    header = ("target", "model", "family", "metric", "hold-out", "evidence")
    table = make_table(*header, title="Best model per target, out of sample")
    ranked = [line.best for line in report.targets if line.best is not None]
    for line in sorted(ranked, key=lambda line: -line.skill)[:_BEST]:
        evidence = "" if line.evidence_score is None else f"{line.evidence_score:.3f}"
        model = Text(line.symbol or "pooled")
        table.add_row(Text(line.target), model, line.family, line.metric.value, f"{line.score:.3f}", evidence)
    return table
