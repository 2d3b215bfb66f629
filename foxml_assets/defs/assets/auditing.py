"""What the plan earns on the hold-out, against training everything."""

import dagster as dg

from foxml_assets.auditing.make_audit import make_audit, open_contest
from foxml_assets.auditing.pages.audit_files import page_path, picture_path, write_audit
from foxml_assets.auditing.pages.audit_text import SHORT_HEADER, short_rows, verdict
from foxml_assets.core.hashing import file_hash
from foxml_assets.core.stamp import current_stamp
from foxml_assets.defs.assets.metadata import file_link, picture, table_of_numbers
from foxml_assets.defs.graph import asset
from foxml_assets.workspace import Workspace

# Everything that decides what the audit says; of the evidence, what it cost.
_READS = (
    "data_config",
    "routing_config",
    "training_config",
    "panel",
    "feature_selections",
    "routing_candidates",
    "routing_plan",
    "master_training_plan",
    "cross_sectional_models",
    "symbol_models",
)


@asset("routing_audit", group="reporting", deps=_READS, kinds={"markdown"})
def routing_audit(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """The plan against all pooled, all symbol and both averaged, from the models on disk.

    It trains nothing; `foxml audit --baselines` trains what is missing for the comparison.
    """
    inputs = workspace.read_inputs()
    layout, training = inputs.layout, inputs.training_context()
    contest = open_contest(training, inputs.policy, current_stamp(context.run.run_id))
    audit, pairs = make_audit(contest, training, inputs.data.evidence.blocks)
    write_audit(audit, pairs, layout)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(file_hash(layout.routing_audit)),
        metadata={
            "verdict": verdict(audit),
            "comparison": table_of_numbers(SHORT_HEADER, short_rows(audit)),
            "picture": picture(picture_path(layout).read_bytes(), "Skill against training time"),
            "audit": dg.MetadataValue.md(page_path(layout).read_text(encoding="utf-8")),
            "file": file_link(page_path(layout)),
        },
    )
