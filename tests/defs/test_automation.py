"""Declarative automation plans when an input changed, and not before every input is there."""

from pathlib import Path

import dagster as dg

from foxml_assets.defs.build import build_definitions
from foxml_assets.workspace import Workspace

CONFIG = Path(__file__).parents[2] / "config"


def test_a_routing_plan_waits_for_the_first_candidates_and_needs_no_panel(tmp_path: Path) -> None:
    definitions = build_definitions(Workspace(tmp_path, CONFIG))
    automated = dg.AssetSelection.groups("routing", "planning")
    cursor = None
    requested = []
    with dg.DagsterInstance.ephemeral() as instance:
        for made in ("nothing", "routing_config", "routing_candidates"):
            if made != "nothing":
                event = dg.AssetMaterialization(made, tags={"dagster/data_version": made})
                instance.report_runless_asset_event(event)
            found = dg.evaluate_automation_conditions(
                definitions, instance, asset_selection=automated, cursor=cursor
            )
            cursor = found.cursor
            requested.append(found.get_num_requested(dg.AssetKey("routing_plan")))
    assert requested == [0, 0, 1]
