"""The panel and plans of the training tests serve here too, with the audit's baselines trained once."""

from pathlib import Path

import pandas as pd
import pytest
from audited_world import MISSING, audit, pending
from routed_world import Routed, copied, route_and_plan
from training_world import make_world

from foxml_assets.auditing.baselines import train_baselines
from foxml_assets.auditing.routing_audit import RoutingAudit
from foxml_assets.training.runner import train_jobs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker, so that the baselines are trained once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("auditing"))


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Routed:
    """The plan's own jobs are trained, and nothing else."""
    routed = route_and_plan(make_world(tmp_path_factory.mktemp("audited")))
    list(train_jobs(routed.plan.jobs, routed.world.context))
    return routed


@pytest.fixture(scope="session")
def compared_once(trained_once: Routed, tmp_path_factory: pytest.TempPathFactory) -> Routed:
    """The baselines are trained too."""
    routed = copied(trained_once, tmp_path_factory.mktemp("compared") / "root")
    outcomes = list(train_baselines(pending(routed), routed.world.context))
    assert {(outcome.job.target, outcome.job.symbol) for outcome in outcomes} == MISSING
    return routed


@pytest.fixture(scope="session")
def audited(compared_once: Routed) -> tuple[RoutingAudit, pd.DataFrame]:
    return audit(compared_once)


@pytest.fixture
def trained(trained_once: Routed, tmp_path: Path) -> Routed:
    return copied(trained_once, tmp_path / "trained")


@pytest.fixture
def compared(compared_once: Routed, tmp_path: Path) -> Routed:
    return copied(compared_once, tmp_path / "compared")
