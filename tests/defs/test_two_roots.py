"""Two graphs in one code location and one instance: what happens to one leaves the other alone."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from shell_world import copy_root

from foxml_assets.defs.running.instance import open_instance
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.storage.layout import Layout

NAMES = ("alpha", "beta")
_PYPROJECT = """
[tool.dg]
directory_type = "project"
[tool.dg.project]
root_module = "two_roots"
"""
_COMPONENT = """
type: foxml_assets.FoxmlRouting
attributes:
  root: "{{{{ context.project_root }}}}/{name}/root"
  config_dir: ../../../{name}/config
  key_prefix: {name}
"""


@dataclass(frozen=True)
class Location:
    """The code location of both, and the instance."""

    folder: Path
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def layout(self, name: str) -> Layout:
        return Layout(self.folder / name / "root")

    def files(self, name: str) -> dict[Path, int]:
        """When each file of a root was last written."""
        paths = self.layout(name).root.rglob("*")
        return {path: path.stat().st_mtime_ns for path in paths if path.is_file()}

    def events(self, name: str) -> int:
        """How many assets of a root were ever materialized."""
        return sum(key.path[0] == name for key in self.instance.all_asset_keys())

    def bootstrap(self, name: str) -> None:
        job = self.definitions.resolve_job_def(f"{name}__bootstrap")
        assert job.execute_in_process(instance=self.instance).success

    def train(self, name: str, partition: str) -> None:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey([name, "symbol_models"])],
            tags={"dagster/partition": partition},
        )
        assert result.success

    def tick(self, sensor: str) -> list[dg.RunRequest] | dg.SkipReason:
        with dg.build_sensor_context(instance=self.instance) as context:
            answer = self.definitions.get_repository_def().get_sensor_def(sensor)(context)
        if isinstance(answer, dg.SensorResult):
            for event in answer.asset_events:
                self.instance.report_runless_asset_event(event)
            return []
        assert isinstance(answer, list | dg.SkipReason)
        return answer

    def names(self, name: str) -> set[str]:
        """What one root's part is called: assets, ops, groups, pools, partition sets, jobs and sensors."""
        repository = self.definitions.get_repository_def()
        graph = self.definitions.resolve_asset_graph()
        own = [graph.get(key) for key in graph.get_all_asset_keys() if key.path[0] == name]
        found = {node.key.to_user_string() for node in own} | {node.group_name for node in own}
        found |= {pool for node in own for pool in node.pools or ()}
        found |= {str(node.partitions_def.name) for node in own if node.partitions_def}
        found |= {node.assets_def.node_def.name for node in own if node.is_executable}
        parts = [*repository.sensor_defs, *repository.get_all_jobs()]
        return found | {part.name for part in parts if part.name.startswith(name)}


@pytest.fixture
def location(planned_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Location]:
    """A project with a component for each of two empty roots, loaded from another folder."""
    (tmp_path / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
    for name in NAMES:
        copy_root(planned_root, tmp_path / name)
        shutil.rmtree(tmp_path / name / "root")
        place = tmp_path / "two_roots" / "defs" / name
        place.mkdir(parents=True)
        (place / "defs.yaml").write_text(_COMPONENT.format(name=name), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir("/")
    definitions = dg.load_from_defs_folder(path_within_project=tmp_path)
    with open_instance(tmp_path / "dagster") as instance:
        yield Location(tmp_path, definitions, instance)


def test_no_part_is_shared(location: Location) -> None:
    alpha, beta = map(location.names, NAMES)
    assert len(alpha) == len(beta)
    assert {name.replace("alpha", "beta", 1) for name in alpha} == beta
    assert all(name.startswith("alpha") for name in alpha)
    assert {"alpha__plan_automation", "alpha__symbol_training", "alpha__targets", "alpha_inputs"} <= alpha


def test_a_sensor_of_one_sees_nothing_of_the_other(location: Location) -> None:
    for asset in ("routing_candidates", "panel"):
        event = dg.AssetMaterialization(["alpha", asset], tags={"dagster/data_version": "old"})
        location.instance.report_runless_asset_event(event)
    assert location.tick("alpha__observed_inputs") == []
    assert {key.path[0] for key in location.instance.all_asset_keys()} == {"alpha"}
    (request,) = location.tick("alpha__changed_inputs")
    assert request.asset_selection == [dg.AssetKey(["alpha", "panel"])]
    assert "nothing was run here yet" in (location.tick("beta__changed_inputs").skip_message or "")


@pytest.mark.slow
def test_each_is_planned_and_trained_without_touching_the_other(location: Location) -> None:
    for name, other in (NAMES, NAMES[::-1]):
        before, events = location.files(other), location.events(other)
        location.bootstrap(name)
        plan = load_master_training_plan(location.layout(name).master_plan)
        planned = [f"{job.target}@{job.symbol}" for job in plan.jobs if job.symbol]
        assert set(location.instance.get_dynamic_partitions(f"{name}__symbol_jobs")) == set(planned)
        location.train(name, planned[0])
        assert len(list(location.layout(name).models.rglob("manifest.json"))) > 0
        assert location.tick(f"{name}__changed_inputs").skip_message == "no input changed"
        selected = {key for one in location.tick(f"{name}__pending_training") for key in one.asset_selection}
        assert {key.path[0] for key in selected} == {name}
        assert location.files(other) == before
        assert location.events(other) == events
