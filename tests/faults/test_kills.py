"""Stages that are killed, or fail, at any call that changes a file below the root."""

from pathlib import Path

import pytest
from faults import Server
from scenarios import KILL, KINDS, SCENARIOS, Scenario, Tally, disturb, undisturbed


def test_a_stage_that_is_disturbed_here_and_there_is_resumed(server: Server, tmp_path: Path) -> None:
    """Some of the calls, seen from Python; the slow tests below see and disturb all."""
    tally = Tally()
    for scenario, kind in zip(SCENARIOS[1:3], (KILL, "disk full"), strict=True):
        folder = tmp_path / scenario.stage
        known = undisturbed(server, scenario, folder)
        calls = range(7, known.calls, known.calls // 4)
        tally.add(disturb(server, known, kind, calls, folder))
    assert tally.wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_stage_is_resumed_after_any_call(
    compiled: Server, scenario: Scenario, kind: str, fast_folder: Path
) -> None:
    known = undisturbed(compiled, scenario, fast_folder)
    tally = disturb(compiled, known, kind, range(1, known.calls + 1), fast_folder)
    print(f"{scenario.name}, {kind}: {known.calls} calls, {tally}")  # noqa: T201
    assert tally.wrong == []
