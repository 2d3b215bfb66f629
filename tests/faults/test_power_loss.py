"""What the disk may hold after the power went is read as the old artifact or the new one, or refused."""

import shutil
from pathlib import Path

import pytest
from fault_world import copy_world
from faults import Server, contents
from power_loss import Call, Data, Disk, possible_states, read_trace, restore
from scenarios import SCENARIOS, Scenario, difference, make_before, run_stage, undisturbed, whole_problems

REFUSED = "a reader is refused"
# Every state is read; a resume takes a second, so one in so many is resumed from.
_RESUMED = 4


def written(*, with_sync: bool) -> list[Call]:
    """A file that is written beside its name and renamed over it."""
    sync = [Call("fsync", "new", "", 0, b"")] if with_sync else []
    return [
        Call("create", "new", "", 0, b""),
        Call("write", "new", "", 0, b"12"),
        *sync,
        Call("rename", "new", "file", 0, b""),
    ]


@pytest.mark.parametrize("with_sync", [True, False])
def test_a_file_that_was_synced_before_its_rename_is_the_old_one_or_the_new(
    tmp_path: Path, with_sync: bool
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    found = {state["file"] for _, state in possible_states(tmp_path, written(with_sync=with_sync))}
    assert found == ({b"old", b"12"} if with_sync else {b"old", b"12", b"", b"1"})


def test_a_rename_is_durable_when_its_folder_was_synced(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    disk = Disk.load(tmp_path)
    for call in [*written(with_sync=True), Call("fsync", "", "", 0, b"")]:
        disk.play(call)
    assert [state["file"] for state in disk.after_power_loss()] == [b"12"] * len(Data) * 2


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_stage_is_resumed_after_a_power_loss(
    compiled: Server, scenario: Scenario, fast_folder: Path
) -> None:
    known = undisturbed(compiled, scenario, make_before(compiled, scenario, fast_folder))
    world = copy_world(known.template, fast_folder / "case")
    log = fast_folder / "trace"
    assert compiled.run(world, scenario.call, *world.arguments, log=log).code == 0
    calls = read_trace(log, world.root)
    wrong, states, refused = [], 0, 0
    for number, state in possible_states(known.template.root, calls):
        shutil.rmtree(world.root)
        restore(state, world.root)
        found = list(whole_problems(world, known.plans))
        refused += any(one.startswith(REFUSED) for one in found)
        problems = [one for one in found if not one.startswith(REFUSED)]
        if states % _RESUMED == 0:
            resumed = run_stage(compiled, world, scenario.stage)
            if resumed.code != 0:
                problems.append(f"the resume ended with {resumed.code}: {resumed.output[-500:]}")
            problems += difference(known.after, contents(world.root))
        wrong += [f"after call {number} of {len(calls)}: {one}" for one in problems]
        states += 1
    print(f"{scenario.name}: {len(calls)} calls, {states} states, {refused} refused, {len(wrong)} wrong")  # noqa: T201
    assert wrong == []
