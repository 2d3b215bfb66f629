"""The panel and plans of the training tests serve here too, under a real Dagster instance."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from shell_world import Shell, make_shell
from training_world import World, make_world


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The panel, made once. Not to be changed: each shell gets a copy."""
    return make_world(tmp_path_factory.mktemp("panel"))


@pytest.fixture
def shell(small_world: World, tmp_path: Path) -> Iterator[Shell]:
    """A root with a panel, configs and an instance, in which nothing was planned."""
    with make_shell(small_world, tmp_path) as made:
        yield made
