"""The panel and plans of the training tests serve here too, under a real Dagster instance."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from shell_world import Shell, copy_root, open_shell, write_configs
from training_world import make_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker, so that the first plan is made once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("defs"))


@pytest.fixture(scope="session")
def planned_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a panel, configs, and an instance in which six jobs were planned. Not to be changed."""
    folder = tmp_path_factory.mktemp("planned")
    world = make_world(folder)
    write_configs(world, folder)
    with open_shell(world, folder) as shell:
        shell.make_plan()
    return folder


@pytest.fixture
def shell(planned_root: Path, tmp_path: Path) -> Iterator[Shell]:
    """A root of its own with six planned jobs, of which none is trained."""
    world = copy_root(planned_root, tmp_path)
    with open_shell(world, tmp_path) as opened:
        yield opened
