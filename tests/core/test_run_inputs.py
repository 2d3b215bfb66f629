"""A run goes by the inputs it began with, and a plan by the policy that routed."""

from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
import yaml

from foxml_assets.core.errors import PanelError, RoutingPlanError
from foxml_assets.defs.assets.planning import training_plan
from foxml_assets.defs.assets.routing import routing_candidates, routing_plan
from foxml_assets.defs.checking.checks import candidates_checks, routing_plan_checks, training_plan_checks
from foxml_assets.defs.graph import Factory, Graph
from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.candidates.candidates_file import write_candidates
from foxml_assets.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A root with imported candidates and no panel, and configs with every default."""
    made = Workspace(tmp_path / "root", tmp_path / "config")
    made.config_dir.mkdir()
    made.data_config_file.write_text("panel: {source: demo}\n", encoding="utf-8")
    made.routing_config_file.write_text("{}\n", encoding="utf-8")
    made.training_config_file.write_text("{}\n", encoding="utf-8")
    write_candidates(typed_candidates(_rows()), made.layout.imported_candidates)
    return made


def _rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "target": ["y", "y"],
            "symbol": [None, "A"],
            "task_type": "classification",
            "score_metric": "auc",
            "horizon_minutes": 600.0,
            "sample_size": [100_000, 9_000],
            "score": [0.7, 0.5],
            "score_se": 0.005,
            "n_snapshots": 5,
            "mean_overlap": 0.9,
            "std_overlap": 0.02,
            "mean_tau": 0.9,
            "std_tau": 0.02,
            "leakage_status": "SAFE",
            "successful_families": "lightgbm|ridge",
        }
    )


def _use(workspace: Workspace, family: str) -> None:
    policy = {"families": [{"use": [family]}]}
    workspace.routing_config_file.write_text(yaml.safe_dump(policy), encoding="utf-8")


def _materialize(workspace: Workspace, *assets: Factory) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([make(Graph(workspace)) for make in assets], instance=instance)


def test_a_routing_plan_is_not_planned_under_another_policy(workspace: Workspace) -> None:
    _use(workspace, "lightgbm")
    _materialize(workspace, routing_candidates, routing_plan)
    _use(workspace, "xgboost")
    with pytest.raises(RoutingPlanError, match="another policy"):
        _materialize(workspace, training_plan)
    assert not workspace.layout.training_plan_dir.exists()


def test_inputs_stay_as_they_were_read(workspace: Workspace) -> None:
    _use(workspace, "lightgbm")
    before = workspace.read_inputs()
    hashes = before.policy.config_hash(), before.training_hashes
    _use(workspace, "xgboost")
    workspace.training_config_file.write_text("seed: 1\n", encoding="utf-8")
    after = workspace.read_inputs()
    assert (before.policy.config_hash(), before.training_hashes) == hashes
    assert after.policy.config_hash() != hashes[0]
    assert after.training_hashes != hashes[1]


def test_without_a_panel_there_is_nothing_to_train_on_and_no_universe(workspace: Workspace) -> None:
    inputs = workspace.read_inputs()
    assert inputs.universe is None
    assert inputs.data_hashes == {}
    with pytest.raises(PanelError, match="no panel yet"):
        inputs.training_context()


def _checked(workspace: Workspace) -> dict[str, dg.AssetCheckEvaluation]:
    """Every check of the candidates and the two plans, by name."""
    definitions = dg.Definitions(
        assets=[make(Graph(workspace)) for make in (routing_candidates, routing_plan, training_plan)],
        asset_checks=[
            make(Graph(workspace)) for make in (candidates_checks, routing_plan_checks, training_plan_checks)
        ],
        jobs=[dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks())],
    )
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_job_def("checks")
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        return {one.check_name: one for one in result.get_asset_check_evaluations()}


def test_what_cannot_be_checked_has_failed_and_everything_else_passes(workspace: Workspace) -> None:
    _materialize(workspace, routing_candidates, routing_plan, training_plan)
    found = _checked(workspace)
    assert {name for name, one in found.items() if not one.passed} == {"names_known"}
    assert "foxml run --until evidence" in str(found["names_known"].description)
    workspace.layout.routing_plan.unlink()
    found = _checked(workspace)
    assert not found["consistent_with_routing_plan"].passed
    assert "foxml run --until routing" in str(found["consistent_with_routing_plan"].description)


def test_a_file_that_belongs_to_no_view_fails_the_check_of_the_plan(workspace: Workspace) -> None:
    _materialize(workspace, routing_candidates, routing_plan, training_plan)
    (workspace.layout.training_plan_dir / "notes.txt").write_text("mine", encoding="utf-8")
    found = _checked(workspace)
    assert {name for name, one in found.items() if not one.passed} == {"names_known", "as_written"}
    assert "notes.txt" in str(found["as_written"].description)


def test_a_candidate_without_a_decision_fails_the_check_of_the_routing_plan(workspace: Workspace) -> None:
    _materialize(workspace, routing_candidates, routing_plan, training_plan)
    later = pd.concat([_rows(), _rows().iloc[[1]].assign(symbol="NEW")])
    write_candidates(typed_candidates(later), workspace.layout.routing_candidates)
    found = _checked(workspace)["every_pair_decided"]
    assert not found.passed
    assert "y, NEW: has no decision" in str(found.description)
