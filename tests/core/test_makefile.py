"""What the make targets do to what a user has made, and how `make test` spreads its tests."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"

GROUPED = """
import os, pytest

@pytest.mark.xdist_group("same")
@pytest.mark.parametrize("number", range(4))
def test_where(number):
    with open("workers", "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + " ")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile, caches, an environment and a trained model."""
    shutil.copy(MAKEFILE, tmp_path / "Makefile")
    for name in ("output/MODELS/model.txt", ".venv/bin/foxml", ".mypy_cache/x", "tests/__pycache__/x.pyc"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    for name in ("foxml_assets", "benchmarks"):
        (tmp_path / name).mkdir()
    return tmp_path


def make(target: str, folder: Path, answer: str = "") -> None:
    subprocess.run(["make", target], cwd=folder, input=answer, text=True, check=True, capture_output=True)


def test_clean_removes_caches_alone(checkout: Path) -> None:
    make("clean", checkout)
    assert not (checkout / ".mypy_cache").exists()
    assert not (checkout / "tests" / "__pycache__").exists()
    assert (checkout / "output" / "MODELS" / "model.txt").exists()
    assert (checkout / ".venv").exists()


@pytest.mark.parametrize(("answer", "kept"), [("", True), ("no\n", True), ("yes\n", False)])
def test_clean_all_asks_before_it_deletes_models(checkout: Path, answer: str, kept: bool) -> None:
    make("clean-all", checkout, answer)
    assert (checkout / "output").exists() == (checkout / ".venv").exists() == kept


def test_tests_of_a_group_run_on_one_worker(tmp_path: Path) -> None:
    assert "--dist loadgroup" in MAKEFILE.read_text(encoding="utf-8")
    for name in ("test_one.py", "test_other.py"):
        (tmp_path / name).write_text(GROUPED, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    subprocess.run([*command, "."], cwd=tmp_path, check=True, capture_output=True)
    workers = (tmp_path / "workers").read_text(encoding="utf-8").split()
    assert len(workers) == 8
    assert len(set(workers)) == 1
