"""A training run that is killed goes on where it stopped."""

import shutil
import signal
import subprocess
import sys
import time

import dagster as dg
from worlds import World

from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.ledger import Ledger, Names
from foxml_assets.defs.running.runs import runs_in_flight
from foxml_assets.stages import STAGE_ASSETS
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.manifest import model_folders


def test_a_killed_run_is_seen_as_failed_and_resumes_without_retraining(
    own_world: World,
) -> None:
    layout = Layout(own_world.root)
    models = layout.models
    shutil.rmtree(models)
    command = [sys.executable, "-c", "from foxml_assets.cli import main; main()", "train"]
    process = subprocess.Popen(
        command, env=own_world.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while len(list(model_folders(layout))) < 3:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_instance(own_world.root / "dagster") as instance:
        assert instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.STARTED
        ledger = Ledger(instance, Names(()))
        assert runs_in_flight(ledger, own_world.root, STAGE_ASSETS) == ()
        assert instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.FAILURE
    manifests = [folder / "manifest.json" for folder in model_folders(layout)]
    done = {path: path.stat().st_mtime_ns for path in manifests}
    result = own_world.foxml("train")
    assert result.returncode == 0, result.stdout + result.stderr
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert own_world.foxml("check").returncode == 0
