"""What lives of a root found, each shrunk to its steps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_world import FaultWorld, copy_world
from faults import Server
from lifecycle_world import Lifecycle


@pytest.fixture
def life(trained: FaultWorld, server: Server, tmp_path: Path) -> Iterator[Lifecycle]:
    """A life that begins with a copy of the trained world."""
    return Lifecycle(copy_world(trained, tmp_path / "world"), server)


def test_a_damaged_routing_plan_is_made_again_where_states_are_held_by_it(life: Lifecycle) -> None:
    life.edit_policy("states are held")
    life.plan()
    path = life.world.layout.routing_plan
    path.write_bytes(path.read_bytes()[:100])
    life.plan()
    assert path.stat().st_size > 100
