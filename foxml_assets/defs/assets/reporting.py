"""Plan and models become one report: planned against trained, and what is worth what."""

import dagster as dg

from foxml_assets.auditing.pages.audit_text import SHORT_HEADER, short_rows, verdict
from foxml_assets.core.hashing import file_hash
from foxml_assets.core.stamp import current_stamp
from foxml_assets.defs.assets.job_events import with_records
from foxml_assets.defs.assets.metadata import file_link, markdown_table, picture, table_of_numbers
from foxml_assets.defs.graph import asset
from foxml_assets.defs.running.ledger import ledger_of
from foxml_assets.reporting.job_states import STATE_HEADER, states_of
from foxml_assets.reporting.make_report import update_report
from foxml_assets.reporting.promises import promise_words
from foxml_assets.reporting.report import TrainingReport
from foxml_assets.reporting.report_files import (
    markdown_path,
    pairs_picture_path,
    promise_picture_path,
)
from foxml_assets.reporting.report_markdown import (
    NOT_COMPARED,
    TARGET_SKILL_HEADER,
    TIME_HEADER,
    above_chance,
    has_scores,
    jobs_trained,
    target_skills,
    time_rows,
)
from foxml_assets.routing.plan.plan_reading import find_routing_plan
from foxml_assets.training.training_gate import authorise_training
from foxml_assets.workspace import Workspace

# Everything that decides what the report says. The audit may be missing or of another plan.
_READS = (
    "data_config",
    "routing_config",
    "training_config",
    "panel",
    "routing_candidates",
    "routing_plan",
    "master_training_plan",
    "cross_sectional_models",
    "symbol_models",
    "routing_audit",
)

# The web page shows a text in place only if it is short.
_MAX_TARGETS = 12


@asset("training_report", group="reporting", deps=_READS, kinds={"markdown"})
def training_report(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """Jobs planned, trained, failed, not reached and stale, each with why; scores promised, and as served."""
    inputs = workspace.read_inputs()
    ledger = ledger_of(workspace, context.instance)
    layout, training = inputs.layout, with_records(inputs.training_context(), ledger)
    plan = authorise_training(training, inputs.policy, current_stamp(context.run.run_id)).plan
    routing = find_routing_plan(layout)
    report = update_report(plan, routing, training, inputs.data.evidence.blocks)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(file_hash(layout.training_report)),
        metadata={
            **_comparison(report),
            "above chance": above_chance(report),
            "targets": table_of_numbers(TARGET_SKILL_HEADER, target_skills(report)[:_MAX_TARGETS]),
            "jobs": jobs_trained(report),
            "planned against trained": markdown_table(STATE_HEADER, states_of(report)),
            "promised": promise_words(report.models),
            "promised against realised": picture(
                promise_picture_path(layout).read_bytes(), "Hold-out skill against the evidence's promise"
            ),
            "training time": table_of_numbers(TIME_HEADER, time_rows(report.times)),
            "skill": picture(pairs_picture_path(layout).read_bytes(), "Hold-out skill of every routed pair"),
            "report": dg.MetadataValue.md(markdown_path(layout).read_text(encoding="utf-8")),
            "file": file_link(markdown_path(layout)),
        },
    )


def _comparison(report: TrainingReport) -> dict[str, dg.MetadataValue]:
    if report.audit is None:
        return {"verdict": dg.MetadataValue.md(NOT_COMPARED)} if has_scores(report) else {}
    comparison = table_of_numbers(SHORT_HEADER, short_rows(report.audit))
    return {"verdict": dg.MetadataValue.text(verdict(report.audit)), "comparison": comparison}
