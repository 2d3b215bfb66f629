"""Evidence becomes candidates, candidates become routes."""

import logging

import dagster as dg

from foxml_assets.core.stamp import current_stamp
from foxml_assets.defs.assets.metadata import file_link, markdown_table, picture, table_metadata
from foxml_assets.defs.checking.artifact_files import FILES, files_hash
from foxml_assets.defs.graph import asset
from foxml_assets.defs.running.attempts import retry_while_locked
from foxml_assets.routing.candidates.candidates import CANDIDATE_COLUMNS, candidates_hash
from foxml_assets.routing.candidates.candidates_file import (
    candidates_source_hash,
    load_candidates,
    read_candidates,
    write_candidates,
)
from foxml_assets.routing.decide.fdr_history import read_history
from foxml_assets.routing.decide.router import plan_to_remember, route
from foxml_assets.routing.pages.plan_files import recover_routing_plan, write_routing_plan
from foxml_assets.routing.pages.plan_markdown import PICTURE_NAME
from foxml_assets.routing.plan.routing_plan import PAIR_COLUMNS
from foxml_assets.workspace import Workspace

GROUP = "routing"
_log = logging.getLogger(__name__)
NOTHING_TO_ROUTE = (
    "There are no metrics, so nothing can be routed and nothing will be trained. "
    "Run `foxml run --until evidence`, or import candidates."
)


@asset("routing_candidates", group=GROUP, deps=["feature_selections", "panel"], kinds={"parquet"})
def routing_candidates(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """One row of evidence per target (pooled model) and per pair (the symbol's own model)."""
    inputs = workspace.read_inputs()
    layout, universe = inputs.layout, inputs.universe
    # Before the source is read: if it changes meanwhile, the sensor sees another hash than this.
    source_hash = candidates_source_hash(layout, universe)
    source = load_candidates(layout, universe)
    path = write_candidates(source.table, layout.routing_candidates)
    if source.table.empty:
        _log.warning(NOTHING_TO_ROUTE)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(candidates_hash(source.table)),
        metadata={
            **table_metadata(source.table, CANDIDATE_COLUMNS),
            "source": source.description if len(source.table) else NOTHING_TO_ROUTE,
            "source_hash": source_hash,
            "file": file_link(path),
            FILES: files_hash(layout, "routing_candidates"),
        },
    )


@asset(
    "routing_plan",
    group=GROUP,
    deps=["routing_candidates", "routing_config", "panel"],
    follows_inputs=True,
    kinds={"json"},
)
def routing_plan(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """One route for every (target, symbol) pair, with the trace of every rule."""
    inputs = workspace.read_inputs()
    layout, policy = inputs.layout, inputs.policy
    recover_routing_plan(layout)
    plan = route(
        read_candidates(layout.routing_candidates),
        policy,
        universe=inputs.universe,
        previous=plan_to_remember(layout, policy),
        history=read_history(layout) if policy.keeps_history() else None,
        stamp=current_stamp(context.run.run_id),
    )
    with retry_while_locked():
        write_routing_plan(plan, layout, policy.output)
    summary = plan.metadata
    return dg.MaterializeResult(
        data_version=dg.DataVersion(summary.routing_plan_hash),
        metadata={
            "routes": markdown_table(["route", "pairs"], sorted(summary.by_route.items())),
            "picture": picture((layout.routing_plan_dir / PICTURE_NAME).read_bytes(), "Routes"),
            **table_metadata(plan.pairs, PAIR_COLUMNS),
            "quarantined_rows": summary.n_quarantined,
            "routing_plan_hash": summary.routing_plan_hash,
            "file": file_link(layout.routing_plan),
            FILES: files_hash(layout, "routing_plan"),
        },
    )
