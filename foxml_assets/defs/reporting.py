"""Plan and models become one report: planned against trained, and what is worth what."""

import dagster as dg

from foxml_assets.defs.metadata import file_link, markdown_table, picture
from foxml_assets.hashing import file_hash
from foxml_assets.reporting.build import make_report
from foxml_assets.reporting.charts import skill_chart
from foxml_assets.reporting.report_files import markdown_path, write_report
from foxml_assets.routing.plan_files import read_routing_plan
from foxml_assets.stamp import current_stamp
from foxml_assets.training.gate import authorise_training
from foxml_assets.workspace import Workspace


@dg.asset(group_name="reporting", deps=["cross_sectional_models", "symbol_models"], kinds={"markdown"})
def training_report(
    context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
) -> dg.MaterializeResult[None]:
    """Jobs planned, trained, stale and failed, with reasons, and the scores of every served pair."""
    inputs = workspace.read_inputs()
    layout, training = inputs.layout, inputs.training_context()
    plan = authorise_training(training, inputs.policy, current_stamp(context.run.run_id)).plan
    routing = read_routing_plan(layout) if layout.routing_plan.is_file() else None
    report, scores = make_report(plan, routing, training)
    write_report(report, scores, layout)
    states = [(state.value, number) for state, number in report.jobs_by_state.items()]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(file_hash(layout.training_report)),
        metadata={
            "jobs": markdown_table(["state", "jobs"], states),
            "skill": picture(skill_chart(scores), "Hold-out skill of every routed pair"),
            "report": dg.MetadataValue.md(markdown_path(layout).read_text(encoding="utf-8")),
            "file": file_link(markdown_path(layout)),
        },
    )
