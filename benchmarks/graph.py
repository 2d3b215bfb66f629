"""What the asset graph costs beside its core: `foxml import-candidates`, `foxml run --until plan` on SQLite.

    python benchmarks/graph.py            100 x 1000 pairs, about two minutes
    python benchmarks/graph.py --quick    10 x 1000 pairs, without limits

The core is what the commands are there for: to route the candidates, and to build and to write the plan. It
is timed in this process beside the commands, so that a slow or busy machine slows down both. A limit is a
ratio to it; the seconds that are printed beside are what it was set for, on two free cores.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.routing import generate
from foxml_assets.core.config_files import load_config
from foxml_assets.core.names import pair_key
from foxml_assets.core.stamp import RunStamp
from foxml_assets.defs.assets.job_events import JOB_ASSETS
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.ledger import Ledger, Names
from foxml_assets.defs.running.partitions import SYMBOL_JOBS, add_partitions, retire_partitions
from foxml_assets.defs.running.stage_runs import MODEL_ASSETS
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import TrainingHashes
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

CONFIG = Path(__file__).parents[1] / "config"
STAMP = RunStamp("2026-01-01T00:00:00Z", "benchmark", None)
SIZE, QUICK_SIZE = (100, 1_000), (10, 1_000)
N_PARTITIONS = 25_000
FIRST, AGAIN, STANDS = "from import to first plan", "the same plan made again", "a plan that stands"
ADDED, RETIRED = f"{N_PARTITIONS:,} partitions added", f"{N_PARTITIONS:,} partitions retired"
# At most so many times the core, and the seconds that this was set for.
LIMITS = {
    FIRST: (25.0, 60),
    AGAIN: (12.0, 15),
    STANDS: (8.0, 10),
    ADDED: (2.0, 10),
    RETIRED: (2.0, 10),
}


def core(table: Path, folder: Path) -> float:
    """Seconds to route the candidates and to build and to write the plan."""
    candidates, policy = read_candidates(table), load_config(CONFIG / "routing_config.yaml", RoutingPolicy)
    start = time.perf_counter()
    routing = route(candidates, policy, stamp=STAMP)
    plan = build_plan(
        routing,
        policy,
        data_hashes={},
        training_hashes=TrainingHashes("0" * 64, {}),
        parent_plan_hash=None,
        stamp=STAMP,
    )
    write_plan(plan, Layout(folder), history=policy.output.plan_history)
    return time.perf_counter() - start


def foxml(workspace: Workspace, *arguments: str) -> float:
    """Seconds of a command, in a process of its own."""
    command = [sys.executable, "-c", "from foxml_assets.cli import main; main()", *arguments]
    places = {"FOXML_ROOT": str(workspace.root), "FOXML_CONFIG_DIR": str(workspace.config_dir)}
    start = time.perf_counter()
    subprocess.run(command, env={**os.environ, **places}, capture_output=True, check=True)
    return time.perf_counter() - start


def measure_commands(n_targets: int, n_symbols: int, folder: Path) -> tuple[dict[str, float], Workspace]:
    """Seconds of the core and of the commands, and the root that they leave."""
    workspace = Workspace(folder / "root", folder / "config")
    shutil.copytree(CONFIG, workspace.config_dir)
    table = folder / "candidates.parquet"
    generate(n_targets, n_symbols).to_parquet(table, index=False)
    # Before and after the commands, so that what else the machine does is in the mean as it is in theirs.
    before = core(table, folder / "core before")
    first = foxml(workspace, "import-candidates", str(table)) + foxml(workspace, "run", "--until", "plan")
    again = min(foxml_after_a_change(workspace, number) for number in range(2))
    stands = min(foxml(workspace, "run", "--until", "plan") for _ in range(2))
    after = core(table, folder / "core after")
    return {"core": (before + after) / 2, FIRST: first, AGAIN: again, STANDS: stands}, workspace


def foxml_after_a_change(workspace: Workspace, number: int) -> float:
    """Seconds to plan under another setting, of which the plan comes out the same."""
    settings = yaml.safe_load(workspace.training_config_file.read_text(encoding="utf-8"))
    settings["batch_size"] = 100 + number
    workspace.training_config_file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return foxml(workspace, "run", "--until", "plan")


def measure_partitions(folder: Path) -> dict[str, float]:
    """Seconds to add the partitions to an instance, and to delete all of them."""
    keys = [pair_key(f"y_target_{at // 1_000:03d}", f"S{at % 1_000:05d}") for at in range(N_PARTITIONS)]
    with open_instance(folder) as instance:
        ledger = Ledger(instance, Names(()))
        start = time.perf_counter()
        added = add_partitions(ledger, SYMBOL_JOBS, keys)
        middle = time.perf_counter()
        left = retire_partitions(ledger, SYMBOL_JOBS, set())
        end = time.perf_counter()
        assert added == tuple(keys)
        assert left == ()
        assert not instance.get_dynamic_partitions(SYMBOL_JOBS)
    return {ADDED: middle - start, RETIRED: end - middle}


def n_job_events(workspace: Workspace) -> int:
    """How many jobs or models have an event in the instance; a plan alone leaves none."""
    kinds = (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION)
    with open_instance(workspace.dagster_home) as instance:
        return sum(
            len(instance.event_log_storage.get_latest_storage_id_by_partition(dg.AssetKey(asset), kind))
            for asset in (*JOB_ASSETS.values(), *MODEL_ASSETS.values())
            for kind in kinds
        )


def report(found: dict[str, float], *, is_judged: bool) -> bool:
    """Print the table; False if a limit is broken."""
    print(f"{'':<28} {'seconds':>9} {'of core':>9} {'at most':>9}")
    print(f"{'core: route, build, write':<28} {found['core']:>9.2f}")
    good = True
    for name, (limit, seconds) in LIMITS.items():
        ratio = found[name] / found["core"]
        bar = f"{limit:>9.1f}   set for {seconds} s" if is_judged else ""
        print(f"{name:<28} {found[name]:>9.2f} {ratio:>9.2f} {bar}")
        good &= ratio <= limit
    return good or not is_judged


def begin(description: str | None) -> tuple[tuple[int, int], bool]:
    """Read the command line and say what the machine does: targets and symbols; whether it is judged."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the smaller size, without limits")
    is_quick = parser.parse_args().quick
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start")
    return (QUICK_SIZE, False) if is_quick else (SIZE, True)


def main() -> int:
    """Run the benchmark; 1 if a limit is broken."""
    size, is_judged = begin(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found, workspace = measure_commands(*size, folder)
        n_jobs = len(load_master_training_plan(workspace.layout.master_plan).jobs)
        n_events = n_job_events(workspace)
        found |= measure_partitions(folder / "partitions")
    print(f"{size[0]} x {size[1]} pairs, {n_jobs} jobs, {n_events} events of jobs")
    return 0 if report(found, is_judged=is_judged) and n_events == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
