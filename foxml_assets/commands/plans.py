"""`foxml validate`, `foxml diff` and `foxml plan`: the plan examined, without Dagster and without writing."""

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from foxml_assets.commands.console import console, make_table, print_bytes
from foxml_assets.commands.options import Format
from foxml_assets.commands.status import print_outdated_evidence
from foxml_assets.core.config_files import load_config
from foxml_assets.core.stamp import current_stamp
from foxml_assets.planning.diff.changes import diff_plans
from foxml_assets.planning.diff.changes_report import (
    HEADER,
    diff_headline,
    diff_json,
    diff_markdown,
    diff_rows,
)
from foxml_assets.planning.diff.preview import preview_plan
from foxml_assets.planning.diff.preview_report import (
    move_rows,
    preview_json,
    preview_markdown,
    route_rows,
    time_rows,
)
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.planning.store.history import find_plan, plan_and_parent
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.routing.decide.fdr_history import read_history
from foxml_assets.routing.plan.plan_reading import find_routing_plan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.fit_times import past_fit_seconds
from foxml_assets.training.models.inventory import ModelStatus, job_statuses
from foxml_assets.training.models.look import look_at
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.training.models.retired import is_retired
from foxml_assets.workspace import Workspace, current_workspace


def print_validation(root: Path | None, config_dir: Path | None, form: Format) -> int:
    """Print every check of the plan. Returns 0 if all passed, else 1. Raises PlanError."""
    found = current_workspace(root, config_dir).read_inputs().validate_plan()
    if form is Format.TABLE:
        _print_table(("check", "outcome", "first problem"), found.rows())
    else:
        print_bytes(found.json() if form is Format.JSON else found.markdown().encode())
    return 0 if found.passed else 1


def print_diff(
    root: Path | None, config_dir: Path | None, old: str | None, new: str | None, form: Format
) -> int:
    """Print what changed from `old` to `new`: plan hashes (or beginnings of one) or files.

    By default from the current plan's parent to the current plan. Returns 0 without changes, 2 with.
    """
    workspace = current_workspace(root, config_dir)
    diff = diff_plans(*_two_plans(workspace, old, new))
    if form is Format.TABLE:
        if diff.has_changes:
            _print_table(HEADER, diff_rows(diff), names=2)
        console.print(diff_headline(diff))
    else:
        print_bytes(diff_json(diff) if form is Format.JSON else diff_markdown(diff).encode())
    return diff.exit_code


def print_preview(
    root: Path | None,
    config_dir: Path | None,
    policy_file: Path | None,
    candidates: Path | None,
    form: Format,
) -> int:
    """Print what a policy or candidates would change; nothing is written. Returns 0 or 2 as `print_diff`."""
    inputs = current_workspace(root, config_dir).read_inputs()
    layout, context = inputs.layout, inputs.model_context()
    policy = load_config(policy_file, RoutingPolicy) if policy_file else inputs.policy
    preview = preview_plan(
        read_candidates(candidates or layout.routing_candidates),
        policy,
        universe=inputs.universe,
        current_routing=find_routing_plan(layout),
        history=read_history(layout) if policy.keeps_history() else None,
        current=load_master_training_plan(layout.master_plan) if layout.master_plan.is_file() else None,
        data_hashes=inputs.data_hashes,
        training_hashes=inputs.training_hashes,
        past_seconds=past_fit_seconds(layout),
        untrained=lambda plan: _untrained(plan, context),
        stamp=current_stamp(),
    )
    if form is Format.TABLE:
        if candidates is None:
            print_outdated_evidence(inputs)
        _print_table(("route", "pairs now", "pairs then"), route_rows(preview))
        if move_rows(preview):
            _print_table(("from", "to", "pairs"), move_rows(preview), names=2)
        header = ("to train", "time on one thread", "measured fits", "guessed", "unknown")
        _print_table(header, time_rows(preview))
        if preview.diff.has_changes:
            _print_table(HEADER, diff_rows(preview.diff, preview.ready), names=2)
        console.print(diff_headline(preview.diff, preview.ready))
    else:
        print_bytes(preview_json(preview) if form is Format.JSON else preview_markdown(preview).encode())
    return preview.diff.exit_code


def _untrained(plan: MasterPlan, context: ModelContext) -> list[Job]:
    """The jobs without a model, also a retired one; unlike `pending_jobs` it writes nothing."""
    layout = context.layout
    statuses = job_statuses(plan.jobs, look_at(plan.jobs, context), layout)

    def lies_ready(job: Job, model: ModelStatus) -> bool:
        return model.state is ModelState.TRAINED or is_retired(job, model.family, layout)

    return [
        status.job for status in statuses if not all(lies_ready(status.job, model) for model in status.models)
    ]


def _two_plans(
    workspace: Workspace, old: str | None, new: str | None
) -> tuple[MasterPlan | None, MasterPlan]:
    """What to compare: what is not named is the current plan, or the parent of the other."""
    if new is None and old is None:
        plan, parent = plan_and_parent(workspace.layout)
        return parent, plan
    after = _plan(workspace, new) if new else load_master_training_plan(workspace.layout.master_plan)
    if old is not None:
        return _plan(workspace, old), after
    earlier = after.metadata.parent_plan_hash
    # The first plan has no parent: everything in it is new.
    return find_plan(workspace.layout, earlier) if earlier else None, after


def _plan(workspace: Workspace, name: str) -> MasterPlan:
    path = Path(name)
    return load_master_training_plan(path) if path.is_file() else find_plan(workspace.layout, name)


def _print_table(header: tuple[str, ...], rows: Sequence[Sequence[object]], names: int = 1) -> None:
    table = make_table(*header, names=names)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)
