"""Under a real `foxml dev`, a worker that is killed before it has claimed its run holds nothing up."""

import os
import signal
import time
from pathlib import Path

import dagster as dg
import pytest
from test_bootstrap_live import launch
from test_live import is_serving, running_dev, wait_for
from worlds import World

from foxml_assets.defs.running.claims import find_claims


def worker_of(home: Path) -> int | None:
    """The process that a code server of the instance in `home` has started for a run, if there is one."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if b"multiprocessing.spawn" in command and f"DAGSTER_HOME={home}\0".encode() in environment:
            return int(entry.name)
    return None


@pytest.mark.slow
def test_a_worker_killed_before_its_claim_is_ended_by_its_server(empty_world: World, tmp_path: Path) -> None:
    log, home = tmp_path / "dev.log", empty_world.root / "dagster"
    with running_dev(empty_world, log) as port:
        wait_for("the UI did not start", lambda: is_serving(port), log)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            run_id = launch(port, "bootstrap")
            worker, deadline = worker_of(home), time.monotonic() + 60
            while worker is None:
                assert time.monotonic() < deadline
                time.sleep(0.02)
                worker = worker_of(home)
            os.kill(worker, signal.SIGKILL)
            run = instance.get_run_by_id(run_id)
            assert run is not None
            assert run.status is dg.DagsterRunStatus.STARTING
            assert run_id not in find_claims(empty_world.root), "so no lock says that it is gone"

            def has_failed() -> bool:
                found = instance.get_run_by_id(run_id)
                return found is not None and found.status is dg.DagsterRunStatus.FAILURE

            wait_for("the run does not end", has_failed, log)
