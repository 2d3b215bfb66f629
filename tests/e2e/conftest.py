"""Worlds for the end-to-end tests: empty, after a first run, and copies that may be changed."""

from pathlib import Path

import pytest
from worlds import World, make_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker, so that the first run is made once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture
def empty_world(tmp_path: Path) -> World:
    """A world in which nothing was run."""
    return make_world(tmp_path)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    """A world after its first `foxml demo`, and what that printed. Not to be changed: copy it."""
    world = make_world(tmp_path_factory.mktemp("demo"))
    result = world.foxml("demo")
    assert result.returncode == 0, result.stdout + result.stderr
    return world, result.stdout


@pytest.fixture(scope="session")
def trained(first_run: tuple[World, str]) -> World:
    """The world after its first run. Not to be changed: copy it."""
    return first_run[0]


@pytest.fixture
def own_world(trained: World, tmp_path: Path) -> World:
    """A copy of the trained world that a test may change."""
    return trained.copy(tmp_path)
