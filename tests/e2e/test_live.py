"""Under a real `foxml dev` (web server and daemon), an edited config is followed to its models by itself."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import dagster as dg
from worlds import World, accept_more_discoveries, model_times

from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.workspace import Workspace

_PATIENCE = 150


@contextmanager
def running_dev(world: World, log: Path) -> Iterator[int]:
    """`foxml dev` on a free port, stopped with everything it started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from foxml_assets.cli import main; main()", "dev", "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, env=world.environment(), stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=30)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(what: str, holds: Callable[[], bool], log: Path) -> None:
    """Wait until `holds`, or fail with the end of the server's log."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{what}\n{log.read_text(errors='replace')[-4000:]}"
        time.sleep(1)


def is_serving(port: int) -> bool:
    """Whether the web server answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def assert_is_guarded(port: int) -> None:
    """The real server refuses what a page of another site could send, and answers its own pages."""
    own, as_json = f"http://127.0.0.1:{port}", {"Content-Type": "application/json"}

    def status(method: str, path: str, headers: dict[str, str]) -> int:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(connection):
            connection.request(method, path, json.dumps({"query": "{version}"}), headers)
            return connection.getresponse().status

    assert status("POST", "/graphql", {**as_json, "Origin": own}) == 200
    assert status("POST", "/graphql", {**as_json, "Origin": "http://evil.example"}) == 403
    assert status("POST", "/graphql", {**as_json, "Host": "evil.example"}) == 403
    assert status("POST", "/graphql", {"Content-Type": "text/plain"}) == 403
    assert status("GET", "/graphql?query=%7Bversion%7D", {}) == 403


def test_an_edited_threshold_renews_the_plan_and_trains_exactly_the_changed_jobs(
    own_world: World, tmp_path: Path
) -> None:
    layout, log = Layout(own_world.root), tmp_path / "dev.log"
    old = load_master_training_plan(layout.master_plan)
    models = model_times(own_world)
    context = Workspace(own_world.root, own_world.config_dir).read_inputs().model_context()

    def plan_is_trained() -> bool:
        plan = load_master_training_plan(layout.master_plan)
        return plan.metadata.plan_hash != old.metadata.plan_hash and not pending_jobs(plan, context)

    with running_dev(own_world, log) as port:
        wait_for("the UI did not start", lambda: is_serving(port), log)
        assert_is_guarded(port)
        own_world.edit("routing_config.yaml", accept_more_discoveries)
        wait_for("the plan was not followed", plan_is_trained, log)
        wait_for("no report", lambda: _reported_plan(layout) != old.metadata.plan_hash, log)
        wait_for("a run does not end", lambda: all(run.is_finished for run in _launched(own_world)), log)

    new = load_master_training_plan(layout.master_plan)
    kept = {job.spec_hash for job in old.jobs}
    added = {job.symbol for job in new.jobs if job.spec_hash not in kept}
    assert added
    now = model_times(own_world)
    assert {name: now[name] for name in models} == models
    assert {Path(name).parts[2] for name in now.keys() - models.keys()} == added
    launched = _launched(own_world)
    assert {run.status for run in launched} == {dg.DagsterRunStatus.SUCCESS}
    selected = {key.to_user_string() for run in launched for key in run.asset_selection or ()}
    assert {name for name in selected if "plan" not in name} == {"symbol_models", "training_report"}


def _reported_plan(layout: Layout) -> str:
    return str(json.loads(layout.training_report.read_bytes())["plan_hash"])


def _launched(world: World) -> list[dg.DagsterRun]:
    """The runs that were started by themselves."""
    with dg.DagsterInstance.from_config(str(world.root / "dagster")) as instance:
        return [run for run in instance.get_runs() if run.tags.get("dagster/sensor_name")]
