"""The runs of one root: which are queued or in progress, and which have lost their process.

An instance may hold the runs of other roots and code locations too; they are left alone.
"""

import functools
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from foxml_assets.defs.running.claims import Claim, Role, find_claims, forget_claim, hold_claim, root_id
from foxml_assets.defs.running.ledger import Ledger
from foxml_assets.defs.running.origin import origin_tags, record_origin, repository_tags
from foxml_assets.defs.running.partitions import UNFINISHED
from foxml_assets.workspace import Workspace

ROOT_TAG = "foxml/root"
_PARENT_TAG = "foxml/bootstrap"
_SERVER_TAG = "foxml/requested_by"
# Whether the processes of such a run live is for Dagster's run monitoring to find out.
_SPREAD_TAG = "foxml/a_process_per_step"
# A run that hangs would keep its place in the pool for ever; Dagster's run monitoring ends it.
_MAX_RUNTIME_TAG, _MAX_RUNTIME_SECONDS = "dagster/max_runtime", 24 * 3600
_MAX_SHOWN = 3


def command_tags(root: Path) -> dict[str, str]:
    """The tags of a run that a command executes itself."""
    return {ROOT_TAG: root_id(root), **origin_tags()}


def child_tags(root: Path, parent: dg.DagsterRun) -> dict[str, str]:
    """The tags of a run that another run executes within itself."""
    return {ROOT_TAG: root_id(root), _PARENT_TAG: parent.run_id, **repository_tags(parent)}


def daemon_tags(workspace: Workspace) -> dict[str, str]:
    """The tags of a run that a sensor asks the daemon to execute."""
    server = {_SERVER_TAG: claim_server(workspace)}
    return {ROOT_TAG: root_id(workspace.root), **server, _MAX_RUNTIME_TAG: str(_MAX_RUNTIME_SECONDS)}


def living_command(root: Path) -> Claim | None:
    """A `foxml` command that launches runs of this root now."""
    claims = find_claims(root).values()
    return next((claim for claim in claims if claim.role is Role.COMMAND and claim.is_held), None)


def why_to_wait(workspace: Workspace, *, needs_plan: bool) -> str:
    """Why a sensor launches nothing now: a plan that it needs is not there, or a command is at work.

    Empty if there is no such reason.
    """
    if needs_plan and not workspace.layout.master_plan.is_file():
        return "there is no plan yet: foxml run --until plan"
    command = living_command(workspace.root)
    return f"waiting for {command}, which launches its own runs" if command is not None else ""


def has_living_server(root: Path, settings_id: str | None = None) -> bool:
    """Whether the code server of a daemon serves this root, and goes by `settings_id` if it is given."""
    servers = (claim for claim in find_claims(root).values() if claim.role is Role.SERVER and claim.is_held)
    return any(settings_id in (None, server.settings) for server in servers)


@functools.cache
def claim_server(workspace: Workspace) -> str:
    """Claim the root for as long as this process lives, as the server that starts runs. Returns the claim."""
    key = uuid.uuid4().hex
    hold_claim(workspace.root, key, Role.SERVER, "serving the Dagster UI", workspace.settings_id)
    return key


def claim_run(instance: dg.DagsterInstance, run: dg.DagsterRun, root: Path) -> None:
    """Claim `run`, of which this process executes a step, and mark it as a run of this root.

    Where each step has a process of its own none of them stands for the run, which is marked as such.
    """
    # As an earlier step of it left it.
    run = instance.get_run_by_id(run.run_id) or run
    marks = {ROOT_TAG: root_id(root)}
    claim = find_claims(root).get(run.run_id)
    if claim is None or not claim.is_held:
        if _is_executed_here(instance, run.run_id):
            # Held until the process ends: when its last step is done, a run is still unfinished.
            hold_claim(root, run.run_id, Role.RUN, "executing a run")
        else:
            marks[_SPREAD_TAG] = "true"
    # This writes the run as it was read, and so comes before the marks.
    record_origin(instance, run)
    if not marks.items() <= run.tags.items():
        instance.add_run_tags(run.run_id, marks)


def _is_executed_here(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether this process executes all steps of the run: the executor says who does, before the first."""
    engine = dg.DagsterEventType.ENGINE_EVENT
    for record in instance.get_records_for_run(run_id, of_type=engine).records:
        event = record.event_log_entry.dagster_event
        said = event.engine_event_data.metadata if event is not None else {}
        # A worker says its process too, but not which steps it executes.
        if "step_keys" in said and said["pid"].value == str(os.getpid()):
            return True
    return False


def runs_in_flight(ledger: Ledger, root: Path, assets: Sequence[str]) -> tuple[dg.DagsterRun, ...]:
    """The queued and running runs of this root; those that have lost their process are ended first.

    A run that was launched in the UI has no mark of its root before it executes; it is taken for one of
    this root if it is for any of `assets`. It counts from when it is queued: before, nobody could tell
    whether the UI that makes it still lives.
    """
    instance = ledger.instance
    end_lost_runs(instance, root)
    own, keys = root_id(root), set(ledger.names.keys(assets))
    return tuple(
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED)))
        if not _is_being_made_in_the_ui(run)
        and run.tags.get(ROOT_TAG, own) == own
        and (ROOT_TAG in run.tags or keys & set(run.asset_selection or ()))
    )


def runs_at_work(ledger: Ledger, root: Path, assets: Sequence[str]) -> tuple[dg.DagsterRun, ...]:
    """`runs_in_flight`, but without those that wait for a server of this root where none lives."""
    runs = runs_in_flight(ledger, root, assets)
    if has_living_server(root):
        return runs
    # The claims of processes that died were removed with their runs, so these live.
    return tuple(run for run in runs if run.run_id in find_claims(root))


def end_lost_runs(instance: dg.DagsterInstance, root: Path) -> None:
    """End the runs of this root whose process is gone and which no queue holds.

    The lock of the process decides, not time. What was being made or started counts as a living server's
    where there is one; `foxml dev` looks before it becomes that, so nothing is left to it by another.
    """
    # In this order: a run is claimed before it is made, so the claim of every run that is seen is seen too.
    of_root = dg.RunsFilter(tags={ROOT_TAG: root_id(root)}, statuses=list(UNFINISHED))
    runs = {run.run_id: run for run in instance.get_runs(of_root)}
    claims = find_claims(root)
    for run in runs.values():
        what = _why_lost(run, claims)
        if what:
            _end(instance, run.run_id, what)
    for claim in claims.values():
        if not claim.is_held:
            _end_unmarked(instance, claim)
            forget_claim(root, claim.key)


def describe_runs(runs: Sequence[dg.DagsterRun]) -> str:
    """The runs as a person finds them in the UI."""
    shown = [_described(run) for run in runs[:_MAX_SHOWN]]
    more = [f"{len(runs) - _MAX_SHOWN} more"] if len(runs) > _MAX_SHOWN else []
    return ("run " if len(runs) == 1 else "runs ") + ", ".join(shown + more)


def _described(run: dg.DagsterRun) -> str:
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    subject = assets[0] if assets else run.job_name
    return f"{run.run_id[:8]} ({subject}, {run.status.value.lower().replace('_', ' ')})"


def _is_being_made_in_the_ui(run: dg.DagsterRun) -> bool:
    # A run that is launched again bears the tags of the first one.
    is_from_ui = ROOT_TAG not in run.tags or run.parent_run_id is not None
    return is_from_ui and run.status is dg.DagsterRunStatus.NOT_STARTED


def _why_lost(run: dg.DagsterRun, claims: Mapping[str, Claim]) -> str:
    """Why nobody will finish `run`; empty if somebody may."""
    claim = claims.get(run.run_id)
    if claim is not None:
        return "" if claim.is_held else f"its process ({claim.pid}) is gone"
    if run.status is dg.DagsterRunStatus.QUEUED or _SPREAD_TAG in run.tags:
        return ""
    if not any(other.role is Role.SERVER and other.is_held for other in claims.values()):
        return "no process executes it, and none could start it"
    server = None if _is_being_made_in_the_ui(run) else run.tags.get(_SERVER_TAG)
    if run.status is dg.DagsterRunStatus.NOT_STARTED and server is not None:
        asked = claims.get(server)
        return "" if asked is not None and asked.is_held else "the server that made it is gone"
    return ""


def _end_unmarked(instance: dg.DagsterInstance, claim: Claim) -> None:
    """End a run from the UI whose process was killed between its claim and its mark."""
    run = instance.get_run_by_id(claim.key) if claim.role is Role.RUN else None
    if run is not None and ROOT_TAG not in run.tags:
        _end(instance, run.run_id, f"its process ({claim.pid}) is gone")


def _end(instance: dg.DagsterInstance, run_id: str, what: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"The run is ended: {what}.")
    else:
        instance.report_run_failed(run, f"The run is ended: {what}.")
