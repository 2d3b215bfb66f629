"""Inputs by their numbers: made, answered and measured, in this process or in one that is bounded.

`python fuzz_run.py FOLDER FIRST COUNT` answers inputs in a world that it makes in FOLDER, a line each, and
dies of the first that takes too long. Its memory is bounded, so that an input which takes too much raises.
"""

import json
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "faults")]

from fuzz_arena import Arena, answered, make_arena, peak_bytes  # noqa: E402
from fuzz_kinds import KINDS  # noqa: E402

MAX_SECONDS, MAX_BYTES = 10, 2 * 2**30


@dataclass(frozen=True)
class Outcome:
    """What became of an input: `failure` is empty where every call answered or refused in good form."""

    number: int
    kind: str
    is_refused: bool
    seconds: float
    peak: int
    failure: str = ""


@dataclass
class Tally:
    """Inputs by kind and what they came to."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    slowest: float = 0.0
    peak: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count an input in."""
        word = "failed" if outcome.failure else "refused" if outcome.is_refused else "accepted"
        self.counts[outcome.kind, word] += 1
        self.slowest, self.peak = max(self.slowest, outcome.seconds), max(self.peak, outcome.peak)
        if outcome.failure:
            self.failures.append(f"input {outcome.number} ({outcome.kind}): {outcome.failure}")

    def __str__(self) -> str:
        lines = [f"{kind}: {count:,} {word}" for (kind, word), count in sorted(self.counts.items())]
        total = sum(self.counts.values())
        lines.append(f"{total:,} inputs, slowest {self.slowest:.1f} s, peak {self.peak / 2**20:,.0f} MB")
        return "\n".join([*lines, f"{len(self.failures)} failures", *self.failures[:20]])


def answer(arena: Arena, number: int) -> Outcome:
    """Make input `number` and have it answered; the arena is as before afterwards."""
    rng = random.Random(number)
    (make,) = rng.choices(list(KINDS), weights=list(KINDS.values()))
    started = time.monotonic()
    refused, failure = False, ""
    try:
        calls = make(rng, arena)
        started = time.monotonic()
        answers = [answered(call) for call in calls]
        refused = not all(answers)
    except Exception:  # noqa: BLE001
        failure = traceback.format_exc()
    finally:
        arena.restore()
    seconds = time.monotonic() - started
    return Outcome(number, make.__name__, refused, seconds, peak_bytes(), failure)


def answer_bounded(folder: Path, numbers: range) -> Iterator[Outcome]:
    """Answer inputs in processes that are killed by an input without end, and go on after it."""
    todo, attempt = numbers, 0
    while todo:
        attempt += 1
        place = folder / str(attempt)
        command = [sys.executable, "-W", "ignore", __file__, str(place), str(todo.start), str(len(todo))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            done = 0
            for line in process.stdout:
                yield Outcome(**json.loads(line))
                done += 1
        if process.returncode != 0:
            yield Outcome(todo.start + done, "unknown", False, MAX_SECONDS, 0, f"died: {process.returncode}")
            done += 1
        todo = todo[done:]


def serve(folder: Path, numbers: Iterable[int]) -> None:
    """Answer inputs and print the outcomes."""
    arena = make_arena(folder)
    answer(arena, 0)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MAX_BYTES, resource.RLIM_INFINITY))
    for number in numbers:
        signal.alarm(MAX_SECONDS)
        outcome = answer(arena, number)
        signal.alarm(0)
        sys.__stdout__.write(json.dumps(vars(outcome)) + "\n")
        sys.__stdout__.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])))
