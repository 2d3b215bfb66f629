"""A full disk, a read-only disk and a second planner end in a clear error with the old plan intact."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import parallel_planner
import pytest
from plan_makers import example_plan, job, plan

from foxml_assets.core.errors import StorageError
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.tree import tree_problems
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.storage.layout import Layout

DISK_BYTES = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def is_whole(layout: Layout, expected: MasterPlan) -> bool:
    master = load_master_training_plan(layout.master_plan)
    assert tree_problems(master, layout.training_plan_dir) == ()
    return master.metadata.plan_hash == expected.metadata.plan_hash


def medium_plan() -> MasterPlan:
    return plan([job(f"y_{target}", f"S{number}") for target in range(3) for number in range(5)])


def test_a_full_disk_at_any_point_of_the_write_leaves_the_old_plan(small_disk: Path) -> None:
    layout = Layout(small_disk)
    write_plan(example_plan(), layout, history=1)
    filler = small_disk / "filler"
    refusals: list[str] = []
    for bytes_free in range(0, 400_000, 8_192):
        filler.write_bytes(b"")
        filler.write_bytes(b"0" * max(DISK_BYTES - _used(small_disk) - bytes_free, 0))
        try:
            write_plan(medium_plan(), layout, history=1)
        except StorageError as error:
            refusals.append(str(error))
            assert is_whole(layout, example_plan())
            assert not (layout.metrics / ".training_plan.staged").exists()
        else:
            break
    assert is_whole(layout, medium_plan())
    assert len(refusals) > 10
    assert all("No space left" in refusal and "free some space" in refusal for refusal in refusals)


def _used(disk: Path) -> int:
    used = subprocess.run(
        ["df", "--output=used", "-B1", str(disk)], capture_output=True, text=True, check=True
    )
    return int(used.stdout.split()[-1])


def test_a_read_only_disk_is_a_clear_error(small_disk: Path) -> None:
    layout = Layout(small_disk)
    write_plan(example_plan(), layout, history=1)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="Read-only file system") as caught:
        write_plan(medium_plan(), layout, history=1)
    assert "mount it writable" in str(caught.value)
    assert is_whole(layout, example_plan())


def test_planners_at_once_end_with_one_whole_plan_and_clear_errors(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    planners = [
        subprocess.Popen(
            [sys.executable, parallel_planner.__file__, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for planner in planners:
        assert planner.stdout is not None
        assert planner.stdout.readline() == "ready\n"
    for planner in planners:
        assert planner.stdin is not None
        planner.stdin.write("go\n")
        planner.stdin.flush()
    words = [word for planner in planners for word in planner.communicate(timeout=60)[0].split()]
    assert set(words) == {"written", "LockHeldError"}
    assert load_master_training_plan(layout.master_plan).metadata.plan_hash in {
        parallel_planner.large_plan(number).metadata.plan_hash for number in range(3)
    }
    master = load_master_training_plan(layout.master_plan)
    assert tree_problems(master, layout.training_plan_dir) == ()
