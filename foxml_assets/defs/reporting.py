"""Plan and models become one report: planned against trained, and what is worth what."""

import dagster as dg

from foxml_assets.workspace import Workspace


@dg.asset(group_name="reporting", deps=["cross_sectional_models", "symbol_models"], kinds={"markdown"})
def training_report(workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult[None]:
    """Jobs planned, trained, stale and failed, with reasons, and the best models out of sample."""
    return dg.MaterializeResult()
