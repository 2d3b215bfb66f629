"""The world that is planned and trained once for all inputs of a worker."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_world import copy_world
from fuzz_arena import Arena, make_arena


@pytest.fixture(scope="session")
def fast_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory if there is one: every input is a file that is written."""
    memory = Path("/dev/shm")  # noqa: S108
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else tmp_path_factory.getbasetemp()))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def own_arena(arena: Arena, tmp_path: Path) -> Arena:
    """A copy of the arena, which commands may change."""
    return Arena(copy_world(arena.world, tmp_path / "world"))


@pytest.fixture(scope="session")
def arena(fast_place: Path) -> Arena:
    """The arena."""
    return make_arena(fast_place / "world")
