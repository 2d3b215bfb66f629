"""Whoever reads beside a writer sees one plan, whole: the one before or the one after."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import alternating_planner
import pytest

from foxml_assets.core.errors import LockHeldError, PlanMissingError
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.store.history import find_plan, plan_and_parent
from foxml_assets.planning.validate.plan_checks import PlanCheck
from foxml_assets.routing.plan.plan_reading import find_routing_plan, read_routing_plan
from foxml_assets.storage.directories import read_version, replacing_directory
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import current_workspace

CONFIG_DIR = Path(__file__).parents[3] / "config"
SECONDS = 0.7


@contextmanager
def writer_at_work(root: Path) -> Iterator[None]:
    """Another process replaces the plans of `root` without a pause."""
    with subprocess.Popen(
        [sys.executable, alternating_planner.__file__, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        assert writer.stdout.readline() == "ready\n"
        yield
        writer.stdin.write("stop\n")
        writer.stdin.flush()
        assert int(writer.stdout.readline()) > 2


def test_readers_beside_a_writer_see_one_whole_plan(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    routing, plans = zip(*map(alternating_planner.two_plans, range(2)), strict=True)
    known = {plan.metadata.plan_hash for plan in plans}
    routings = {plan.metadata.routing_plan_hash for plan in routing}

    def validated() -> bool:
        found = current_workspace(tmp_path, CONFIG_DIR).read_inputs().validate_plan()
        of_files = [result for result in found.results if result.check is PlanCheck.FILES]
        return of_files[0].problems == ()

    def with_parent() -> bool:
        plan, parent = plan_and_parent(layout)
        return parent is not None and {plan.metadata.plan_hash, parent.metadata.plan_hash} == known

    def by_hash() -> bool:
        return {find_plan(layout, plan_hash).metadata.plan_hash for plan_hash in known} == known

    def found_routing() -> bool:
        plan = find_routing_plan(layout)
        return plan is not None and plan.metadata.routing_plan_hash in routings

    readers: tuple[Callable[[], bool], ...] = (
        lambda: load_master_training_plan(layout.master_plan).metadata.plan_hash in known,
        lambda: read_routing_plan(layout).metadata.routing_plan_hash in routings,
        found_routing,
        by_hash,
        with_parent,
        validated,
    )
    with writer_at_work(tmp_path):
        for read in readers:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                assert read()


def test_a_folder_that_never_stands_still_is_an_error(tmp_path: Path) -> None:
    def replace() -> None:
        with replacing_directory(tmp_path / "plan") as staged:
            (staged / "file").touch()

    replace()
    with pytest.raises(LockHeldError, match="replaced again and again"):
        read_version(tmp_path / "plan", replace)


def test_an_error_of_a_version_that_stands_is_raised_at_once(tmp_path: Path) -> None:
    calls: list[int] = []

    def read() -> None:
        calls.append(1)
        raise PlanMissingError("there is none")

    with pytest.raises(PlanMissingError):
        read_version(tmp_path, read)
    assert calls == [1]
