"""What `foxml check` says of a panel that lost something, and of scores where there is nothing to find."""

from dataclasses import replace
from datetime import timedelta

import dagster as dg
import msgspec
from shell_world import Shell

from foxml_assets.commands.check import run_checks
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, TaskType
from foxml_assets.defs.build import build_definitions, build_graph
from foxml_assets.defs.graph import Graph
from foxml_assets.evidence.evidence_files import evidence_path, read_evidence
from foxml_assets.evidence.leakage.findings import Detector, Finding
from foxml_assets.evidence.target_evidence import Estimate, TargetEvidence

UP, RETURN = "y_up_5d", "fwd_ret_5d"


def checked(shell: Shell, asset: str, name: str) -> dg.AssetCheckEvaluation:
    """What `foxml check` finds of one property."""
    run_checks(shell.workspace.root, shell.workspace.config_dir, deep=False, as_json=False, junit=None)
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    (record,) = shell.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data


def made(shell: Shell, rows: int, symbols: int, *columns: str) -> None:
    """Record that a panel was made."""
    schema = dg.TableSchema([dg.TableColumn(name) for name in columns])
    metadata = {"dagster/row_count": rows, "symbols": symbols, "dagster/column_schema": schema}
    shell.instance.report_runless_asset_event(dg.AssetMaterialization("panel", metadata=metadata))


def test_a_panel_that_lost_symbols_or_columns_is_warned_of(shell: Shell) -> None:
    made(shell, 1_000, 10, "close", "volume")
    assert checked(shell, "panel", "size_as_before").passed, "there is none before it"
    made(shell, 950, 10, "close", "volume")
    assert checked(shell, "panel", "size_as_before").passed
    assert checked(shell, "panel", "column_schema_change").passed
    made(shell, 940, 8, "close")
    lost = checked(shell, "panel", "size_as_before")
    assert not lost.passed
    assert lost.severity is dg.AssetCheckSeverity.WARN
    assert lost.description == "symbols: fell from 10 to 8, by more than max_shrink 0.1 allows"
    assert lost.metadata["rows before"].value == 950
    shell.instance.report_runless_asset_event(dg.AssetMaterialization("panel"))
    assert checked(shell, "panel", "size_as_before").passed, "reported by hand, it says no size"
    made(shell, 940, 8, "close", "volume")
    made(shell, 940, 8, "close")
    assert "Removed columns: volume" in str(checked(shell, "panel", "column_schema_change").description)


def test_skill_on_shuffled_labels_fails(shell: Shell) -> None:
    evidence = TargetEvidence(UP, TaskType.CLASSIFICATION, ScoreMetric.AUC, None, "d", "s", ())
    evidence = replace(evidence, null_score=Estimate(0.51, 0.01))
    path = evidence_path(shell.layout, UP)
    path.parent.mkdir(parents=True)
    path.write_bytes(msgspec.json.encode(evidence))
    assert read_evidence(shell.layout, UP).null_score.value == 0.51
    assert checked(shell, "routing_candidates", "null_at_chance").passed
    path.write_bytes(msgspec.json.encode(replace(evidence, null_score=Estimate(0.55, 0.01))))
    found = checked(shell, "routing_candidates", "null_at_chance")
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.ERROR
    assert "scores 0.5500 auc on shuffled labels, 5.0 errors above chance" in str(found.description)


def test_a_feature_that_looks_ahead_for_one_target_and_serves_another_fails(shell: Shell) -> None:
    evidence = TargetEvidence(UP, TaskType.CLASSIFICATION, ScoreMetric.AUC, None, "d", "s", ())
    ahead = Finding(
        None, "centred", Detector.LOOK_AHEAD, LeakageStatus.BLOCKED, 0.5, 0.1, 0.9, 0.8, None, "looks ahead"
    )
    statuses = {UP: LeakageStatus.BLOCKED, RETURN: LeakageStatus.SUSPECT}
    for target, status in statuses.items():
        folder = evidence_path(shell.layout, target).parent
        folder.mkdir(parents=True)
        one = replace(evidence, target=target, features={"centred": status, "honest": LeakageStatus.SAFE})
        evidence_path(shell.layout, target).write_bytes(msgspec.json.encode(one))
        (folder / "leakage.json").write_bytes(msgspec.json.encode((ahead,) if target == UP else ()))
    assert checked(shell, "routing_candidates", "ahead_of_no_target").passed
    one = replace(one, features={"centred": LeakageStatus.SAFE})
    evidence_path(shell.layout, RETURN).write_bytes(msgspec.json.encode(one))
    found = checked(shell, "routing_candidates", "ahead_of_no_target")
    assert not found.passed
    assert str(found.description) == f"{RETURN}: centred: is used, and looks ahead for {UP}"


def test_a_panel_has_a_freshness_policy_where_an_age_is_set(shell: Shell) -> None:
    def policy(**chosen: timedelta) -> dg.FreshnessPolicy | None:
        graph = build_graph(Graph(shell.workspace, **chosen)).resolve_asset_graph()
        return graph.get(dg.AssetKey("panel")).freshness_policy

    assert policy() is None
    assert policy(panel_max_age=timedelta(hours=36)) == dg.FreshnessPolicy.time_window(timedelta(hours=36))


def test_every_check_says_what_holds_and_how_it_is_mended(shell: Shell) -> None:
    graph = build_definitions(shell.workspace).resolve_asset_graph()
    for key in graph.asset_check_keys:
        assert graph.get_check_spec(key).description, key
