"""Declarative automation plans when an input changed, not before every input is there, and not from what a
blocking check has refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from foxml_assets.defs.build import build_definitions
from foxml_assets.workspace import Workspace

CONFIG = Path(__file__).parents[2] / "config"
AUTOMATED = dg.AssetSelection.groups("routing", "planning")


@dataclass
class Automation:
    """An instance of reported events alone, and what automation requests from one look to the next."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    cursor: object = None

    def report(self, asset: str, version: str) -> None:
        tags = {"dagster/data_version": version}
        make = dg.AssetObservation if asset.endswith("config") else dg.AssetMaterialization
        event = make(asset, tags=tags)
        self.instance.report_runless_asset_event(event)

    def check(self, asset: str, name: str, *, passed: bool) -> None:
        """Report the result of a check of what was made last."""
        (record,) = self.instance.fetch_materializations(dg.AssetKey(asset), limit=1).records
        target = Target(storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp)
        found = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(asset),
            check_name=name,
            passed=passed,
            metadata={},
            target_materialization_data=target,
            blocking=True,
        )
        self.instance.report_runless_asset_event(found)

    def requested(self) -> set[str]:
        """What is requested now."""
        found = dg.evaluate_automation_conditions(
            self.definitions, self.instance, asset_selection=AUTOMATED, cursor=self.cursor
        )
        self.cursor = found.cursor
        keys = self.definitions.resolve_asset_graph().materializable_asset_keys
        return {key.to_user_string() for key in keys if found.get_num_requested(key)}


@pytest.fixture
def automation(tmp_path: Path) -> Iterator[Automation]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Automation(build_definitions(Workspace(tmp_path, CONFIG)), instance)


@pytest.fixture
def planned(automation: Automation) -> Automation:
    """All that a plan is made from was made, and the plan; no check was ever made."""
    for config in ("data_config", "routing_config", "training_config"):
        automation.report(config, "first")
    for made in ("panel", "routing_candidates", "routing_plan", "master_training_plan"):
        automation.report(made, "first")
    automation.requested()
    assert automation.requested() == set()
    return automation


def test_a_routing_plan_waits_for_the_first_candidates_and_needs_no_panel(automation: Automation) -> None:
    assert automation.requested() == set()
    automation.report("routing_config", "first")
    assert automation.requested() == set()
    automation.report("routing_candidates", "first")
    assert "routing_plan" in automation.requested()


def test_a_config_that_was_observed_in_another_version_is_followed_in_one_run(planned: Automation) -> None:
    planned.report("routing_config", "first")
    assert planned.requested() == set(), "the same content stops there"
    planned.report("routing_config", "second")
    assert {"routing_plan", "master_training_plan", "training_plan_diff"} <= planned.requested()


def test_after_a_new_panel_the_plan_waits_for_candidates_whatever_they_say(planned: Automation) -> None:
    planned.report("panel", "second")
    assert planned.requested() == set()
    planned.report("routing_config", "second")
    assert planned.requested() == set()
    planned.report("routing_candidates", "first")
    assert {"routing_plan", "master_training_plan"} <= planned.requested()


def test_a_panel_of_the_same_content_holds_nothing_up(planned: Automation) -> None:
    planned.report("panel", "first")
    assert planned.requested() == set()
    planned.report("routing_config", "second")
    assert {"routing_plan", "master_training_plan"} <= planned.requested()


def test_what_a_blocking_check_refused_is_not_gone_on_from_until_it_is_mended(planned: Automation) -> None:
    planned.check("routing_plan", "no_leaked_pair_routed", passed=False)
    planned.report("training_config", "second")
    assert planned.requested() == set()
    planned.check("routing_plan", "no_leaked_pair_routed", passed=True)
    assert {"master_training_plan", "training_plan_diff"} <= planned.requested()


def test_what_was_refused_is_made_again_and_followed_in_the_same_run(planned: Automation) -> None:
    planned.check("routing_plan", "no_leaked_pair_routed", passed=False)
    planned.report("routing_config", "second")
    assert {"routing_plan", "master_training_plan", "training_plan_diff"} <= planned.requested()


def test_a_check_that_does_not_block_holds_nothing_up(planned: Automation) -> None:
    planned.check("routing_plan", "no_row_quarantined", passed=False)
    planned.report("training_config", "second")
    assert "master_training_plan" in planned.requested()
