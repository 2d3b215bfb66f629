"""Servers and worlds for all tests of a worker."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_world import FaultWorld, make_world
from faults import Server, compile_shim, serving
from scenarios import run_stage


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that needs no compiler: it sees the calls of this project's own writers."""
    with serving(None) as running:
        yield running


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled shim."""
    built = compile_shim(tmp_path_factory.mktemp("shim"))
    if built is None:
        pytest.skip("no C compiler: the shim that sees every call cannot be built")
    return built


@pytest.fixture(scope="session")
def compiled(shim: Path) -> Iterator[Server]:
    """A server that sees every call of stages."""
    with serving(shim) as running:
        yield running


@pytest.fixture(scope="session")
def commands(shim: Path) -> Iterator[Server]:
    """A server that sees every call of the command line."""
    with serving(shim, commands=True) as running:
        yield running


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory if there is one: thousands of worlds are copied, and syncs cost nothing there."""
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_dir():
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, server: Server) -> FaultWorld:
    """A world that was planned and trained once. Not to be changed: copy it."""
    world = make_world(tmp_path_factory.mktemp("trained") / "world")
    for stage in ("import_table", "run"):
        ended = run_stage(server, world, stage)
        assert ended.code == 0, ended.output
    return world
