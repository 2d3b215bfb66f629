"""How fast a plan is made, written, read and looked up. Prints a table; takes about three minutes.

Every timing but the first is repeated, and the best is shown: other programs can only slow a run down.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import patch

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.hashing import content_hash
from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import OnMissingPlan, OnStalePlan, TaskType
from foxml_assets.panel.panel_info import PanelInfo, TargetSpec
from foxml_assets.planning.diff.changes import diff_plans
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.data_hashes import DataHashes, data_hashes
from foxml_assets.planning.plan.encoding import job_lines
from foxml_assets.planning.plan.master_plan import Job, MasterPlan, TrainingHashes
from foxml_assets.planning.plan.structure import structure_problems
from foxml_assets.planning.store import tree
from foxml_assets.planning.store.tree import plan_files
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.planning.validate.plan_checks import read_basis
from foxml_assets.planning.validate.plan_gate import require_current_plan
from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.candidates.candidates_file import write_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

STAMP = RunStamp("2025-12-11T18:45:00Z", "benchmark", None)
POLICY = RoutingPolicy.model_validate({"fdr": {"enabled": False}})
SETTINGS = TrainingHashes("4" * 64, {})
FEATURES = json.dumps({f"feature_{number:02d}": "SAFE" for number in range(20)})


def candidates(n_targets: int, n_symbols: int, *, local_score: float) -> pd.DataFrame:
    """One pooled row per target, one row per pair, all stable and safe, with noise on the scores."""
    draw = np.random.default_rng(7)
    target = np.repeat(np.arange(n_targets), n_symbols + 1)
    symbol = np.tile(np.arange(-1, n_symbols), n_targets)
    is_pooled = symbol < 0
    score = np.where(is_pooled, 0.6, local_score) + draw.normal(0.0, 0.03, len(target))
    return typed_candidates(
        pd.DataFrame(
            {
                "target": [f"y_will_swing_low_10m_0.{number:03d}" for number in target],
                "symbol": [None if number < 0 else f"SYM{number:04d}" for number in symbol],
                "task_type": "classification",
                "score_metric": "auc",
                "horizon_minutes": 10.0,
                "sample_size": np.where(is_pooled, 500_000, 8_000),
                "score": score.clip(0.3, 0.95),
                "score_se": 0.01,
                "n_snapshots": 5,
                "mean_overlap": 0.9,
                "std_overlap": 0.02,
                "mean_tau": 0.9,
                "std_tau": 0.02,
                "leakage_status": "SAFE",
                "successful_families": "lightgbm|xgboost",
                "features": [FEATURES if pooled else None for pooled in is_pooled],
            }
        )
    )


def routed(n_targets: int, n_symbols: int, local_score: float) -> RoutingPlan:
    return route(candidates(n_targets, n_symbols, local_score=local_score), POLICY, stamp=STAMP)


def built(
    routing: RoutingPlan, training_hashes: TrainingHashes = SETTINGS, data_hashes: DataHashes | None = None
) -> MasterPlan:
    return build_plan(
        routing,
        POLICY,
        data_hashes=data_hashes or {},
        training_hashes=training_hashes,
        parent_plan_hash=None,
        stamp=STAMP,
    )


def best(runs: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
        del result
    return min(seconds)


def report(what: str, value: str, limit: str = "") -> None:
    print(f"{what:<66} {value:>12}   {limit}", flush=True)


def peak_gigabytes() -> float:
    """Of this process alone; `ru_maxrss` would count the process that started it too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1e6


def benchmark_making(folder: Path, local_score: float, title: str) -> None:
    """Routing plan in; master plan, mirrors, views and summary out."""
    layout = Layout(folder / title)
    write_routing_plan(routed(100, 1_000, local_score), layout)
    for run in range(3):
        start = time.perf_counter()
        routing = read_routing_plan(layout)
        read = time.perf_counter()
        plan = built(routing, training_hashes=TrainingHashes(str(run), {}))
        made = time.perf_counter()
        write_plan(plan, layout, history=3)
        end = time.perf_counter()
        parts = f"read {read - start:.2f}, build {made - read:.2f}, write {end - made:.2f}"
        report(f"100 x 1000 pairs, {title}, {len(plan.jobs)} jobs: {parts}", f"{end - start:.2f} s", "< 5 s")
    report(
        "  the same plan again, nothing to write",
        f"{best(1, lambda: write_plan(plan, layout, history=3)):.2f} s",
    )
    size = sum(path.stat().st_size for path in layout.training_plan_dir.rglob("*") if path.is_file())
    files = sum(1 for _ in layout.training_plan_dir.rglob("*.*"))
    report(f"  written: {files} files", f"{size / 1e6:.0f} MB")
    count_serialisations(plan)


def count_serialisations(plan: MasterPlan) -> None:
    """How often a job is encoded for all files it appears in."""
    encoded = 0

    def counted(jobs: Sequence[Job]) -> list[bytes]:
        nonlocal encoded
        encoded += len(jobs)
        return job_lines(jobs)

    with patch.object(tree, "job_lines", counted):
        files = list(plan_files(plan))
    appearances = sum(len(file.lines) for file in files)
    jobs = len(plan.jobs)
    report(
        "  times a job is encoded / files it appears in", f"{encoded / jobs:.0f} / {appearances / jobs:.1f}"
    )


def benchmark_loading(folder: Path) -> None:
    """485,000 jobs: typed and verified loading against bare parses of the same bytes."""
    plan = built(routed(97, 5_000, 0.75))
    path = folder / "master_training_plan.json"
    path.write_bytes(b"".join(next(plan_files(plan)).chunks()))
    jobs = len(plan.jobs)
    del plan
    raw = path.read_bytes()
    report(f"plan of {jobs} jobs", f"{len(raw) / 1e6:.0f} MB")
    bare = best(3, lambda: json.loads(raw))
    fast = best(3, lambda: msgspec.json.decode(raw))
    strict = best(3, lambda: load_master_training_plan(path))
    report("  json.loads of its bytes", f"{bare:.2f} s")
    report("  msgspec.json.decode of its bytes, untyped", f"{fast:.2f} s")
    report("  load_master_training_plan, typed and verified", f"{strict:.2f} s")
    report("  ... relative to json.loads", f"{strict / bare:.2f}", "<= 1.5")
    report("  ... relative to msgspec.json.decode", f"{strict / fast:.2f}", "<= 1.5")
    memory = subprocess.run(
        [sys.executable, __file__, "--load", str(path)], capture_output=True, text=True, check=True
    )
    report("  peak memory of a process that loads it", f"{float(memory.stdout):.2f} GB", "< 1.5 GB")


def benchmark_gate(folder: Path) -> None:
    """The gate before training, all that it reads included, against loading the plan alone."""
    layout = Layout(folder / "gate")
    table = candidates(97, 5_000, local_score=0.75)
    write_candidates(table, layout.routing_candidates)
    write_routing_plan(route(table, POLICY, stamp=STAMP), layout)
    routing = read_routing_plan(layout)
    panel = panel_behind(routing)
    plan = built(routing, data_hashes=data_hashes(panel))
    layout.training_plan_dir.mkdir(parents=True)
    layout.master_plan.write_bytes(b"".join(next(plan_files(plan)).chunks()))
    del plan, routing, table

    def passed() -> MasterPlan:
        return require_current_plan(
            layout,
            read_basis(layout, POLICY, panel, SETTINGS),
            on_stale=OnStalePlan.REFUSE,
            on_missing=OnMissingPlan.REFUSE,
            fallback=lambda: load_master_training_plan(layout.master_plan),
            warn=print,
        )

    loaded = best(3, lambda: load_master_training_plan(layout.master_plan))
    gate = best(3, passed)
    report("  the gate before training: every check, and reading what it checks against", f"{gate:.2f} s")
    report("  ... relative to loading the plan", f"{gate / loaded:.2f}", "< 2")


def panel_behind(routing: RoutingPlan) -> PanelInfo:
    """The description of a panel that could have led to `routing`."""
    targets = [str(name) for name in routing.targets["target"]]
    features = tuple(json.loads(FEATURES))
    symbols = tuple(sorted(map(str, routing.pairs["symbol"].unique())))
    return PanelInfo(
        time_column="time",
        symbol_column="symbol",
        features=features,
        targets=tuple(TargetSpec(name, TaskType.CLASSIFICATION, 1, 10.0) for name in targets),
        symbols=symbols,
        n_rows=1,
        start="",
        end="",
        holdout_fraction=0.15,
        training_rows=(1,) * len(symbols),
        feature_hashes=tuple(map(content_hash, symbols)),
        label_hashes={name: tuple(content_hash([name, symbol]) for symbol in symbols) for name in targets},
    )


def benchmark_lookups(folder: Path) -> None:
    """Every target's symbols, the index included."""
    path = folder / "master_training_plan.json"
    plan = load_master_training_plan(path)
    targets = sorted({job.target for job in plan.jobs})
    start = time.perf_counter()
    found = sum(len(plan.symbols_by_target[target]) for target in targets)
    seconds = time.perf_counter() - start
    report(
        f"  symbol filters of {len(targets)} targets ({found} pairs), first use",
        f"{seconds:.3f} s",
        "< 0.2 s",
    )
    report("  consistency of the plan in itself", f"{best(1, lambda: structure_problems(plan)):.2f} s")
    other = load_master_training_plan(path)
    report("  diff against an equal plan", f"{best(1, lambda: diff_plans(plan, other)):.2f} s")


def main() -> None:
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        benchmark_making(folder, 0.52, "mixed routes")
        benchmark_making(folder, 0.75, "a job for every pair")
        benchmark_loading(folder)
        benchmark_lookups(folder)
        benchmark_gate(folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        loaded = load_master_training_plan(Path(sys.argv[2]))
        print(peak_gigabytes())
    else:
        main()
