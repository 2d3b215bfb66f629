"""Stages executed by the process that asks for them, as Dagster runs in the order of the pipeline."""

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg

from foxml_assets.defs.assets.inputs import observe_inputs
from foxml_assets.defs.assets.panel import is_panel_current
from foxml_assets.defs.checking.standing_plan import plan_run
from foxml_assets.defs.running.claims import Role, claimed
from foxml_assets.defs.running.held_databases import databases_held_open
from foxml_assets.defs.running.ledger import ledger_of, names_in
from foxml_assets.defs.running.origin import adopt_origin
from foxml_assets.defs.running.runs import child_tags, command_tags
from foxml_assets.defs.running.stage_runs import QUIET, StageRun, evidence_run
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.stages import Stage
from foxml_assets.storage.locks import hold_lock
from foxml_assets.workspace import Workspace

_log = logging.getLogger(__name__)


def stages(
    instance: dg.DagsterInstance, workspace: Workspace, until: Stage
) -> Iterator[tuple[str, StageRun]]:
    """The runs that make the stages up to `until`, but for training, each with its title, to be executed
    before the next is asked for: which targets are stale is known when the panel is made.

    Raises ConfigError, PanelError.
    """
    ledger = ledger_of(workspace, instance)
    observe_inputs(ledger, workspace)
    is_imported = workspace.has_imported_candidates() and until.includes(Stage.CANDIDATES)
    needs_panel = not is_imported or until is Stage.TRAINING
    if needs_panel and is_panel_current(ledger, workspace):
        _log.info("Panel: up to date with its source")
    elif needs_panel:
        yield Stage.PANEL.heading, StageRun(Stage.PANEL.assets)
    if is_imported:
        _log.info("Candidates were imported and stand in for the evidence")
    elif until.includes(Stage.EVIDENCE):
        yield from _evidence(instance, workspace)
    if until.includes(Stage.CANDIDATES):
        run = plan_run(ledger, workspace, until)
        if run is None:
            _log.info("Training plan: up to date with configs and evidence")
        else:
            yield run


@contextmanager
def sole_command(workspace: Workspace, command: str) -> Iterator[str]:
    """Be the only command that launches runs over `workspace`, whose sensors wait. Yields its claim.

    Raises LockHeldError if another is at work.
    """
    lock = hold_lock(workspace.layout.metrics / ".command.lock", purpose="running the pipeline of this root")
    claim = uuid.uuid4().hex
    with lock, claimed(workspace.root, claim, Role.COMMAND, command):
        yield claim


def execute_here(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    workspace: Workspace,
    run: StageRun,
    *,
    within: dg.DagsterRun | None = None,
    config: Mapping[str, object] | None = None,
    raise_on_error: bool,
) -> dg.ExecuteInProcessResult:
    """Execute `run` of `job` in this process, which claims it; a run without assets is the whole job.

    It belongs to the code location of the run `within` which it is executed, if there is one.
    """
    # Chosen here, because the claim must stand before Dagster makes the run: see `end_lost_runs`.
    run_id, names = str(uuid.uuid4()), names_in(workspace)
    marks = command_tags(workspace.root) if within is None else child_tags(workspace.root, within)
    with claimed(workspace.root, run_id, Role.RUN, "executing a run"), databases_held_open():
        result = job.execute_in_process(
            instance=instance,
            asset_selection=names.keys(run.assets) or None,
            tags={**run.tags, **marks},
            run_config={**QUIET, **run.config(names), **(config or {})},
            run_id=run_id,
            raise_on_error=raise_on_error,
        )
    if within is not None:
        adopt_origin(instance, run_id, within)
    return result


def _evidence(instance: dg.DagsterInstance, workspace: Workspace) -> Iterator[tuple[str, StageRun]]:
    inputs = workspace.read_inputs()
    info = inputs.require_panel()
    stale = stale_targets(info, inputs.data, inputs.layout)
    if not stale:
        _log.info("Evidence: every target is up to date")
        return
    names = [spec.name for spec in info.targets]
    yield (
        f"{Stage.EVIDENCE.heading} for {len(stale)} targets",
        evidence_run(ledger_of(workspace, instance), names, set(stale)),
    )
