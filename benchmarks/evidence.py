"""What the evidence costs, beside plain LightGBM fits measured in the same process.

    python benchmarks/evidence.py          the demo panel, about two minutes
    python benchmarks/evidence.py --big    50 targets x 500 symbols x 2,500 bars x 40 features too

Naive form of the demo: a fresh dataset and a default LightGBM of one thread for every fold, pooled and on
each symbol, nothing scored. Only CPU is judged, as a ratio; seconds are shown.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.worlds.big import BIG, write_world
from foxml_assets.core.config_files import load_config
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.evidence.arrays import Floats, PanelArrays, load_arrays, load_labels
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.families.threads import wait_passively
from foxml_assets.panel.data_config import DataConfig, DemoPanel
from foxml_assets.panel.folds import Fold, walk_forward
from foxml_assets.panel.panel_info import PanelInfo, TargetSpec
from foxml_assets.panel.panel_store import build_panel, load_panel_info, read_panel
from foxml_assets.storage.layout import Layout

NAIVE_TARGETS = 2
MOST_OF_NAIVE = 0.12
# All of a target's evidence (leakage, 501 models on 5 folds, scores) in parts of one default fit on its rows.
MOST_FITS_A_TARGET = 0.6
BIG_LIMITS = "stated: 10 minutes on 2 cores, 4 GB"


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of CPU over all threads."""

    wall: float
    cpu: float


def cost_of(work: Callable[[], object]) -> Cost:
    """What `work` took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def fit_naively(
    X: npt.NDArray[np.floating], y: Floats, test: npt.NDArray[np.floating], task: TaskType
) -> None:
    """A fresh dataset, a default fit, and predictions of the test rows."""
    import lightgbm as lgb

    objective = "binary" if task is TaskType.CLASSIFICATION else "regression"
    params = {"objective": objective, "num_threads": 1, "verbosity": -1}
    booster = lgb.train(params, lgb.Dataset(X, label=y))
    if len(test):
        booster.predict(test, num_threads=1)


def naive_target(panel: PanelArrays, spec: TargetSpec, y: Floats, folds: tuple[Fold, ...]) -> int:
    """All fits of one target in the naive form; how many there are."""
    n_fits = 0
    everything = slice(0, len(y))
    symbols = [panel.rows_of(symbol) for symbol in range(len(panel.symbols))]
    for rows in (everything, *symbols):
        X, label, bar = panel.X[rows], y[rows], panel.bar[rows]
        known = ~np.isnan(label)
        for fold in folds:
            train = known & (bar < fold.train_stop)
            test = known & (bar >= fold.test_start) & (bar < fold.test_stop)
            if train.sum() < 200:
                continue
            fit_naively(X[train], label[train], X[test], spec.task_type)
            n_fits += 1
    return n_fits


def evaluate(info: PanelInfo, config: DataConfig, layout: Layout) -> None:
    """The evidence stage on all targets."""
    names = [spec.name for spec in info.targets]
    for _ in evaluate_targets(names, info, config, layout, lambda _: None):
        pass


def demo(root: Path) -> bool:
    """Print the ratio on the demo panel; whether it is within its limit."""
    config, layout = DataConfig(panel=DemoPanel(source="demo")), Layout(root)
    info = build_panel(config, layout)
    read_rows = partial(read_panel, layout)
    panel = load_arrays(info, config.evidence, read_rows)
    # Spread over the list, so that both kinds of labels are among them.
    chosen = [info.targets[at * (len(info.targets) - 1)] for at in range(NAIVE_TARGETS)]
    labels = load_labels(tuple(spec.name for spec in chosen), info, config.evidence, read_rows)
    naive, n_fits = 0.0, 0
    for spec, y in zip(chosen, labels, strict=True):
        folds = walk_forward(len(panel.times), spec.horizon_bars, config.evidence)
        started = time.process_time()
        n_fits += naive_target(panel, spec, y, folds)
        naive += time.process_time() - started
        print(f"naive, {spec.name} ({spec.task_type.value}): {time.process_time() - started:.1f} s of CPU")
    all_naive = naive / len(chosen) * len(info.targets)
    found = cost_of(lambda: evaluate(info, config, layout))
    ratio = found.cpu / all_naive
    print(
        f"demo: evidence of {len(info.targets)} targets {found.cpu:.1f} s of CPU ({found.wall:.1f} s), "
        f"naive {all_naive:.1f} s (scaled from {len(chosen)} targets, {n_fits} fits)\n"
        f"demo: evidence over naive {ratio:.3f} (at most {MOST_OF_NAIVE})"
    )
    return ratio <= MOST_OF_NAIVE


def big(root: Path) -> bool:
    """Print wall, CPU and memory of the big world; whether a target costs few enough pooled fits."""
    config = load_config(root / "config" / "data_config.yaml", DataConfig)
    layout = Layout(root / "root")
    build_panel(config, layout)
    info = load_panel_info(layout)
    found = cost_of(lambda: evaluate(info, config, layout))
    # Before the naive fit, which would add its own memory.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    one = cost_of_pooled_fit(info, config, layout)
    only_ridge = config.evidence.model_copy(update={"families": ("ridge",)})
    linear = cost_of(lambda: evaluate(info, config.model_copy(update={"evidence": only_ridge}), layout))
    n_targets, size = len(info.targets), f"{len(info.targets)} targets x {len(info.symbols)} symbols"
    fits = found.cpu / n_targets / one.cpu
    print(
        f"big: {size}, {found.wall:.0f} s on {config.evidence.threads} threads, "
        f"{found.cpu:.0f} s of CPU, peak {peak:.2f} GB ({BIG_LIMITS})\n"
        f"big: CPU of a target over one default pooled fit on all rows ({one.cpu:.1f} s) "
        f"{fits:.2f} (at most {MOST_FITS_A_TARGET})\n"
        f"big: ridge alone, leakage and scores included, {linear.wall:.0f} s, {linear.cpu:.0f} s of CPU"
    )
    return fits <= MOST_FITS_A_TARGET


def cost_of_pooled_fit(info: PanelInfo, config: DataConfig, layout: Layout) -> Cost:
    """One default fit of the first target on all its rows, binning included."""
    read_rows, spec = partial(read_panel, layout), info.targets[0]
    panel = load_arrays(info, config.evidence, read_rows)
    (y,) = load_labels((spec.name,), info, config.evidence, read_rows)
    known = ~np.isnan(y)
    X, label = panel.X[known], y[known]
    return cost_of(lambda: fit_naively(X, label, X[:0], spec.task_type))


def run_big(folder: Path) -> bool:
    """`big` in a process of its own, so that the making of the world is not in its memory."""
    write_world(BIG, 0, folder, {})
    command = [sys.executable, __file__, "--measure-big", str(folder)]
    return subprocess.run(command, check=False).returncode == 0


def main() -> int:
    """Run the benchmark; 1 if a limit is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--big", action="store_true", help="the size of the targets as well: minutes, 4 GB")
    parser.add_argument("--measure-big", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    wait_passively()
    if chosen.measure_big:
        return 0 if big(chosen.measure_big) else 1
    with tempfile.TemporaryDirectory() as folder:
        good = demo(Path(folder, "demo"))
        if chosen.big:
            good &= run_big(Path(folder, "big"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
