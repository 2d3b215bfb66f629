"""Stages that are killed, or fail, at any call that changes a file below the root."""

from pathlib import Path

import pytest
from fault_world import FaultWorld, change_policy, copy_world, drop_jobs, write_configs
from faults import Server
from scenarios import (
    FULL,
    KILL,
    KINDS,
    SCENARIOS,
    Scenario,
    Tally,
    disturb,
    make_before,
    run_stage,
    undisturbed,
)


def test_a_run_that_is_disturbed_here_and_there_is_resumed(
    server: Server, trained: FaultWorld, fast_folder: Path
) -> None:
    """Some of the calls, seen from Python; the slow tests below see and disturb all."""
    template = copy_world(trained, fast_folder / "template")
    change_policy(template)
    known = undisturbed(server, Scenario("another plan and training", (), "run"), template)
    tally = Tally()
    for kind, at in ((KILL, 90), (FULL, 140), (KILL, 195)):
        tally.add(disturb(server, known, kind, [at], fast_folder))
    assert tally.wrong == []


def test_a_model_on_its_way_back_is_not_lost(server: Server, trained: FaultWorld, fast_folder: Path) -> None:
    template = copy_world(trained, fast_folder / "template")
    for edit in (drop_jobs, write_configs):
        edit(template)
        assert run_stage(server, template, "plan").code == 0
    known = undisturbed(server, Scenario("a return", (), "train"), template)
    tally = disturb(server, known, KILL, range(1, known.calls + 1, 4), fast_folder)
    assert tally.wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_stage_is_resumed_after_any_call(
    compiled: Server, scenario: Scenario, kind: str, fast_folder: Path
) -> None:
    known = undisturbed(compiled, scenario, make_before(compiled, scenario, fast_folder))
    tally = disturb(compiled, known, kind, range(1, known.calls + 1), fast_folder)
    print(f"{scenario.name}, {kind}: {known.calls} calls, {tally}")  # noqa: T201
    assert tally.wrong == []
