"""A Ctrl-C, wherever it meets a command: it ends, and one line says how to go on."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster._utils.interrupts import capture_interrupts
from worlds import World

from foxml_assets.commands.running.interrupts import heard_interrupts
from foxml_assets.storage.layout import Layout

_FOXML = [sys.executable, "-c", "from foxml_assets.cli import main; main()"]


@pytest.fixture
def raised_by_python() -> Iterator[None]:
    """Here, and in processes begun from here: what a shell puts in the background ignores a Ctrl-C, and so do
    they."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _Collected:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)
        # Signals are handled at the next bytecode, which is to be one of this method.
        for _ in range(100):
            pass


@pytest.mark.usefixtures("raised_by_python")
def test_an_interrupted_run_says_how_to_go_on_in_one_line(empty_world: World) -> None:
    process = subprocess.Popen(
        [*_FOXML, "run", "--until", "plan"],
        env=empty_world.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not Layout(empty_world.root).panel_info.exists():
        assert process.poll() is None, "the run ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert told.splitlines()[-1].startswith("Interrupted")
    assert "foxml run --until plan" in told
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1


@pytest.mark.usefixtures("raised_by_python")
def test_a_command_whose_reader_stands_still_can_be_interrupted() -> None:
    received, written = _full_pipe()
    process = subprocess.Popen([*_FOXML, "--help"], stdout=written, stderr=subprocess.PIPE, text=True)
    os.close(written)
    _wait_until_it_waits(process.pid)
    process.send_signal(signal.SIGINT)
    # A write that finds room would be the end of what there is to do: first it is to have heard it.
    _wait_until_it_waits(process.pid)
    os.read(received, 1 << 20)
    _, told = process.communicate(timeout=60)
    os.close(received)
    expected = "Interrupted; what was finished is kept. Go on: foxml --help\n"
    assert (told, process.returncode) == (expected, 130)


@pytest.mark.usefixtures("raised_by_python")
def test_an_interrupt_that_python_ignores_is_raised_again() -> None:
    began = time.monotonic()
    with heard_interrupts(), pytest.raises(KeyboardInterrupt):
        _lose_an_interrupt(30)
    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("raised_by_python")
def test_an_interrupt_that_dagster_forgets_is_raised_after_the_run() -> None:
    with heard_interrupts() as interrupts:
        interrupts.raise_lost()
        with capture_interrupts():
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.raise_lost()
        interrupts.raise_lost()


def _full_pipe() -> tuple[int, int]:
    received, written = os.pipe()
    os.write(written, bytes(fcntl.fcntl(written, fcntl.F_GETPIPE_SZ)))
    return received, written


def _lose_an_interrupt(seconds: float) -> None:
    _Collected()
    time.sleep(seconds)


def _wait_until_it_waits(pid: int) -> None:
    deadline, seen = time.monotonic() + 60, [""]
    # Asleep, or at its end, with the same processor time, ten looks in a row.
    while len(seen) < 10 or seen[-1].split()[0] not in ("S", "Z") or len(set(seen[-10:])) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        seen.append(f"{fields[0]} {fields[11]} {fields[12]}")
