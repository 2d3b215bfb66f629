"""Models are kept in step with the plan by themselves: pending jobs are trained, then reported."""

import os

import dagster as dg
import msgspec

from foxml_assets.core.errors import FoxmlError
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.stamp import current_stamp
from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.assets.events import data_version_of
from foxml_assets.defs.assets.job_events import with_records
from foxml_assets.defs.graph import sensor
from foxml_assets.defs.running.attempts import REQUEST_TAG, exhausted_keys, refusal
from foxml_assets.defs.running.ledger import Ledger, ledger_of
from foxml_assets.defs.running.retirement import retire_unplanned
from foxml_assets.defs.running.runs import daemon_tags, describe_runs, runs_in_flight, why_to_wait
from foxml_assets.defs.running.stage_runs import (
    MODEL_ASSETS,
    REPORT_ASSET,
    is_training,
    keys_in_flight,
    partition_key,
    partition_order,
    report_run,
    run_request,
    training_runs,
)
from foxml_assets.defs.sensors.automatic import hold_back
from foxml_assets.defs.sensors.input_sensor import INTERVAL_SECONDS
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.stages import STAGE_ASSETS
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.training_gate import authorise_training
from foxml_assets.workspace import Workspace

Answer = list[dg.RunRequest] | dg.RunRequest | dg.SkipReason


class _Seen(msgspec.Struct, frozen=True):
    """The cursor: what the last look saw, and why nothing was to be done."""

    state: str
    reason: str


@sensor(
    "pending_training",
    assets=(*MODEL_ASSETS.values(), REPORT_ASSET),
    seconds=INTERVAL_SECONDS,
    is_on=lambda graph: graph.training_follows_plan,
)
def pending_training(
    context: dg.SensorEvaluationContext, workspace: Workspace
) -> list[dg.RunRequest] | dg.RunRequest | dg.SkipReason:
    """Launches the pending jobs in batches, as far as `automatic_training` allows, and then the report.

    Jobs whose last attempt at the same spec failed are left to the user. A stale plan trains nothing.
    """
    # Without a plan every target would be trained, which is for the user to start.
    if reason := why_to_wait(workspace, needs_plan=True):
        return dg.SkipReason(reason)
    ledger = ledger_of(workspace, context.instance)
    runs = runs_in_flight(ledger, workspace.root, STAGE_ASSETS)
    others = [run for run in runs if not is_training(run, ledger.names)]
    if others:
        return dg.SkipReason(f"waiting for {describe_runs(others)}; if it hangs, terminate it in the UI")
    # Reading plan and models is not cheap, and mostly nothing has moved since the last look.
    state = _state(workspace, runs)
    seen = _read(context.cursor)
    if seen is not None and seen.state == state:
        return dg.SkipReason(seen.reason)
    try:
        answer = _next_step(ledger, workspace, runs)
    except FoxmlError as error:
        answer = dg.SkipReason(str(error))
    if isinstance(answer, dg.SkipReason):
        context.update_cursor(msgspec.json.encode(_Seen(state, answer.skip_message or "")).decode())
    return answer


def _read(cursor: str | None) -> _Seen | None:
    """What the last look left; None for the first, and for one of another version of this sensor."""
    try:
        return msgspec.json.decode(cursor, type=_Seen) if cursor else None
    except msgspec.DecodeError:
        return None


def _next_step(ledger: Ledger, workspace: Workspace, runs: tuple[dg.DagsterRun, ...]) -> Answer:
    inputs = workspace.read_inputs()
    training = with_records(inputs.training_context(), ledger)
    plan = authorise_training(training, inputs.policy, current_stamp()).plan
    pending = pending_jobs(plan, training, retry_failed=False)
    waiting, left = _split(ledger, workspace, plan, pending, runs)
    if waiting:
        reason = hold_back(ledger, training, waiting)
        if reason:
            return dg.SkipReason(reason)
        tags = daemon_tags(workspace)
        launched = training_runs(ledger, plan, waiting, training.config.batch_size)
        return [run_request(run, ledger.names, tags) for run in launched]
    if runs:
        return dg.SkipReason(f"{len(pending) - len(left)} jobs are in {describe_runs(runs)}")
    # What left the plan while a run still referred to it can go now.
    retire_unplanned(ledger, plan, workspace.layout)
    return _report(ledger, workspace, left)


def _split(
    ledger: Ledger,
    workspace: Workspace,
    plan: MasterPlan,
    pending: tuple[Job, ...],
    runs: tuple[dg.DagsterRun, ...],
) -> tuple[list[Job], list[Job]]:
    """Of the pending jobs, those to launch, and those that ended in vain too often."""
    taken: set[tuple[TrainingType, str]] = set()
    vain: set[tuple[TrainingType, str]] = set()
    for kind, asset in MODEL_ASSETS.items():
        order = partition_order(ledger, plan, kind)
        taken |= {(kind, key) for key in keys_in_flight(runs, ledger.names.key(asset), order)}
        tried = exhausted_keys(ledger, workspace.root, plan.metadata.plan_hash, asset, order)
        vain |= {(kind, key) for key in tried}
    idle = [(job, (job.training_type, partition_key(job))) for job in pending]
    idle = [(job, key) for job, key in idle if key not in taken]
    return [job for job, key in idle if key not in vain], [job for job, key in idle if key in vain]


def _report(ledger: Ledger, workspace: Workspace, left: list[Job]) -> dg.RunRequest | dg.SkipReason:
    reads = (*MODEL_ASSETS.values(), "master_training_plan", "routing_audit")
    latest = max(data_version_of(ledger, name)[1] for name in reads)
    version, reported = data_version_of(ledger, REPORT_ASSET)
    # Storage ids ascend: the report is younger than all it reads.
    if version is not None and reported > latest:
        if left:
            return dg.SkipReason(
                f"{len(left)} jobs are left to you, since batch after batch ended without training them: "
                f"foxml train. The first is {left[0].job_id}"
            )
        return dg.SkipReason("every job of the plan is trained, and reported")
    request = f"{REPORT_ASSET}:{latest}:{reported}"
    refused = refusal(ledger.instance, workspace.root, request)
    if refused:
        return dg.SkipReason(
            f"the report: {refused}. Mend the cause and materialize {REPORT_ASSET}, or: foxml train"
        )
    return run_request(report_run(), ledger.names, {REQUEST_TAG: request, **daemon_tags(workspace)})


def _state(workspace: Workspace, runs: tuple[dg.DagsterRun, ...]) -> str:
    """Changes whenever a config file, an artifact that training depends on, a run or a model file changes.

    While batches run, models change all the time, and what is pending beside them does not.
    """
    layout = workspace.layout
    watched = [layout.panel_info, layout.routing_candidates, layout.routing_plan, layout.master_plan]
    watched += [workspace.data_config_file, workspace.routing_config_file, workspace.training_config_file]
    watched.append(layout.routing_audit)
    present = [path.stat() for path in watched if path.exists()]
    moments = [(status.st_mtime_ns, status.st_size) for status in present]
    in_flight = sorted(run.run_id for run in runs)
    models = [] if runs or not layout.models.is_dir() else sorted(_file_times(str(layout.models)))
    return content_hash([moments, in_flight, models])


def _file_times(folder: str) -> list[tuple[str, int]]:
    """Every file below `folder`, with the time of its last change."""
    found: list[tuple[str, int]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found += _file_times(entry.path)
            else:
                found.append((entry.path, entry.stat(follow_symlinks=False).st_mtime_ns))
    return found
