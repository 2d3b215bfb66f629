"""The routing plan becomes the master training plan, its mirrors and views, and the set of partitions."""

import logging
from collections.abc import Iterator

import dagster as dg

from foxml_assets.core.stamp import current_stamp
from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.assets.job_events import JOB_ASSETS, job_events
from foxml_assets.defs.assets.metadata import file_link, markdown_table
from foxml_assets.defs.running.attempts import retry_while_locked
from foxml_assets.defs.running.partitions import cross_sectional_partitions, symbol_partitions
from foxml_assets.defs.running.retirement import Retired, retire_unplanned
from foxml_assets.defs.running.stage_runs import MODEL_PARTITIONS, partition_order
from foxml_assets.defs.sensors.automation import WHEN_INPUTS_CHANGE
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import describe_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.tree import SUMMARY_FILE, VIEWS
from foxml_assets.planning.store.writer import PlanWrite, write_plan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.stages import PLAN_VIEWS
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

GROUP = "planning"
_log = logging.getLogger(__name__)

cross_sectional_jobs = dg.AssetSpec(
    JOB_ASSETS[TrainingType.CROSS_SECTIONAL],
    group_name=GROUP,
    deps=["master_training_plan"],
    partitions_def=cross_sectional_partitions,
    description="The pooled jobs of the plan. The plan is the partition set: it adds and removes them. "
    "A job has an event only once that of a model that stands has changed.",
)
symbol_jobs = dg.AssetSpec(
    JOB_ASSETS[TrainingType.SYMBOL_SPECIFIC],
    group_name=GROUP,
    deps=["master_training_plan"],
    partitions_def=symbol_partitions,
    description="The single-symbol jobs of the plan, by `<target>@<symbol>`.",
)


def _specs() -> list[dg.AssetSpec]:
    master = dg.AssetSpec(
        "master_training_plan",
        group_name=GROUP,
        deps=["routing_plan", "routing_config", "training_config", "data_config", "panel"],
        description="All jobs to train: the single source of truth, and the only file training reads.",
        automation_condition=WHEN_INPUTS_CHANGE,
        kinds={"json"},
    )
    views = [
        dg.AssetSpec(
            name,
            group_name=GROUP,
            deps=["master_training_plan"],
            description=f"Derived from the master plan for people and tools: {name.replace('_', ' ')}.",
            automation_condition=WHEN_INPUTS_CHANGE,
        )
        for name in PLAN_VIEWS
    ]
    return [master, *views]


@dg.multi_asset(specs=_specs(), name="training_plan")
def training_plan(
    context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetObservation]:
    """Plan, mirrors, summary and views are one directory that is replaced as a whole."""
    inputs = workspace.read_inputs()
    layout = inputs.layout
    plan = build_plan(
        read_routing_plan(layout),
        inputs.policy,
        data_hashes=inputs.data_hashes,
        training_hash=inputs.training_hash,
        # The writer fills it in: only under its lock is it certain which plan is replaced.
        parent_plan_hash=None,
        stamp=current_stamp(context.run.run_id),
    )
    with retry_while_locked():
        written = write_plan(plan, layout, history=inputs.policy.output.plan_history)
    for line in describe_plan(written.plan, layout.training_plan_dir):
        _log.info(line)
    retired = _set_partitions(context, written.plan, layout)
    version = dg.DataVersion(written.plan.metadata.plan_hash)
    yield dg.MaterializeResult(
        asset_key="master_training_plan",
        data_version=version,
        metadata=_plan_metadata(written, retired, workspace),
    )
    for name in PLAN_VIEWS:
        yield dg.MaterializeResult(
            asset_key=name, data_version=version, metadata=_view_metadata(name, workspace)
        )
    for kind in MODEL_PARTITIONS:
        jobs = [job for job in written.plan.jobs if job.training_type is kind]
        yield from job_events(context.instance, kind, jobs)


def _set_partitions(context: dg.AssetExecutionContext, plan: MasterPlan, layout: Layout) -> Retired:
    for kind in MODEL_PARTITIONS:
        partition_order(context.instance, plan, kind)
    retired = retire_unplanned(context.instance, plan, layout)
    if retired.waiting:
        names = ", ".join(retired.waiting)
        context.log.info(f"Not of the plan any more, but a run or a backfill still refers to: {names}")
    return retired


def _plan_metadata(written: PlanWrite, retired: Retired, workspace: Workspace) -> dict[str, dg.MetadataValue]:
    plan, folder = written.plan, workspace.layout.training_plan_dir
    summary = plan.summary
    counts = [
        ("jobs", plan.metadata.total_jobs),
        ("cross-sectional", summary.total_cs_jobs),
        ("symbol", summary.total_symbol_jobs),
        ("blocked pairs", summary.total_blocked),
        ("models retired", len(retired.models)),
    ]
    return {
        "counts": markdown_table(["", "number"], counts),
        "summary": dg.MetadataValue.md((folder / SUMMARY_FILE).read_text(encoding="utf-8")),
        "plan_hash": dg.MetadataValue.text(plan.metadata.plan_hash),
        "changed": dg.MetadataValue.bool(written.changed),
        "file": file_link(workspace.layout.master_plan),
        "dagster/row_count": dg.MetadataValue.int(plan.metadata.total_jobs),
    }


def _view_metadata(name: str, workspace: Workspace) -> dict[str, dg.MetadataValue]:
    folder = workspace.layout.training_plan_dir
    if name.removeprefix("plan_") in VIEWS:
        view = folder / name.removeprefix("plan_")
        number = len(list(view.glob("*.json"))) if view.is_dir() else 0
        return {"folder": file_link(view), "files": dg.MetadataValue.int(number)}
    if name == "master_training_plan_summary":
        return {"file": file_link(folder / SUMMARY_FILE)}
    return {"files": file_link(folder / "training_plan.json")}
