"""`foxml status`: what is planned, trained, failed, not reached and stale, and why; and what came of it."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from foxml_assets.commands.console import console, make_table
from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.evidence.evaluating.stale import outdated_targets
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.validate.staleness import stale_inputs
from foxml_assets.reporting.job_states import STATE_HEADER, state_rows, unfinished_lines
from foxml_assets.reporting.model_lines import family_times, model_lines
from foxml_assets.reporting.promises import promise_words
from foxml_assets.reporting.report_markdown import TIME_HEADER, time_rows
from foxml_assets.run_inputs import RunInputs
from foxml_assets.storage.tables import find_table
from foxml_assets.training.models.inventory import Inventory, take_inventory
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.training.models.retired import RetiredModel, retired_models
from foxml_assets.workspace import current_workspace

_MAX_LISTED = 20


def print_status(root: Path | None, config_dir: Path | None) -> int:
    """Print the state of the plan and its jobs. Returns 0.

    Raises PlanError without a usable plan, and TrainingError.
    """
    workspace = current_workspace(root, config_dir)
    plan = load_master_training_plan(workspace.layout.master_plan)
    inputs = workspace.read_inputs()
    inventory = take_inventory(plan.jobs, inputs.model_context())
    stale = stale_inputs(plan, inputs.read_basis().current)
    console.print(f"Plan {plan.metadata.plan_hash[:12]} of {plan.metadata.generated_at}")
    if stale:
        console.print("The plan is stale and training from it is refused:", style="red")
        for item in stale:
            console.print(f"  {item.problem}", style="red")
        console.print("  Fix: foxml run --until plan")
    print_outdated_evidence(inputs)
    console.print(_counts(inventory))
    retired = retired_models(workspace.layout)
    _print_unfinished(inventory, len(retired))
    promised = promise_words(model_lines(inventory.jobs, workspace.layout))
    if promised:
        console.print(promised, soft_wrap=True)
    times = make_table(*TIME_HEADER, title="Training time by family, on one thread")
    for row in time_rows(family_times(inventory.jobs, workspace.layout)):
        times.add_row(*map(str, row))
    if times.row_count:
        console.print(times)
    _print_retired(retired)
    return 0


def print_outdated_evidence(inputs: RunInputs) -> None:
    """Say how many targets have evidence of other data, settings or code, if any have and the plan rests on
    it."""
    is_imported = find_table(inputs.layout.imported_candidates) is not None
    if inputs.panel is None or is_imported:
        return
    outdated = outdated_targets(inputs.panel, inputs.data, inputs.layout)
    if outdated:
        number = f"{len(outdated):,} of {len(inputs.panel.targets):,} targets"
        what = f"The evidence of {number} is of other data, settings or code than there are now"
        console.print(f"{what}, and so are routes and plan. Fix: foxml run", style="red", soft_wrap=True)


def _print_unfinished(inventory: Inventory, retired: int) -> None:
    """Why each state has its jobs, then the first of these jobs."""
    unfinished = unfinished_lines(inventory.jobs)
    if not unfinished and not inventory.orphans:
        return
    table = make_table(*STATE_HEADER, title="Planned against trained")
    orphans = len(inventory.orphans)
    for name, jobs, why in state_rows(len(inventory.jobs), unfinished, retired=retired, orphans=orphans):
        table.add_row(str(name), str(jobs), Text(str(why)))
    console.print(table)
    for line in unfinished[:_MAX_LISTED]:
        console.print(Text(f"  {line.job_id}: {line.state.words}. {line.reason}"))
    if len(unfinished) > _MAX_LISTED:
        console.print(f"  and {len(unfinished) - _MAX_LISTED} more")


def _print_retired(models: Sequence[RetiredModel]) -> None:
    if models:
        console.print(f"{len(models):,} retired models, which come back with their jobs:")
    for model in models[:_MAX_LISTED]:
        console.print(Text(f"  {model.described}"), soft_wrap=True)
    if len(models) > _MAX_LISTED:
        console.print(f"  and {len(models) - _MAX_LISTED} more")


def _counts(inventory: Inventory) -> Table:
    table = make_table("jobs", *(state.words for state in ModelState), "all")
    for kind in TrainingType:
        own = [status.state for status in inventory.jobs if status.job.training_type is kind]
        cells = [str(own.count(state)) for state in ModelState]
        table.add_row(kind.value.replace("_", " "), *cells, str(len(own)))
    return table
