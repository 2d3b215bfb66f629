"""What a package may register as a model family, and what is said of one that is none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from foxml_assets.core.entry_points import FAMILIES, forget_entry_points
from foxml_assets.core.errors import FamilyError, TrainingError
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.families.registry import find_family, fit

MODULE = """
from dataclasses import replace
from foxml_assets.families.ridge.ridge_family import RIDGE
from foxml_assets.core.vocabulary import TaskType

LINE = replace(RIDGE, name="line", tasks=frozenset({TaskType.REGRESSION}))
OUTSIDE = replace(RIDGE, name="outside", model_file="../model.json")
OVER = replace(RIDGE, name="over", model_file="manifest.json")
THING = object()
"""
Register = Callable[[str], None]


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """Makes lines of entry points those of an installed distribution, for one test."""
    (tmp_path / "lines.py").write_text(MODULE)
    metadata = tmp_path / "lines-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lines\nVersion: 1\n")

    def forget() -> None:
        forget_entry_points()
        find_family.cache_clear()

    def write(text: str) -> None:
        (metadata / "entry_points.txt").write_text(f"[foxml_assets.families]\n{text}\n")
        monkeypatch.syspath_prepend(tmp_path)
        forget()

    yield write
    monkeypatch.undo()
    forget()


def test_an_installed_family_is_found_and_learns_its_tasks_only(register: Register) -> None:
    register("line = lines:LINE")
    assert {"lightgbm", "line", "ridge"} < set(FAMILIES.points())
    line = find_family("line")
    X, y = np.random.default_rng(1).normal(size=(50, 2)), np.arange(50) % 2.0
    fit("line", TaskType.REGRESSION, X, y, params=line.probe, seed=1)
    with pytest.raises(TrainingError, match="line learns no classification"):
        fit("line", TaskType.CLASSIFICATION, X, y, params=line.probe, seed=1)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("line", "lines:NOTHING", "cannot be imported"),
        ("line", "no_such_module:LINE", "cannot be imported"),
        ("line", "lines:THING", "must be a Family of this name"),
        ("other", "lines:LINE", "must be a Family of this name"),
        ("outside", "lines:OUTSIDE", "must be a file name of its own"),
        ("over", "lines:OVER", "must be a file name of its own"),
    ],
)
def test_what_is_no_family_is_named(register: Register, name: str, value: str, what: str) -> None:
    register(f"{name} = {value}")
    with pytest.raises(FamilyError, match=what) as caught:
        find_family(name)
    assert name in str(caught.value)
    assert find_family("ridge").name == "ridge"


@pytest.mark.parametrize(
    ("line", "what"),
    [("ridge = lines:LINE", "ridge: is already"), ("My-Line = lines:LINE", "My-Line: must be lower-case")],
)
def test_a_name_that_is_taken_or_no_name_is_refused(register: Register, line: str, what: str) -> None:
    register(line)
    with pytest.raises(FamilyError, match=what):
        find_family("ridge")
