"""A training process that is killed, and what the next one finds."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training_world import BOTH_FAMILIES, RETURN, SYMBOLS, UP, World, make_world

from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.models.manifest import model_path
from foxml_assets.training.models.stored import is_done
from foxml_assets.training.outcome import OutcomeStatus
from foxml_assets.training.runner import train_jobs

# A shell that starts the tests in the background makes them, and what they start, ignore SIGINT.
SCRIPT = """
import signal
import sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[1])
from test_killed_training import jobs_of, world_at
from foxml_assets.training.runner import train_jobs
world = world_at(Path(sys.argv[2]))
for outcome in train_jobs(jobs_of(world), world.context):
    print(outcome.job.job_id, outcome.status, flush=True)
"""


def world_at(folder: Path) -> World:
    slow = {"lightgbm": {"rounds": 150, "min_data_in_leaf": 10}, "xgboost": {"rounds": 150}}
    return make_world(folder).with_config(families=slow)


def jobs_of(world: World) -> list[Job]:
    alone = [world.job(target, symbol) for target in (UP, RETURN) for symbol in SYMBOLS]
    return [world.job(UP, families=BOTH_FAMILIES), *alone, world.job(RETURN, families=BOTH_FAMILIES)]


def start(folder: Path) -> "subprocess.Popen[str]":
    here = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, here, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def stamps(root: Path) -> dict[Path, tuple[int, bytes]]:
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*.*") if path.is_file()
    }


@pytest.mark.parametrize("finished", [1, 4])
def test_a_killed_run_resumes_without_training_again_what_was_done(tmp_path: Path, finished: int) -> None:
    world = world_at(tmp_path)
    with start(tmp_path) as process:
        assert process.stdout is not None
        for _ in range(finished):
            assert process.stdout.readline().endswith("done\n")
        process.kill()
    done = [job for job in jobs_of(world) if is_done(job, world.context)]
    assert finished <= len(done) < len(jobs_of(world))
    kept = {
        path: stamp
        for job in done
        for family in job.model_families
        for path, stamp in stamps(world.layout.model_dir(job.target, job.symbol, family)).items()
    }

    outcomes = {outcome.job.job_id: outcome for outcome in train_jobs(jobs_of(world), world.context)}

    assert {outcomes[job.job_id].status for job in done} == {OutcomeStatus.SKIPPED}
    assert sum(outcome.status is OutcomeStatus.DONE for outcome in outcomes.values()) == len(outcomes) - len(
        done
    )
    found = stamps(world.layout.models)
    assert {path: found[path] for path in kept} == kept
    untouched = world_at(tmp_path / "untouched")
    list(train_jobs(jobs_of(untouched), untouched.context))
    assert model_contents(world) == model_contents(untouched)


def model_contents(world: World) -> dict[str, bytes]:
    models = world.layout.models
    return {str(path.relative_to(models)): path.read_bytes() for path in models.rglob("model.*")}


@pytest.mark.slow
def test_kills_at_any_moment_never_leave_a_false_model(tmp_path: Path) -> None:
    world = world_at(tmp_path)
    list(train_jobs(jobs_of(world), world.context))
    expected = model_contents(world)
    partly = 0
    for attempt in range(40):
        shutil.rmtree(world.layout.models, ignore_errors=True)
        with start(tmp_path) as process:
            assert process.stdout is not None
            if attempt % 2:
                process.stdout.readline()
            else:
                time.sleep(0.8)
            time.sleep(attempt * 0.02)
            process.kill()
        done = [job for job in jobs_of(world) if is_done(job, world.context)]
        partly += 0 < len(done) < len(jobs_of(world))
        for job in done:
            for family in job.model_families:
                path = model_path(job, family, world.layout)
                assert path.read_bytes() == expected[str(path.relative_to(world.layout.models))]
    assert partly >= 5


def test_an_interrupt_stops_the_run_promptly_and_keeps_what_is_done(tmp_path: Path) -> None:
    world = world_at(tmp_path)
    with start(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("done\n")
        process.send_signal(signal.SIGINT)
        interrupted = time.monotonic()
        assert process.wait(timeout=20) != 0
        assert time.monotonic() - interrupted < 5
    assert 1 <= sum(is_done(job, world.context) for job in jobs_of(world)) < len(jobs_of(world))
    assert not list(world.layout.models.rglob("failure.json"))
