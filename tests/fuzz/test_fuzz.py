"""Whatever is made of a file, it is read as what it says or refused by a typed error, in bounded time."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_arena import Arena, command
from fuzz_kinds import KINDS, Kind, candidates, configs, manifests, panels, plans, routing_plans
from fuzz_run import MAX_SECONDS, Tally, answer, answer_bounded

QUICK, SLOW = range(300), range(100_000)
# What a user would type who has such a file.
COMMANDS = [
    (plans, ["validate"]),
    (routing_plans, ["explain", "fwd_ret_5d", "AAA"]),
    (manifests, ["status"]),
    (configs, ["plan"]),
    (candidates, ["import-candidates"]),
]


def places(arena: Arena) -> list[str]:
    return ["--root", str(arena.world.root), "--config-dir", str(arena.world.config_dir)]


def with_table(kind: Kind, words: list[str], arena: Arena) -> list[str]:
    """The command, with the table that was made up."""
    made = [str(path) for path in arena.before if path.stem == "candidates"] if kind is candidates else []
    return words + (made or [str(arena.world.candidates)] if kind is candidates else [])


def test_some_inputs_of_every_kind_are_answered(arena: Arena) -> None:
    tally = Tally()
    for number in QUICK:
        tally.add(answer(arena, number))
    assert not tally.failures, str(tally)
    assert tally.slowest < MAX_SECONDS
    assert {kind for kind, _ in tally.counts} == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize(("kind", "words"), COMMANDS, ids=lambda value: getattr(value, "__name__", ""))
def test_commands_end_with_an_exit_code_and_no_traceback(
    kind: Kind, words: list[str], own_arena: Arena
) -> None:
    for seed in range(3):
        kind(random.Random(seed), own_arena)
        try:
            command(*with_table(kind, words, own_arena), *places(own_arena))()
        finally:
            own_arena.restore()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "words"),
    [*COMMANDS, (plans, ["train"]), (panels, ["run", "--until", "panel"])],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_real_commands_end_so_too(kind: Kind, words: list[str], own_arena: Arena) -> None:
    for seed in range(8):
        kind(random.Random(seed), own_arena)
        try:
            line = [*with_table(kind, words, own_arena), *places(own_arena)]
            foxml = [sys.executable, "-c", "from foxml_assets.cli import main; main()", *line]
            ended = subprocess.run(foxml, capture_output=True, text=True, timeout=60)
        finally:
            own_arena.restore()
        assert ended.returncode in (0, 1, 2), f"seed {seed}: {ended.stderr}"
        assert "Traceback" not in ended.stderr, f"seed {seed}: {ended.stderr}"


@pytest.mark.slow
def test_a_hundred_thousand_inputs_are_answered(fast_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    for outcome in answer_bounded(fast_place, SLOW):
        tally.add(outcome)
    with capsys.disabled():
        sys.stdout.write(f"\n{tally}\n")
    assert not tally.failures
