"""The routing plan becomes the master training plan, its mirrors and views, and the set of partitions."""

import logging
from collections.abc import Iterator

import dagster as dg

from foxml_assets.core.stamp import current_stamp
from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.assets.job_events import JOB_ASSETS, job_events
from foxml_assets.defs.assets.metadata import file_link, markdown_table
from foxml_assets.defs.checking.artifact_files import FILES, files_hash
from foxml_assets.defs.graph import Graph, bound, code_of
from foxml_assets.defs.running.attempts import retry_while_locked
from foxml_assets.defs.running.ledger import Ledger, ledger_of, names_in
from foxml_assets.defs.running.retirement import Retired, retire_unplanned
from foxml_assets.defs.running.stage_runs import MODEL_PARTITIONS, partition_order
from foxml_assets.defs.sensors.automation import when_inputs_change
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

_JOBS = {
    TrainingType.CROSS_SECTIONAL: "The pooled jobs of the plan. The plan is the partition set: it adds and "
    "removes them. A job has an event only once that of a model that stands has changed.",
    TrainingType.SYMBOL_SPECIFIC: "The single-symbol jobs of the plan, by `<target>@<symbol>`.",
}


def job_assets(graph: Graph) -> list[dg.AssetSpec]:
    """The jobs of each training type, which the plan makes."""
    names = graph.names
    return [
        dg.AssetSpec(
            names.key(JOB_ASSETS[kind]),
            group_name=graph.group(GROUP),
            deps=names.keys(["master_training_plan"]),
            partitions_def=graph.partitions(MODEL_PARTITIONS[kind]),
            description=description,
        )
        for kind, description in _JOBS.items()
    ]


def training_plan(graph: Graph) -> dg.AssetsDefinition:
    """The master plan and its views, which are made together."""
    specs = [spec.merge_attributes(metadata=code_of(_training_plan)) for spec in _specs(graph)]
    make = dg.multi_asset(specs=specs, name=graph.names.flat("training_plan"))
    return make(bound(_training_plan, graph))


def _specs(graph: Graph) -> list[dg.AssetSpec]:
    names, group = graph.names, graph.group(GROUP)
    master = dg.AssetSpec(
        names.key("master_training_plan"),
        group_name=group,
        deps=names.keys(["routing_plan", "routing_config", "training_config", "data_config", "panel"]),
        description="All jobs to train: the single source of truth, and the only file training reads.",
        automation_condition=when_inputs_change(names),
        kinds={"json"},
    )
    views = [
        dg.AssetSpec(
            names.key(name),
            group_name=group,
            deps=names.keys(["master_training_plan"]),
            description=f"Derived from the master plan for people and tools: {name.replace('_', ' ')}.",
            automation_condition=when_inputs_change(names),
        )
        for name in PLAN_VIEWS
    ]
    return [master, *views]


def _training_plan(
    context: dg.AssetExecutionContext, workspace: Workspace
) -> Iterator[dg.MaterializeResult[None] | dg.AssetObservation]:
    """Plan, mirrors, summary and views are one directory that is replaced as a whole."""
    inputs, names = workspace.read_inputs(), names_in(workspace)
    layout = inputs.layout
    plan = build_plan(
        read_routing_plan(layout),
        inputs.policy,
        data_hashes=inputs.data_hashes,
        training_hashes=inputs.training_hashes,
        # The writer fills it in: only under its lock is it certain which plan is replaced.
        parent_plan_hash=None,
        stamp=current_stamp(context.run.run_id),
    )
    with retry_while_locked():
        written = write_plan(plan, layout, history=inputs.policy.output.plan_history)
    for line in describe_plan(written.plan, layout.training_plan_dir):
        _log.info(line)
    ledger = ledger_of(workspace, context.instance)
    retired = _set_partitions(context, ledger, written.plan, layout)
    version = dg.DataVersion(written.plan.metadata.plan_hash)
    yield dg.MaterializeResult(
        asset_key=names.key("master_training_plan"),
        data_version=version,
        metadata=_plan_metadata(written, retired, workspace),
    )
    for name in PLAN_VIEWS:
        yield dg.MaterializeResult(
            asset_key=names.key(name), data_version=version, metadata=_view_metadata(name, workspace)
        )
    for kind in MODEL_PARTITIONS:
        jobs = [job for job in written.plan.jobs if job.training_type is kind]
        yield from job_events(ledger, kind, jobs)


def _set_partitions(
    context: dg.AssetExecutionContext, ledger: Ledger, plan: MasterPlan, layout: Layout
) -> Retired:
    for kind in MODEL_PARTITIONS:
        partition_order(ledger, plan, kind)
    retired = retire_unplanned(ledger, plan, layout)
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
        FILES: dg.MetadataValue.text(files_hash(workspace.layout, "master_training_plan")),
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
