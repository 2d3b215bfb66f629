"""The graph as a whole: a change of it is seen in review, and the stages name all that it makes."""

from pathlib import Path

import pytest
from graph_snapshot import CONFIG_DIR, SNAPSHOT, graph_lines
from shell_world import Shell

from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.running.stage_runs import StageRun
from foxml_assets.stages import CONFIGS, GROUPS, PANEL_SOURCE, STAGE_ASSETS
from foxml_assets.workspace import Workspace


def test_assets_checks_sensors_and_jobs_are_those_of_the_snapshot(tmp_path: Path) -> None:
    renew = "if the change is meant: python tests/defs/graph_snapshot.py"
    assert "\n".join(graph_lines(tmp_path)) + "\n" == SNAPSHOT.read_text(encoding="utf-8"), renew


def test_every_asset_belongs_to_one_stage_but_for_the_audit(tmp_path: Path) -> None:
    graph = build_definitions(Workspace(tmp_path, CONFIG_DIR)).resolve_asset_graph()
    made = sorted(key.to_user_string() for key in graph.materializable_asset_keys)
    assert made == sorted([*STAGE_ASSETS, "routing_audit"])
    assert {key.to_user_string() for key in graph.observable_asset_keys} == {*CONFIGS, PANEL_SOURCE}


def test_every_asset_is_in_one_of_the_groups(tmp_path: Path) -> None:
    graph = build_definitions(Workspace(tmp_path, CONFIG_DIR)).resolve_asset_graph()
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == {*GROUPS}


def test_every_asset_leads_to_the_function_that_makes_it(tmp_path: Path) -> None:
    graph = build_definitions(Workspace(tmp_path, CONFIG_DIR)).resolve_asset_graph()
    labels = {}
    for key in graph.get_all_asset_keys():
        if graph.get(key).is_executable:
            (where,) = graph.get(key).metadata["dagster/code_references"].code_references
            line = Path(where.file_path).read_text(encoding="utf-8").splitlines()[where.line_number - 1]
            # The line is that of the first decorator, where there is one.
            assert line.startswith(("@", "def ", "    def ", "    @")), line
            labels[key.to_user_string()] = where.label
    assert labels["panel"] == "panel"
    assert labels["plan_by_route"] == "_training_plan"


@pytest.mark.parametrize("name", ["routing_candidates", "routing_plan"])
def test_the_page_of_a_table_says_what_each_column_holds(shell: Shell, name: str) -> None:
    assert shell.execute(StageRun((name,))).success
    event = shell.instance.get_latest_materialization_event(shell.ledger.names.key(name))
    assert event is not None
    assert event.asset_materialization is not None
    schema = event.asset_materialization.metadata["dagster/column_schema"].value
    assert schema.columns[0].name == "target"
    assert all(column.description for column in schema.columns)
