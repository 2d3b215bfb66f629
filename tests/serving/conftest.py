"""The panel and plans of the training tests serve here too."""

from pathlib import Path

import pytest
from routed_world import Routed, copied
from served_world import trained_world


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Routed:
    return trained_world(tmp_path_factory.mktemp("served"))


@pytest.fixture
def trained(trained_once: Routed, tmp_path: Path) -> Routed:
    return copied(trained_once, tmp_path / "root")
