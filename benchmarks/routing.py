"""How fast candidates become a routing plan, beside a bare read of the file and a plain loop over rows.

    python benchmarks/routing.py            the two sizes of the targets, about two minutes
    python benchmarks/routing.py --quick    the smaller size only

Every size runs in a process of its own, so that its peak memory is its own. Judged is the ratio to the plain
loop, which a busy machine slows down too; it was set for 5 and 10 seconds on two free cores.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from foxml_assets.core.stamp import RunStamp
from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.candidates.candidates_file import read_candidates, write_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

SIZES = ((100, 1_000), (200, 5_000))
# Of the time of the plain loop, which gives the states alone.
MOST_LOOPS = {(100, 1_000): 50.0, (200, 5_000): 20.0}
LIMIT_GIGABYTES = 2.0
LOOP_SAMPLE = 20_000
STAMP = RunStamp("2026-01-01T00:00:00Z", "benchmark", None)


class LoopRow(TypedDict):
    """What the plain loop looks at; a row without snapshots is not asked for its overlaps and taus."""

    score_metric: str
    sample_size: int
    score: float
    leakage_status: str
    n_snapshots: int | None
    mean_overlap: float
    std_overlap: float
    mean_tau: float
    std_tau: float


def generate(n_targets: int, n_symbols: int) -> pd.DataFrame:
    """A pooled row per target and a row per pair: all stabilities, leakage words and both metrics."""
    rng = np.random.default_rng(7)
    rows = n_targets * (n_symbols + 1)
    target = np.repeat(np.arange(n_targets), n_symbols + 1)
    symbol = np.tile(np.arange(-1, n_symbols), n_targets)
    is_ic = target % 3 == 0
    skill = rng.normal(0.08, 0.1, rows)
    se = rng.uniform(0.01, 0.04, rows)
    kind = rng.integers(0, 4, rows)  # stable, drifting, diverged, unknown
    overlap = np.choose(kind, [0.8, 0.28, 0.05, np.nan])
    columns: dict[str, object] = {
        "target": words(target, [f"y_target_{at:03d}" for at in range(n_targets)]),
        "symbol": words(symbol, [f"S{at:05d}" for at in range(n_symbols)]),
        "task_type": words(is_ic.astype(int), ["classification", "regression"]),
        "score_metric": words(is_ic.astype(int), ["auc", "ic"]),
        "horizon_minutes": np.choose(target % 4, [30.0, 120.0, 600.0, 7_200.0]),
        "sample_size": np.where(symbol < 0, 500_000, rng.integers(500, 9_000, rows)),
        "n_snapshots": np.where(kind == 3, np.nan, 5.0),
        "mean_overlap": overlap,
        "std_overlap": np.where(kind == 3, np.nan, 0.05),
        "mean_tau": overlap,
        "std_tau": np.where(kind == 3, np.nan, 0.05),
        "successful_families": words(np.zeros(rows, int), ["lightgbm|xgboost"]),
    }
    leakage = words(rng.choice(4, rows, p=[0.9, 0.05, 0.02, 0.03]), ["SAFE", "SUSPECT", "BLOCKED", "UNKNOWN"])
    # Pooled rows are kept clean: a leaking target would block all its pairs and make the work easier.
    leakage[symbol < 0] = "SAFE"
    columns["leakage_status"] = leakage
    for name, shift in (("score", 0.0), ("cs_score", 0.01), ("both_score", 0.02)):
        own = np.clip(np.where(is_ic, skill + shift, 0.5 + (skill + shift) / 2), 0.0, 1.0)
        hidden = (symbol < 0) & (name != "score")
        columns[name] = np.where(hidden, np.nan, own)
        columns[f"{name}_se"] = np.where(hidden, np.nan, se)
    columns["difference"] = np.where(symbol < 0, np.nan, -0.01)
    columns["difference_se"] = np.where(symbol < 0, np.nan, se)
    return typed_candidates(pd.DataFrame(columns))


def words(codes: npt.NDArray[np.int_], names: list[str]) -> "pd.Categorical[str]":
    """A column of `names`, by their positions."""
    return pd.Categorical.from_codes(codes, pd.Index(names))


def loop_states(rows: list[LoopRow], policy: RoutingPolicy) -> list[str]:
    """The ladder of `method: thresholds` without error control for symbol rows, one row at a time."""
    rules, lane = policy.stability_classification, policy.experimental
    states = []
    for row in rows:
        overlap, tau = row["mean_overlap"], row["mean_tau"]
        if not row["n_snapshots"] or row["n_snapshots"] < rules.min_snapshots_for_stability:
            stability = "UNKNOWN"
        elif row["std_overlap"] > rules.max_std_overlap or row["std_tau"] > rules.max_std_tau:
            stability = "DIVERGED"
        elif overlap >= rules.stable_overlap_min and tau >= rules.stable_tau_min:
            stability = "STABLE"
        elif overlap >= rules.drifting_overlap_min and tau >= rules.drifting_tau_min:
            stability = "DRIFTING"
        else:
            stability = "DIVERGED"
        thresholds = policy.symbol.auc if row["score_metric"] == "auc" else policy.symbol.ic
        scores = lane.min_score.symbol
        trial = scores.auc if row["score_metric"] == "auc" else scores.ic
        assert thresholds is not None
        assert trial is not None
        clear, steady = row["leakage_status"] == "SAFE", stability in policy.stability_allowlist.symbol
        if row["sample_size"] < policy.min_sample_size.symbol or row["leakage_status"] == "BLOCKED":
            states.append("DISALLOWED")
        elif clear and steady and row["score"] >= thresholds.strong_score:
            states.append("STRONG")
        elif clear and steady and row["score"] >= thresholds.min_score:
            states.append("WEAK_BUT_OK")
        elif row["score"] >= trial and stability in lane.allowed_stabilities:
            states.append("EXPERIMENTAL")
        else:
            states.append("DISALLOWED")
    return states


def measure(n_targets: int, n_symbols: int, root: Path) -> dict[str, float]:
    """Seconds of each step of one size, in this process, and its peak memory in gigabytes."""
    layout = Layout(root)
    path = layout.routing_candidates
    found: dict[str, float] = {"pairs": n_targets * n_symbols}

    def timed(name: str, start: float) -> None:
        found[name] = time.perf_counter() - start

    start, cpu = time.perf_counter(), time.process_time()
    candidates = read_candidates(path)
    timed("read", start)
    middle = time.perf_counter()
    policy = RoutingPolicy()
    plan = route(candidates, policy, stamp=STAMP)
    timed("route", middle)
    del candidates
    middle = time.perf_counter()
    write_routing_plan(plan, layout, policy.output)
    timed("write", middle)
    timed("total", start)
    found["cpu"] = time.process_time() - cpu
    found["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found["json_mb"] = layout.routing_plan.stat().st_size / 1e6
    middle = time.perf_counter()
    read_routing_plan(layout)
    timed("read_plan", middle)
    middle = time.perf_counter()
    assert pq.read_table(path).num_rows == n_targets * (n_symbols + 1)
    timed("bare_read", middle)
    return found


def measure_loop(root: Path) -> tuple[float, int]:
    """Seconds per row of the plain loop, and on how many sampled rows it differs from the router."""
    policy = RoutingPolicy.model_validate({"method": "thresholds", "fdr": {"enabled": False}})
    candidates = read_candidates(Layout(root).routing_candidates)
    # Whole targets, so that the router sees their pooled rows; no experimental cap is at work on states.
    some = candidates[candidates["target"].cat.codes < 1 + LOOP_SAMPLE // 5_000].reset_index(drop=True)
    sample = some.dropna(subset=["symbol"]).head(LOOP_SAMPLE)
    clean = sample.astype(object).where(sample.notna(), None)
    # With every column: rows of fewer keys would make the loop quicker, by which all is judged.
    rows = cast(list[LoopRow], clean.to_dict("records"))
    start = time.perf_counter()
    states = loop_states(rows, policy)
    seconds = (time.perf_counter() - start) / len(rows)
    decided = route(some, policy, stamp=STAMP).pairs["local_state"].head(len(states))
    return seconds, sum(one != other for one, other in zip(states, decided, strict=True))


def run_size(n_targets: int, n_symbols: int, root: Path) -> dict[str, float]:
    """`measure` in a process of its own."""
    write_candidates(generate(n_targets, n_symbols), Layout(root).routing_candidates)
    command = [sys.executable, __file__, "--measure", str(n_targets), str(n_symbols), str(root)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(answer.stdout))


COLUMNS = {
    "pairs": ",.0f",
    "read": ".2f",
    "route": ".2f",
    "write": ".2f",
    "total": ".2f",
    "loops": ".1f",
    "at_most": ".0f",
    "cpu": ".2f",
    "peak_gb": ".2f",
    "json_mb": ".0f",
    "read_plan": ".2f",
    "bare_read": ".2f",
    "row_loop": ".2f",
}


def report(results: dict[tuple[int, int], dict[str, float]], loop_seconds: float) -> bool:
    """Print the table; False if a limit is broken."""
    print(" ".join(f"{name:>9}" for name in COLUMNS))
    good = True
    for size, found in results.items():
        loop = loop_seconds * found["pairs"]
        found |= {"row_loop": loop, "loops": found["total"] / loop, "at_most": MOST_LOOPS[size]}
        print(" ".join(f"{format(found[name], form):>9}" for name, form in COLUMNS.items()))
        good &= found["loops"] <= found["at_most"] and found["peak_gb"] <= LIMIT_GIGABYTES
    if len(results) == 2:
        small, large = results.values()
        growth = (large["total"] / large["pairs"]) / (small["total"] / small["pairs"])
        good &= growth <= 1.2
        print(f"time per pair at the large size over the small one: {growth:.2f} (at most 1.2)")
    print(
        "seconds; total: read to write; cpu: of all threads;"
        " row_loop: states only, one row at a time, scaled up from a sample; loops: total over it"
    )
    return good


def main() -> int:
    """Run the benchmark; 1 if a limit is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the smaller size only")
    parser.add_argument("--measure", nargs=3, metavar=("TARGETS", "SYMBOLS", "ROOT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        n_targets, n_symbols, root = chosen.measure
        print(json.dumps(measure(int(n_targets), int(n_symbols), Path(root))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        results = {}
        for at, size in enumerate(SIZES[:1] if chosen.quick else SIZES):
            results[size] = run_size(*size, Path(folder, str(at)))
        loop_seconds, differences = measure_loop(Path(folder, "0"))
    print(f"plain loop and router differ on {differences} of {LOOP_SAMPLE:,} sampled rows")
    return 0 if report(results, loop_seconds) and differences == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
