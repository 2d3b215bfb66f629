"""The docs' example of a model family of one's own, installed as a package and taken through the pipeline."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from markdown_docs import DOCS, REPOSITORY, blocks

from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.errors import ConfigError, PlanCorruptError, TrainingError
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.training.models.manifest import read_manifest
from foxml_assets.workspace import Workspace

# The package is installed and trained with once.
pytestmark = pytest.mark.xdist_group("own_family")
PAGE = DOCS / "configuration.md"
PROGRAM = Path(__file__).with_name("own_family_run.py")
PANEL = """
import sys; sys.path.insert(0, "tests/training")
from training_world import panel_frame
panel_frame().to_parquet(sys.argv[1])
"""


def example(language: str) -> str:
    """The docs' block in that language that speaks of the stump."""
    (text,) = (block.text for block in blocks(PAGE, language) if "stump" in block.text)
    return text


def install(folder: Path) -> None:
    """What pip would put into `folder`: the module of the docs, and the metadata of its distribution."""
    (folder / "my_families.py").parent.mkdir(parents=True)
    (folder / "my_families.py").write_text(example("python"))
    metadata = folder / "my_families-1.2.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-families\nVersion: 1.2.3\n")
    ((group, points),) = tomllib.loads(example("toml"))["project"]["entry-points"].items()
    lines = [f"{name} = {value}" for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))


def configure(folder: Path, source: Path) -> None:
    """The three configs, with the lines of the docs in them."""
    folder.mkdir()
    data, routing, training = example("yaml").split("# ")[1:]
    targets = {"fwd_ret_5d": 5, "y_up_5d": 5, "y_lonely_5d": 5}
    panel = {"source": "parquet", "path": str(source), "time_column": "date", "horizons": targets}
    few = {"cross_sectional": 100, "symbol": 50}
    extra = {
        "data": {"panel": panel | {"targets": list(targets)}},
        "routing": {
            "min_sample_size": few,
            "development_min_sample_size": few,
            "method": "thresholds",
            "both_strong_behavior": "ROUTE_BOTH",
            "fdr": {"enabled": False},
        },
        "training": {"min_train_rows": 50},
    }
    for name, text in zip(extra, (data, routing, training), strict=True):
        shown = yaml.safe_load(text.partition("\n")[2])
        if name == "data":
            shown["evidence"]["leakage"] = {"known_safe": {"*": "drawn from one generator with the labels"}}
        settings = extra[name] | shown
        (folder / f"{name}_config.yaml").write_text(json.dumps(settings))


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Python, in a process that finds the package."""
    path = os.pathsep.join([str(folder / "site"), str(PROGRAM.parent), str(REPOSITORY)])
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, list[dict]]:
    """The workspace, and what a process with the package found in it; this process has no such package."""
    folder = tmp_path_factory.mktemp("own")
    install(folder / "site")
    source = folder / "panel.parquet"
    subprocess.run([sys.executable, "-c", PANEL, source], cwd=REPOSITORY, env=os.environ, check=True)
    configure(folder / "config", source)
    ran = run(folder, PROGRAM, folder / "root", folder / "config")
    assert ran.returncode == 0, ran.stderr
    return Workspace(folder / "root", folder / "config"), json.loads(ran.stdout)


def test_a_family_of_another_package_is_planned_trained_scored_and_read_again(
    trained: tuple[Workspace, list[dict]],
) -> None:
    _, models = trained
    assert {model["job"] for model in models} >= {"cs_fwd_ret_5d", "cs_y_up_5d"}
    for model in models:
        assert model["family"] == "stump"
        assert model["file"] == "model.json"
        assert model["params"] == {"quantile": 0.4}
        assert model["versions"]["stump"] == "1.2.3"
        assert model["values"] == 2
        assert model["chart"] > 1_000
    assert all(model["skill"] > 0.1 for model in models if model["job"].startswith("cs_"))


def test_the_evidence_tries_it_like_any_other(trained: tuple[Workspace, list[dict]]) -> None:
    workspace, _ = trained
    for file in workspace.layout.feature_selections.rglob("families.json"):
        tried = {one["family"]: one["error"] for one in json.loads(file.read_bytes())}
        assert tried == {"ridge": "", "stump": ""}


def test_without_its_package_config_plan_and_manifest_name_it_and_those_there_are(
    trained: tuple[Workspace, list[dict]],
) -> None:
    workspace, _ = trained
    known = f"is no installed model family; known: {', '.join(FAMILIES.points())}"
    for read in (workspace.data_config, workspace.routing_policy, workspace.training_config):
        with pytest.raises(ConfigError, match=f"line .*families.*stump.*{known}|families.*{known}.*stump"):
            read()
    with pytest.raises(PlanCorruptError, match=rf"model_families\[0\]: {known} \(found 'stump'\)"):
        load_master_training_plan(workspace.layout.master_plan)
    manifest = next(workspace.layout.models.rglob("manifest.json"))
    with pytest.raises(TrainingError, match=known):
        read_manifest(manifest)


def test_a_family_that_the_policy_uses_needs_a_section(trained: tuple[Workspace, list[dict]]) -> None:
    folder = trained[0].root.parent
    shutil.copytree(folder / "config", folder / "other")
    (folder / "other" / "training_config.yaml").write_text("seed: 1")
    program = "import sys; from own_family_run import *; Workspace(*map(Path, sys.argv[1:])).check_configs()"
    ran = run(folder, "-c", program, folder / "root", folder / "other")
    assert ran.returncode == 1
    assert "families.stump: is missing" in ran.stderr
    assert "families: {stump: {}}" in ran.stderr
