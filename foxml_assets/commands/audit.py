"""`foxml audit`: the plan against training everything."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from foxml_assets.auditing.baselines import pending_baselines, train_baselines
from foxml_assets.auditing.make_audit import open_contest
from foxml_assets.auditing.pages.audit_files import page_path, picture_path, read_audit
from foxml_assets.auditing.pages.audit_text import SHORT_HEADER, SHORT_LEGEND, notes, short_rows, verdict
from foxml_assets.auditing.routing_audit import RoutingAudit
from foxml_assets.commands.console import console, error_console, make_table, print_bytes, show_progress
from foxml_assets.commands.options import Format
from foxml_assets.commands.running.launch import open_launcher
from foxml_assets.core.stamp import current_stamp
from foxml_assets.defs.running.stage_runs import audit_run
from foxml_assets.training.outcome import OutcomeStatus
from foxml_assets.workspace import Workspace, current_workspace

_MAX_FAILURES = 10


def run_audit(root: Path | None, config_dir: Path | None, form: Format, *, baselines: bool) -> int:
    """Make the audit and print it; with `baselines`, first train what the comparison lacks.

    Returns 0. Raises PlanError without a current plan, and ConfigError.
    """
    workspace = current_workspace(root, config_dir)
    workspace.check_configs()
    show_progress(console if form is Format.TABLE else error_console)
    if baselines:
        _train(workspace)
    _materialize(workspace)
    layout = workspace.layout
    if form is Format.JSON:
        print_bytes(layout.routing_audit.read_bytes())
    elif form is Format.MARKDOWN:
        print_bytes(page_path(layout).read_bytes())
    else:
        print_audit(read_audit(layout))
        console.print(f"Audit    {page_path(layout)}", soft_wrap=True)
        console.print(f"Picture  {picture_path(layout)}", soft_wrap=True)
    return 0


def print_audit(audit: RoutingAudit) -> None:
    """Print the verdict, the table of schemes and what is missing."""
    console.print(Text(verdict(audit), style="bold"))
    console.print(_schemes(audit))
    for note in (SHORT_LEGEND, *notes(audit)):
        console.print(note)


def _schemes(audit: RoutingAudit) -> Table:
    table = make_table(*SHORT_HEADER, title="The plan against training everything, on the hold-out")
    for row in short_rows(audit):
        table.add_row(*row)
    return table


def _train(workspace: Workspace) -> None:
    inputs = workspace.read_inputs()
    training = inputs.training_context()
    contest = open_contest(training, inputs.policy, current_stamp())
    jobs = pending_baselines(contest.baselines, contest.shelf)
    error_console.print(f"Baselines: {len(jobs):,} jobs to train" if jobs else "Baselines: nothing to train")
    failed = [
        outcome for outcome in train_baselines(jobs, training) if outcome.status is OutcomeStatus.FAILED
    ]
    for outcome in failed[:_MAX_FAILURES]:
        error_console.print(f"  {outcome.job.job_id}: {outcome.reason}")
    if len(failed) > _MAX_FAILURES:
        error_console.print(f"  and {len(failed) - _MAX_FAILURES:,} more that could not be trained")


def _materialize(workspace: Workspace) -> None:
    with open_launcher(workspace) as launcher:
        launcher.materialize(audit_run())
