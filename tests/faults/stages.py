"""What the commands do to the files below a root, stage by stage: the bodies of the assets without Dagster.

Each takes a workspace. As commands, they are called with root and config folder as arguments, and end as
`foxml` does: 0 for done, 1 for a typed error that is printed.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from foxml_assets.core.errors import FoxmlError
from foxml_assets.core.stamp import current_stamp
from foxml_assets.importing.user_table import import_candidates
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.planning.diff.changes import diff_plans
from foxml_assets.planning.diff.changes_report import diff_json, diff_markdown
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.store.history import find_plan
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.reporting.make_report import make_report
from foxml_assets.reporting.report_files import write_report
from foxml_assets.routing.candidates.candidates_file import load_candidates, read_candidates, write_candidates
from foxml_assets.routing.decide.fdr_history import read_history
from foxml_assets.routing.decide.router import plan_to_remember, route
from foxml_assets.routing.pages.plan_files import recover_routing_plan, write_routing_plan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.storage.files import write_if_changed
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.models.retired import retire_models
from foxml_assets.training.outcome import OutcomeStatus
from foxml_assets.training.runner import train_jobs
from foxml_assets.training.training_gate import authorise_training
from foxml_assets.workspace import Workspace


def import_table(workspace: Workspace) -> None:
    """Import `candidates.parquet`, which stands beside the root."""
    table = import_candidates(workspace.root.parent / "candidates.parquet").candidates
    write_candidates(table, workspace.layout.imported_candidates)


def plan(workspace: Workspace) -> None:
    """Panel, candidates, routing plan, training plan and diff."""
    build_panel(workspace.data_config(), workspace.layout)
    inputs = workspace.read_inputs()
    layout, policy = inputs.layout, inputs.policy
    write_candidates(load_candidates(layout, inputs.universe).table, layout.routing_candidates)
    recover_routing_plan(layout)
    routed = route(
        read_candidates(layout.routing_candidates),
        policy,
        universe=inputs.universe,
        previous=plan_to_remember(layout, policy),
        history=read_history(layout) if policy.keeps_history() else None,
        stamp=current_stamp(),
    )
    write_routing_plan(routed, layout, policy.output)
    made = build_plan(
        read_routing_plan(layout),
        policy,
        data_hashes=inputs.data_hashes,
        training_hashes=inputs.training_hashes,
        parent_plan_hash=None,
        stamp=current_stamp(),
    )
    write_plan(made, layout, history=policy.output.plan_history)
    current = load_master_training_plan(layout.master_plan)
    retire_models(current, layout, datetime.now(UTC))
    parent = current.metadata.parent_plan_hash
    diff = diff_plans(find_plan(layout, parent) if parent else None, current)
    write_if_changed(layout.plan_diff, diff_json(diff))
    write_if_changed(layout.plan_diff.with_suffix(".md"), diff_markdown(diff).encode())


def train(workspace: Workspace) -> None:
    """Train what the plan lacks, one job after the other; then the report. Raises FoxmlError."""
    inputs = workspace.read_inputs()
    context = inputs.training_context()
    permit = authorise_training(context, inputs.policy, current_stamp())
    pending = pending_jobs(permit.plan, context)
    failed = [one for one in train_jobs(pending, context) if one.status is OutcomeStatus.FAILED]
    routing = read_routing_plan(inputs.layout) if inputs.layout.routing_plan.is_file() else None
    report, scores = make_report(permit.plan, routing, context, inputs.data.evidence.blocks)
    write_report(report, scores, inputs.layout)
    if failed:
        raise FoxmlError("\n".join(f"{one.job.job_id}: {one.reason}" for one in failed))


def run(workspace: Workspace) -> None:
    """Everything."""
    plan(workspace)
    train(workspace)


def import_table_command() -> int:
    return _command(import_table)


def plan_command() -> int:
    return _command(plan)


def train_command() -> int:
    return _command(train)


def run_command() -> int:
    return _command(run)


def _command(stage: Callable[[Workspace], None]) -> int:
    root, config_dir = map(Path, sys.argv[1:])
    try:
        stage(Workspace(root, config_dir))
    except (FoxmlError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
