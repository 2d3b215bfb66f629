"""The family whose library is an extra of this package."""

import sys
from pathlib import Path

import pytest
from family_cases import PARAMS, make_data

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.families.registry import fit


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "catboost", None)
    X, y = make_data(TaskType.REGRESSION)
    with pytest.raises(TrainingError, match=r"pip install 'foxml-assets\[catboost\]'"):
        fit("catboost", TaskType.REGRESSION, X, y, params=PARAMS.of("catboost"), seed=1)


def test_a_fit_writes_no_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("catboost")
    monkeypatch.chdir(tmp_path)
    X, y = make_data(TaskType.REGRESSION)
    fit("catboost", TaskType.REGRESSION, X, y, params=PARAMS.of("catboost"), seed=1).save(tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
