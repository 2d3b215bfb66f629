"""The job of docs/ci.md does what it says: its own steps are run as they are written."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from worlds import REPOSITORY, World, accept_more_discoveries

PAGE = REPOSITORY / "docs" / "ci.md"


def foxml_steps() -> list[str]:
    """The steps of the documented job that run this program."""
    text = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    steps = yaml.safe_load(text)["jobs"]["plan"]["steps"]
    return [step["run"] for step in steps if "foxml" in step.get("run", "")]


def run_step(step: str, world: World, folder: Path) -> subprocess.CompletedProcess[str]:
    """A step as GitHub runs it, in `folder`, with this installation's command first on the path."""
    environment = world.environment() | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    shell = ["bash", "-e", "-o", "pipefail", "-c", step]
    return subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def pull_request(own_world: World, tmp_path: Path) -> tuple[World, Path]:
    """A changed policy over a trained root, and a folder to work in."""
    own_world.edit("routing_config.yaml", accept_more_discoveries)
    folder = tmp_path / "checkout"
    folder.mkdir()
    return own_world, folder


def test_the_documented_steps_preview_the_plan_and_report_the_checks(
    pull_request: tuple[World, Path],
) -> None:
    world, folder = pull_request
    doctor, preview, check = foxml_steps()
    assert run_step(doctor, world, folder).returncode == 0
    assert run_step(preview, world, folder).returncode == 0
    assert "added" in (folder / "plan.md").read_text(encoding="utf-8")
    assert run_step(check, world, folder).returncode == 1
    suite = ET.parse(folder / "checks.xml").getroot()  # noqa: S314 - our own
    stale = suite.find("testcase[@classname='master_training_plan'][@name='not_stale']/failure")
    assert stale is not None
    assert "routing policy: planned from" in str(stale.text)
    assert int(suite.get("failures", 0)) == len(suite.findall("testcase/failure"))


def test_checks_are_printed_as_json(own_world: World) -> None:
    printed = own_world.foxml("check", "--json")
    assert printed.returncode == 0, printed.stderr
    outcomes = json.loads(printed.stdout)
    assert {one["result"] for one in outcomes} == {"passed"}
    assert {"asset", "check", "result", "said"} == set(outcomes[0])
