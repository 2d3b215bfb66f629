"""Large plans: loading against a bare parse, memory, lookups, and making one from 100,000 pairs."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from plan_makers import job, plan, save
from routing_makers import STAMP, candidates, policy, row

from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import load_master_training_plan, symbols_for_target
from foxml_assets.planning.plan.master_plan import TrainingHashes
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.storage.layout import Layout

pytestmark = pytest.mark.slow

N_TARGETS, N_SYMBOLS = 97, 5_000
LOAD = (
    "import sys; from pathlib import Path\n"
    "from foxml_assets.planning.plan.consumer import load_master_training_plan\n"
    "plan = load_master_training_plan(Path(sys.argv[1]))\n"
    "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
)


@pytest.fixture(scope="module")
def large_plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of 485,000 jobs with 20 features each."""
    features = tuple(f"feature_{number:02d}" for number in range(20))
    jobs = [
        job(f"y_{target}", f"SYM{symbol:04d}", features=features)
        for target in range(N_TARGETS)
        for symbol in range(N_SYMBOLS)
    ]
    return save(plan(jobs), tmp_path_factory.mktemp("large"))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_loading_takes_at_most_one_and_a_half_times_a_bare_parse(large_plan_file: Path) -> None:
    raw = large_plan_file.read_bytes()
    # One after the other, so that both meet the same load on the machine.
    ratios = [
        seconds(lambda: load_master_training_plan(large_plan_file)) / seconds(lambda: json.loads(raw))
        for _ in range(3)
    ]
    assert min(ratios) <= 1.5


def test_loading_needs_less_than_one_and_a_half_gigabytes(large_plan_file: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(large_plan_file)]
    peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(peak) < 1_500_000


def test_all_symbol_filters_take_less_than_a_fifth_of_a_second(large_plan_file: Path) -> None:
    timings = []
    for _ in range(3):
        master = load_master_training_plan(large_plan_file)
        start = time.perf_counter()
        found = sum(len(symbols_for_target(master, f"y_{target}")) for target in range(N_TARGETS))
        timings.append(time.perf_counter() - start)
        assert found == N_TARGETS * N_SYMBOLS
    assert min(timings) < 0.2


def test_a_plan_of_100_000_pairs_is_made_in_under_5_seconds(tmp_path: Path) -> None:
    rows = [row(f"y_{target}", None, "strong") for target in range(100)]
    rows += [row(f"y_{target}", f"S{symbol}", "strong") for target in range(100) for symbol in range(1_000)]
    layout = Layout(tmp_path)
    write_routing_plan(route(candidates(rows), policy(), stamp=STAMP), layout)

    def make(training_hash: str) -> None:
        made = build_plan(
            read_routing_plan(layout),
            policy(),
            data_hashes={},
            training_hashes=TrainingHashes(training_hash, {}),
            parent_plan_hash=None,
            stamp=STAMP,
        )
        assert len(made.jobs) == 100_100
        assert write_plan(made, layout, history=2).changed

    assert min(seconds(lambda: make("4" * 64)), seconds(lambda: make("5" * 64))) < 5.0
