"""Pending jobs of the current plan are trained by themselves, in batches, highest priority first."""

import os

import dagster as dg

from foxml_assets.defs.events import data_version_of
from foxml_assets.defs.input_sensor import INTERVAL_SECONDS
from foxml_assets.defs.stages import (
    MODEL_ASSETS,
    is_anything_running,
    report_run,
    run_request,
    training_batches,
    training_run,
)
from foxml_assets.errors import PlanError
from foxml_assets.hashing import content_hash
from foxml_assets.stamp import current_stamp
from foxml_assets.training.gate import authorise_training
from foxml_assets.training.pending import pending_jobs
from foxml_assets.workspace import Workspace


@dg.sensor(
    asset_selection=dg.AssetSelection.assets(*MODEL_ASSETS, "training_report"),
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def pending_training(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.RunRequest | dg.SkipReason:
    """Launches the next batch of pending jobs, and the report when none is left.

    Jobs whose last attempt at the same spec failed are left to the user. A stale plan trains nothing.
    """
    instance = context.instance
    # Without a plan every target would be trained, which is for the user to start.
    if not workspace.layout.master_plan.is_file():
        return dg.SkipReason("there is no plan yet")
    if is_anything_running(instance, training=True):
        return dg.SkipReason("waiting for the runs in progress")
    # Reading plan and models is not cheap, and mostly nothing has moved since the last look.
    seen = _signature(workspace)
    if seen == context.cursor:
        return dg.SkipReason("nothing changed since every job of the plan was trained")
    inputs = workspace.read_inputs()
    training = inputs.training_context()
    try:
        permit = authorise_training(training, inputs.policy, current_stamp())
    except PlanError as refusal:
        return dg.SkipReason(f"training is refused: {refusal}")
    pending = pending_jobs(permit.plan, workspace.layout, retry_failed=False)
    if not pending:
        report = _report(instance)
        if isinstance(report, dg.SkipReason):
            context.update_cursor(seen)
        return report
    batch = next(training_batches(pending, training.config.batch_size))
    run = training_run(instance, batch)
    _, event = data_version_of(instance, run.assets[0])
    return run_request(run, content_hash([job.spec_hash for job in batch]), event)


def _signature(workspace: Workspace) -> str:
    """Changes whenever a config file, an artifact that training or the report reads, or a model changes."""
    layout = workspace.layout
    watched = [layout.panel_info, layout.routing_candidates, layout.routing_plan, layout.master_plan]
    watched += [workspace.data_config_file, workspace.routing_config_file, workspace.training_config_file]
    watched.append(layout.routing_audit)
    present = [path.stat() for path in watched if path.exists()]
    moments = [(status.st_mtime_ns, status.st_size) for status in present]
    models = sorted(
        (entry.path, entry.stat().st_mtime_ns)
        for folder, _, _ in os.walk(layout.models)
        for entry in os.scandir(folder)
    )
    return content_hash([moments, models])


def _report(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    reads = (*MODEL_ASSETS, "master_training_plan", "routing_audit")
    latest = max(data_version_of(instance, name)[1] for name in reads)
    version, reported = data_version_of(instance, "training_report")
    if version is not None and reported > latest:
        return dg.SkipReason("every job of the plan is trained, and reported")
    return run_request(report_run(), str(latest), reported)
