"""`foxml dev` takes a root over from sessions that were killed, and holds it until its daemon is gone."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from worlds import World

from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.runs import command_tags, has_living_server

pytestmark = pytest.mark.slow
LEFT = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def n_children(process: "subprocess.Popen[bytes]") -> int:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return len(listed.read_text(encoding="ascii").split())


def test_a_new_session_ends_what_a_killed_one_was_starting(empty_world: World) -> None:
    @dg.op
    def work() -> None:
        pass

    @dg.job
    def killed() -> None:
        work()

    root = empty_world.root
    command = [sys.executable, "-c", "from foxml_assets.cli import main; main()", "dev"]
    with open_instance(root / "dagster") as instance:
        tags = command_tags(root)
        left = [instance.create_run_for_job(killed, status=status, tags=tags) for status in LEFT]
        with subprocess.Popen(
            [*command, "--port", str(free_port())], env=empty_world.environment(), start_new_session=True
        ) as session:
            try:
                until(lambda: n_children(session) == 2)
                found = [instance.get_run_by_id(run.run_id) for run in left]
                assert [run.status for run in found if run] == [dg.DagsterRunStatus.FAILURE] * 2
                session.kill()
                session.wait()
                assert has_living_server(root), "its daemon still starts what is queued"
            finally:
                os.killpg(session.pid, signal.SIGKILL)
    until(lambda: not has_living_server(root))
