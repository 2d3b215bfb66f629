"""A routed and planned world with all models trained, on the panel and plans of the training tests."""

from pathlib import Path

import pytest
from routed_world import Routed, copied, route_and_plan
from training_world import make_world

from foxml_assets.training.runner import train_jobs


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Routed:
    return route_and_plan(make_world(tmp_path_factory.mktemp("planned")))


@pytest.fixture(scope="session")
def trained_once(planned: Routed, tmp_path_factory: pytest.TempPathFactory) -> Routed:
    routed = copied(planned, tmp_path_factory.mktemp("trained") / "root")
    list(train_jobs(routed.plan.jobs, routed.world.context))
    return routed


@pytest.fixture
def trained(trained_once: Routed, tmp_path: Path) -> Routed:
    return copied(trained_once, tmp_path / "root")
