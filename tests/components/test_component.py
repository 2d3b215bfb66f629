"""The component: what its attributes do, and where its paths lead."""

from pathlib import Path

import dagster as dg
import pytest
from dg_project import EXAMPLE, load, make_project
from pydantic import ValidationError

from foxml_assets import FoxmlRouting
from foxml_assets.defs.build import build_definitions
from foxml_assets.workspace import Workspace

PLAIN = {"root": "root", "config_dir": "."}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that packages are imported from; the working directory is another."""
    for name in ("FOXML_ROOT", "FOXML_CONFIG_DIR", "FOXML_KEY_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir("/")
    return tmp_path


def parts(definitions: dg.Definitions) -> set[str]:
    """The names of assets, sensors and jobs."""
    repository = definitions.get_repository_def()
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    return keys | {part.name for part in (*repository.sensor_defs, *repository.get_all_jobs())}


def config_path(definitions: dg.Definitions, key: list[str], instance: dg.DagsterInstance) -> str:
    """The file that the config asset of this key reads."""
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(asset_selection=[dg.AssetKey(key)], instance=instance)
    (seen,) = result.asset_observations_for_node("__".join([*key[:-1], "inputs"]))
    return str(seen.metadata["file"].value)


def test_without_a_prefix_every_name_is_that_of_the_project_itself(project: Path) -> None:
    plain = load(make_project(project, "plain_names", {"routing": PLAIN}))
    own = build_definitions(Workspace(project / "own", project / "plain_names" / "defs" / "routing"))
    assert parts(plain) == parts(own)
    assert plain.executor is None, "an executor would be that of the whole code location"
    assert not plain.resources


def test_attributes_reach_every_asset(project: Path) -> None:
    attributes = {**PLAIN, "key_prefix": "team/alpha", "owners": ["team:desk"], "tags": {"tier": "gold"}}
    attributes["panel_max_age_hours"] = 36
    graph = load(make_project(project, "attributes", {"alpha": attributes})).resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    assert all(node.key.path[:2] == ["team", "alpha"] for node in nodes)
    assert all(node.owners == ["team:desk"] and node.tags["tier"] == "gold" for node in nodes)
    assert {node.group_name for node in nodes} >= {"team_alpha_inputs", "team_alpha_training"}
    assert all(str(node.group_name).startswith("team_alpha_") for node in nodes)


@pytest.mark.parametrize("training", ["automatic", "manual"])
@pytest.mark.parametrize("plan", ["automatic", "manual"])
def test_what_is_manual_is_switched_off_until_somebody_switches_it_on(
    project: Path, plan: str, training: str
) -> None:
    attributes = {**PLAIN, "automation": {"plan": plan, "training": training}}
    definitions = load(make_project(project, f"by_itself_{plan}_{training}", {"routing": attributes}))
    on = {
        sensor.name
        for sensor in definitions.get_repository_def().sensor_defs
        if sensor.default_status is dg.DefaultSensorStatus.RUNNING
    }
    follows = {"changed_inputs", "plan_automation", "outdated_checks", "unchecked_models"}
    planning = follows if plan == "automatic" else set()
    always = {"requested_runs", "observed_inputs"}
    assert on == always | planning | ({"pending_training"} if training == "automatic" else set())


def test_relative_paths_begin_at_the_defs_yaml_and_nothing_at_the_working_directory(project: Path) -> None:
    attributes = {"root": "../../../made", "config_dir": "."}
    definitions = load(make_project(project, "places", {"routing": attributes}))
    with dg.DagsterInstance.ephemeral() as instance:
        found = config_path(definitions, ["data_config"], instance)
    assert found == str(project / "places" / "defs" / "routing" / "data_config.yaml")
    assert (project / "made").is_dir(), "the root is claimed by the run"


def test_without_attributes_it_goes_by_the_environment_as_the_commands_do(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_project(project, "by_environment", {"routing": {}})
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (made / "by_environment" / "defs" / "routing" / "defs.yaml").rename(elsewhere / "defs.yaml")
    configs = made / "by_environment" / "defs" / "routing"
    configs.rename(elsewhere / "config")
    configs.mkdir()
    (elsewhere / "defs.yaml").rename(configs / "defs.yaml")
    monkeypatch.setenv("FOXML_ROOT", str(elsewhere / "root"))
    monkeypatch.setenv("FOXML_CONFIG_DIR", str(elsewhere / "config"))
    monkeypatch.setenv("FOXML_KEY_PREFIX", "mine")
    with dg.DagsterInstance.ephemeral() as instance:
        found = config_path(load(made), ["mine", "data_config"], instance)
    assert found == str(elsewhere / "config" / "data_config.yaml")
    assert (elsewhere / "root").is_dir()


@pytest.mark.parametrize("wrong", ["my-prefix", "a//b", "", "/a"])
def test_a_prefix_that_dagster_would_choke_on_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="key_prefix"):
        FoxmlRouting(key_prefix=wrong)


def test_the_example_reaches_from_its_features_over_the_models_to_its_signals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    graph = load(EXAMPLE).resolve_asset_graph()
    panel = graph.get(dg.AssetKey(["routing", "panel"]))
    assert {key.to_user_string() for key in panel.parent_keys} == {"routing/panel_source"}
    source = graph.get(dg.AssetKey(["routing", "panel_source"]))
    assert {key.to_user_string() for key in source.parent_keys} == {"features", "routing/data_config"}
    between = (
        dg.AssetSelection.assets("features").downstream() & dg.AssetSelection.assets("signals").upstream()
    )
    found = {key.to_user_string() for key in between.resolve(graph)}
    assert {"features", "routing/routing_plan", "routing/symbol_models", "signals"} <= found
