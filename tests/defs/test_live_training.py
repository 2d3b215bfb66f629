"""Under a real daemon that serves two code locations: killed batches, plans made meanwhile, foreign runs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import pytest
import yaml
from shell_world import Shell
from training_world import RETURN, UP

from foxml_assets.defs.running.claims import find_claims
from foxml_assets.defs.running.stage_runs import is_training, partition_key

_PATIENCE = 120
_FOREIGN = """
import time
from pathlib import Path
import dagster as dg

@dg.op
def wait_for_the_file():
    while not Path({file!r}).exists():
        time.sleep(0.2)

@dg.job
def foreign():
    wait_for_the_file()

@dg.sensor(job=foreign, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def once():
    return dg.RunRequest(run_key="once")

defs = dg.Definitions(jobs=[foreign], sensors=[once], executor=dg.in_process_executor)
"""


@contextmanager
def daemon(shell: Shell, folder: Path, signal_file: Path) -> Iterator[Path]:
    """Web server and daemon over this root's code location and a foreign one; yields their log."""
    (folder / "foreign.py").write_text(_FOREIGN.format(file=str(signal_file)), encoding="utf-8")
    locations = [{"python_module": "foxml_assets.definitions"}, {"python_file": "foreign.py"}]
    (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": locations}), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = os.environ | {
        "DAGSTER_HOME": str(shell.workspace.dagster_home),
        "FOXML_ROOT": str(shell.workspace.root),
        "FOXML_CONFIG_DIR": str(shell.workspace.config_dir),
    }
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "--port", port]
    log = folder / "dev.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        yield log
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=30)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(what: str, holds: Callable[[], object], log: Path, every: float = 0.5) -> None:
    """Wait until `holds`, or fail with the end of the log."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{what}\n{log.read_text(errors='replace')[-4000:]}"
        time.sleep(every)


def training_runs(shell: Shell, *statuses: dg.DagsterRunStatus) -> list[dg.DagsterRun]:
    """The daemon's training runs, the latest first."""
    runs = shell.instance.get_runs(dg.RunsFilter(statuses=list(statuses)) if statuses else None)
    return [
        run for run in runs if is_training(run, shell.ledger.names) and run.tags.get("dagster/sensor_name")
    ]


def ticks_between(shell: Shell, start: float, end: float) -> int:
    """How often the training sensor looked between two moments."""
    (state,) = [one for one in shell.instance.all_instigator_state() if one.name == "pending_training"]
    ticks = shell.instance.get_ticks(state.instigator_origin_id, state.selector_id, after=start, before=end)
    return len(ticks)


def kill_the_first_batch(shell: Shell, log: Path) -> None:
    """Kill the process of the first batch before it has made a model."""
    models = set(shell.layout.models.rglob("manifest.json"))

    def claimed() -> list[int]:
        claims = find_claims(shell.workspace.root)
        ours = {run.run_id for run in training_runs(shell, dg.DagsterRunStatus.STARTED)} if claims else set()
        return [claim.pid for claim in claims.values() if claim.key in ours and claim.is_held]

    wait_for("no batch was started", claimed, log, every=0.01)
    os.kill(claimed()[0], signal.SIGKILL)
    assert set(shell.layout.models.rglob("manifest.json")) == models, "it was killed too late"


def times_trained(shell: Shell) -> Counter[str]:
    """How often each partition was trained, not merely found trained."""
    records = shell.instance.fetch_materializations(dg.AssetKey("symbol_models"), limit=500).records
    events = [record.asset_materialization for record in records]
    return Counter(event.partition for event in events if event.metadata["trained in this run"].value)


@pytest.mark.slow
def test_batches_outlive_a_kill_and_two_plans_beside_the_run_of_another_location(
    shell: Shell, tmp_path: Path
) -> None:
    signal_file = tmp_path / "go"
    shell.edit("training_config.yaml", batch_size=3)
    assert shell.execute(shell.runs_of(shell.plan.jobs[:1])[0]).success
    with daemon(shell, tmp_path, signal_file) as log:
        kill_the_first_batch(shell, log)
        waiting = training_runs(shell, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING)
        assert waiting, "the plans are made beside batches that wait"
        shell.make_plan({UP: ("AAA", "BBB", "CCC", "DDD"), RETURN: ("AAA", "BBB", "CCC")})
        plan = shell.make_plan({UP: ("AAA", "BBB", "DDD"), RETURN: ("AAA", "BBB", "CCC")})
        wait_for("not every job was trained", lambda: not shell.pending(), log)
        wait_for(
            "a run does not end",
            lambda: not [r for r in shell.unfinished() if is_training(r, shell.ledger.names)],
            log,
        )
        (foreign,) = shell.instance.get_runs(dg.RunsFilter(job_name="foreign"))
        assert foreign.status is dg.DagsterRunStatus.STARTED
        signal_file.touch()
        wait_for("the foreign run does not end", lambda: not foreign_is_running(shell), log)

    (foreign,) = shell.instance.get_runs(dg.RunsFilter(job_name="foreign"))
    assert foreign.status is dg.DagsterRunStatus.SUCCESS
    trained = times_trained(shell)
    assert {partition_key(job) for job in plan.jobs} <= set(trained)
    assert set(trained.values()) == {1}
    (killed,) = training_runs(shell, dg.DagsterRunStatus.FAILURE)
    runs = training_runs(shell)
    assert {run.status for run in runs if run.run_id != killed.run_id} == {dg.DagsterRunStatus.SUCCESS}
    (ended,) = shell.instance.get_run_records(dg.RunsFilter(run_ids=[killed.run_id]))
    again = [
        record
        for record in shell.instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id for run in runs]))
        if record.dagster_run.tags["dagster/asset_partition_range_start"]
        == killed.tags["dagster/asset_partition_range_start"]
        and record.dagster_run.run_id != killed.run_id
    ]
    assert ended.end_time is not None
    assert again
    launched = min(record.create_timestamp.timestamp() for record in again)
    assert ticks_between(shell, ended.end_time, launched) <= 3


def foreign_is_running(shell: Shell) -> bool:
    (run,) = shell.instance.get_runs(dg.RunsFilter(job_name="foreign"))
    return not run.is_finished
