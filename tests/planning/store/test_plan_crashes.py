"""A planner that is killed leaves the old plan or the new one, whole, with its own views."""

import random
import subprocess
import sys
import time
from pathlib import Path

import crash_planner
import pytest
from crash_planner import crash_plan

from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.store.history import history_files
from foxml_assets.planning.store.tree import tree_problems
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.storage.layout import Layout


def kill_one_planner(root: Path, delay: float) -> None:
    command = [sys.executable, crash_planner.__file__, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as planner:
        assert planner.stdout is not None
        assert planner.stdout.readline() == b"ready\n"
        time.sleep(delay)
        planner.kill()
        planner.wait()


def check_whole(layout: Layout) -> None:
    """Before anything is repaired: the plan loads, is one of the two, and every file belongs to it."""
    master = load_master_training_plan(layout.master_plan)
    assert master.metadata.plan_hash in {crash_plan(number).metadata.plan_hash for number in (0, 1)}
    assert tree_problems(master, layout.training_plan_dir) == ()
    for path in history_files(layout.training_plan_dir):
        assert load_master_training_plan(path).metadata.plan_hash == path.stem


def kill_planners(root: Path, kills: int, seed: int) -> None:
    layout, moments = Layout(root), random.Random(seed)
    write_plan(crash_plan(0), layout, history=2)
    for _ in range(kills):
        kill_one_planner(root, moments.uniform(0.0, 0.12))
        check_whole(layout)
    write_plan(crash_plan(0), layout, history=2)
    write_plan(crash_plan(1), layout, history=2)
    check_whole(layout)
    assert sorted(path.name for path in layout.metrics.iterdir()) == [".training_plan.lock", "training_plan"]


def test_ten_kills(tmp_path: Path) -> None:
    kill_planners(tmp_path, 10, seed=1)


@pytest.mark.slow
def test_two_hundred_kills(tmp_path: Path) -> None:
    kill_planners(tmp_path, 200, seed=2)


def test_a_kill_of_the_very_first_planner_leaves_no_plan_or_a_whole_one(tmp_path: Path) -> None:
    for number in range(5):
        layout = Layout(tmp_path / str(number))
        kill_one_planner(layout.root, 0.004 * number)
        if layout.training_plan_dir.exists():
            check_whole(layout)
