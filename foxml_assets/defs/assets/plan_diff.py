"""What the current plan changed against the plan it replaced, and why."""

import dagster as dg

from foxml_assets.core.hashing import bytes_hash
from foxml_assets.defs.assets.metadata import file_link
from foxml_assets.defs.assets.planning import GROUP
from foxml_assets.defs.checking.artifact_files import FILES, files_hash
from foxml_assets.defs.graph import asset
from foxml_assets.planning.diff.changes import diff_plans
from foxml_assets.planning.diff.changes_report import diff_headline, diff_json, diff_markdown
from foxml_assets.planning.store.history import plan_and_parent
from foxml_assets.storage.files import write_if_changed
from foxml_assets.workspace import Workspace


@asset(
    "training_plan_diff",
    group=GROUP,
    deps=["master_training_plan"],
    follows_inputs=True,
    kinds={"json", "markdown"},
)
def training_plan_diff(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """Jobs added, removed and changed since the parent plan, each with its cause."""
    layout = workspace.layout
    plan, parent = plan_and_parent(layout)
    diff = diff_plans(parent, plan)
    document, page = diff_json(diff), diff_markdown(diff)
    write_if_changed(layout.plan_diff, document)
    write_if_changed(layout.plan_diff.with_suffix(".md"), page.encode())
    return dg.MaterializeResult(
        data_version=dg.DataVersion(bytes_hash(document)),
        metadata={
            "headline": diff_headline(diff),
            "diff": dg.MetadataValue.md(page),
            "added": len(diff.added),
            "removed": len(diff.removed),
            "changed": len(diff.changed),
            "file": file_link(layout.plan_diff),
            FILES: files_hash(layout, "training_plan_diff"),
        },
    )
