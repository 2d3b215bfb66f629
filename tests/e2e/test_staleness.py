"""Dagster's badges: what is fresh reads fresh, and a changed job makes exactly its model stale."""

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from worlds import World

from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.workspace import Workspace

UNPARTITIONED = (
    "panel",
    "routing_candidates",
    "routing_plan",
    "master_training_plan",
    "plan_by_target",
    "training_report",
)
PARTITIONED = {
    "feature_selections": "targets",
    "cross_sectional_jobs": "cross_sectional_jobs",
    "cross_sectional_models": "cross_sectional_jobs",
    "symbol_jobs": "symbol_jobs",
    "symbol_models": "symbol_jobs",
}


def badges(world: World) -> dict[tuple[str, str | None], StaleStatus]:
    """The status of every asset partition, as the UI shows it."""
    workspace = Workspace(world.root, world.config_dir)
    graph = build_definitions(workspace).resolve_asset_graph()
    with open_instance(workspace.dagster_home) as instance:
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        keys: list[tuple[str, str | None]] = [(name, None) for name in UNPARTITIONED]
        keys += [
            (name, key) for name, of in PARTITIONED.items() for key in instance.get_dynamic_partitions(of)
        ]
        return {(name, key): resolver.get_status(dg.AssetKey(name), key) for name, key in keys}


def test_everything_reads_fresh_after_a_run(trained: World) -> None:
    assert {key for key, status in badges(trained).items() if status is not StaleStatus.FRESH} == set()


def test_a_second_run_makes_nothing_stale(own_world: World) -> None:
    assert own_world.foxml("run").returncode == 0
    assert {key for key, status in badges(own_world).items() if status is not StaleStatus.FRESH} == set()


def test_a_changed_job_makes_exactly_its_model_and_the_report_stale(own_world: World) -> None:
    def only_xgboost_for_symbols(settings: dict) -> None:
        # What the evidence finds best is never xgboost: it is not screened. The last rule is the default.
        rule = {"when": {"training_type": ["symbol_specific"]}, "use": ["xgboost"]}
        settings["families"] = [rule, {"use": ["lightgbm", "ridge"], "by_evidence": True}]

    own_world.edit("routing_config.yaml", only_xgboost_for_symbols)
    assert own_world.foxml("run", "--until", "plan").returncode == 0
    stale = {key for key, status in badges(own_world).items() if status is StaleStatus.STALE}
    symbol_models = {key for key in badges(own_world) if key[0] == "symbol_models"}
    assert stale == {*symbol_models, ("training_report", None)}


def test_partitions_are_exactly_the_planned_jobs(trained: World) -> None:
    keys = [key for (name, key) in badges(trained) if name == "symbol_models"]
    assert keys
    assert len(keys) == len(set(keys))
    assert all(key is not None and key.count("@") == 1 for key in keys)
