"""The real commands, Dagster and its databases included, killed or failing at the calls they make.

A command takes seconds and makes thousands of calls, nearly all of them by SQLite. So some are disturbed:
every `_STRIDE`th of those for artifacts and of the commits of databases.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands_under_fire import FOXML, TICK
from fault_world import FaultWorld, copy_world, make_world
from faults import Ended, Server, contents, model_stamps
from scenarios import (
    KILL,
    KINDS,
    difference,
    ending_problems,
    fault,
    plan_hash,
    planned_jobs,
    trained_stamps,
    whole_problems,
)

_PLAN, _TRAIN, _RUN = ("run", "--until", "plan"), ("train",), ("run",)
_READY = (("import-candidates",), ("run", "--until", "evidence"))
_STRIDE = {"artifacts": 12, "commits": 50}


@dataclass(frozen=True)
class Command:
    """A command, those that were run before it, and which of its calls are disturbed."""

    arguments: tuple[str, ...]
    before: tuple[tuple[str, ...], ...]
    calls: str

    def __str__(self) -> str:
        return f"{' '.join(self.arguments)}, {self.calls}"


COMMANDS = [
    Command(arguments, before, calls)
    for arguments, before in ((_PLAN, _READY), (_TRAIN, (*_READY, _PLAN)), (_RUN, ()))
    for calls in _STRIDE
]


def foxml(server: Server, world: FaultWorld, arguments: Sequence[str], **named: object) -> Ended:
    """Run a command over `world`."""
    files = [str(world.candidates)] if arguments == ("import-candidates",) else []
    return server.run(world, FOXML, *arguments, *files, *world.options, **named)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_is_resumed_and_holds_up_no_sensor(
    commands: Server, command: Command, kind: str, fast_folder: Path
) -> None:
    template = make_world(fast_folder / "template")
    for earlier in command.before:
        ended = foxml(commands, template, earlier)
        assert ended.code == 0, ended.output
    world = copy_world(template, fast_folder / "undisturbed")
    calls = foxml(commands, world, command.arguments, calls=command.calls).calls
    expected, jobs = contents(world.root), planned_jobs(world)
    plans = frozenset(filter(None, (plan_hash(template), plan_hash(world))))
    stride = _STRIDE[command.calls]
    wrong = []
    for at in range(stride, calls + 1, stride):
        world = copy_world(template, fast_folder / "case")
        found = fault(kind, at)
        ended = foxml(commands, world, command.arguments, fault=found, calls=command.calls)
        problems = [*ending_problems(ended, found), *whole_problems(world, plans)]
        done = trained_stamps(world, jobs)
        waiting = commands.run(world, TICK, *world.arguments)
        if kind == KILL and waiting.code != 0:
            problems.append(f"a sensor would wait: {waiting.output}")
        resumed = foxml(commands, world, command.arguments)
        if resumed.code != 0:
            problems.append(f"the resume ended with {resumed.code}: {resumed.output[-500:]}")
        problems += difference(expected, contents(world.root))
        problems += [
            f"made again: {path}" for path, one in done.items() if model_stamps(world).get(path) != one
        ]
        problems += [f"left over: {path}" for path in (world.root / ".claims").iterdir()]
        wrong += [f"{command}, {kind} at call {at} of {calls}: {one}" for one in problems]
        shutil.rmtree(world.folder)
    print(f"{command}, {kind}: every {stride}th of {calls} calls, {len(wrong)} wrong")  # noqa: T201
    assert wrong == []
