"""What docs/dagster.md shows is run: each command as it is written, in a copy of the project it speaks of."""

import re
import shutil
import time
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
import yaml
from dg_project import EXAMPLE, REPOSITORY, run_in, serving

from foxml_assets import FoxmlRouting
from foxml_assets.defs.running.stage_runs import MODEL_ASSETS, Batch

PAGE = (REPOSITORY / "docs" / "dagster.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading."""
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def commands(title: str) -> str:
    """The shell block of a section, to be run as one script."""
    return re.findall(r"^```sh\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)[0]


def yaml_blocks(title: str) -> list[str]:
    """The YAML that a section shows."""
    return re.findall(r"^```yaml\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)


def ticked(instance: dg.DagsterInstance) -> set[str]:
    """The sensors that have looked at least once."""
    return {
        state.instigator_name
        for state in instance.all_instigator_state()
        if instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    }


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "in_your_project"))


def test_the_yaml_is_that_of_a_component_and_every_attribute_is_explained() -> None:
    (block,) = yaml_blocks("The component")
    attributes = yaml.safe_load(block)["attributes"]
    assert len(block.splitlines()) == 10
    assert FoxmlRouting(**attributes).owners == ["team:desk"]
    rows = re.findall(r"^\| (`.*?) \|", section("The component"), re.MULTILINE)
    named = {name.split(".")[0] for row in rows for name in re.findall(r"`([\w.]+)`", row)}
    assert named == set(FoxmlRouting.model_fields)


def test_the_config_of_a_run_of_several_models_is_one_that_the_models_take() -> None:
    (block,) = yaml_blocks("Five models in one run")
    ((asset, settings),) = yaml.safe_load(block)["ops"].items()
    assert asset in MODEL_ASSETS.values()
    assert len(Batch(**settings["config"]).chosen) == 3


@pytest.mark.slow
def test_the_example_goes_from_its_features_to_its_signals(example: Path) -> None:
    done = run_in(example, f"set -e\n{commands('In your project')}")
    assert done.returncode == 0, done.stdout + done.stderr
    signals = pd.read_parquet(example / "data" / "signals.parquet")
    assert set(signals["target"]) == {"fwd_ret_5d"}
    assert len(signals) > 0
    done = run_in(example, f"set -e\n{commands('Several in one location')}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all 1 jobs are trained already" in done.stdout, "the commands know what Dagster has trained"
    with dg.DagsterInstance.from_config(str(example / "dagster_home")) as instance:
        made = {key.to_user_string() for key in instance.all_asset_keys()}
        unfinished = [run for run in instance.get_runs() if not run.is_success]
    assert {"features", "signals", "routing/panel", "routing/cross_sectional_models"} <= made
    assert all(key.startswith("routing/") for key in made - {"features", "signals"})
    assert unfinished == []


@pytest.mark.slow
def test_dg_dev_serves_the_example_and_ticks_its_sensors(example: Path) -> None:
    log, home = example / "dev.log", example / "dagster_home"
    with serving(example, log), dg.DagsterInstance.from_config(str(home)) as instance:
        deadline = time.monotonic() + 120
        while not {"routing__changed_inputs", "routing__requested_runs"} <= ticked(instance):
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(1)
    assert "Traceback" not in log.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_commands_of_dg_work_in_this_project(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    for name in ("foxml_assets", "config"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    lines = commands("The commands of dg").splitlines()
    told = {line: run_in(copy, line) for line in lines if "launch" not in line}
    assert {line for line, done in told.items() if done.returncode} == set(), told
    assert "master_training_plan" in told[lines[0]].stdout
    assert (copy / "foxml_assets" / "project" / "my_routing" / "defs.yaml").is_file()
    small = {"panel": {"source": "demo", "symbols": ["AAPL", "XOM"], "start": "2012-01-01"}}
    config = copy / "foxml_assets" / "project" / "my_routing" / "data_config.yaml"
    config.write_text(yaml.safe_dump(small), encoding="utf-8")
    (launch,) = [line for line in lines if "launch" in line]
    done = run_in(copy, launch)
    assert done.returncode == 0, done.stdout + done.stderr
    plan = copy / "output" / "my_routing" / "METRICS" / "training_plan" / "master_training_plan.json"
    assert plan.is_file()
