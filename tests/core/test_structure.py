"""The house as it is meant to be: few rooms of a size, one name for one file, and a light front door."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import foxml_assets
from foxml_assets import api
from foxml_assets.core import errors

PACKAGE = Path(foxml_assets.__file__).parent
FILES = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
MOST_LINES, MOST_FILES = 350, 12
LOADED = """
import sys, {module}
own = (module for name, module in sys.modules.items() if name.startswith("foxml_assets."))
print(*(module.__name__ for module in own if not module.__file__.endswith("__init__.py")))
"""


def loaded_by(module: str) -> set[str]:
    """The modules of the package that importing `module` in a fresh process imports."""
    command = [sys.executable, "-c", LOADED.format(module=module)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_no_file_is_long_and_no_folder_full() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert [path for path, count in lines.items() if count > MOST_LINES] == []
    folders = Counter(path.parent for path in FILES)
    assert [folder for folder, count in folders.items() if count > MOST_FILES] == []


def test_no_two_files_have_one_name() -> None:
    names = Counter(path.name for path in FILES)
    assert [name for name, count in names.items() if count > 1] == []


def test_packages_are_empty_rooms_but_for_the_one_where_dagster_looks_for_components() -> None:
    full = [path for path in PACKAGE.rglob("__init__.py") if path.read_text(encoding="utf-8")]
    assert full == [PACKAGE / "__init__.py"]
    assert loaded_by("foxml_assets") == set()


def test_reading_the_master_plan_imports_a_dozen_modules_at_most() -> None:
    assert len(loaded_by("foxml_assets.planning.plan.consumer")) <= 12


def test_reading_plans_imports_nothing_that_decides_or_trains() -> None:
    rooms = {".".join(name.split(".")[:3]) for name in loaded_by("foxml_assets.api")}
    deciding = ("sides", "rules", "methods", "decide", "pages")
    assert not rooms & {f"foxml_assets.routing.{room}" for room in deciding}
    assert not [room for room in rooms if room.startswith(("foxml_assets.training", "foxml_assets.defs"))]


def test_the_front_door_opens_to_what_it_names() -> None:
    assert sorted(api.__all__) == list(api.__all__)
    assert all(hasattr(api, name) for name in api.__all__)


def _errors(of: type[errors.FoxmlError]) -> list[type[errors.FoxmlError]]:
    return [of, *(kind for child in of.__subclasses__() for kind in _errors(child))]


@pytest.mark.parametrize("kind", _errors(errors.FoxmlError), ids=lambda kind: kind.__name__)
def test_every_error_stands_in_the_tree_that_users_read(kind: type[errors.FoxmlError]) -> None:
    assert kind.__module__ == errors.__name__
    assert f"{kind.__name__} " in f"{errors.__doc__} " or f"{kind.__name__}\n" in str(errors.__doc__)
