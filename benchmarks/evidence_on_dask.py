"""The evidence stage on two one-thread workers of Dask beside two threads, on the demo panel.

    python benchmarks/evidence_on_dask.py --rounds 3    some two minutes

Each round does both, in turn; the quicker of its rounds counts for each. What Dask costs is judged by CPU,
which other work on the machine does not lengthen; the cluster and its imports stand before the first round.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from foxml_assets.engines.settings import THREADS, EngineSettings, OnDask
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.families.threads import wait_passively
from foxml_assets.panel.data_config import DataConfig, DemoPanel
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout

if TYPE_CHECKING:
    from distributed import Client

# Each worker makes what all targets share, and a pass of ridge over the panel serves one target, where on
# threads it serves those of a batch.
MOST_CPU = 1.8
WORKERS = 2


def warm_up() -> None:
    """What the first fit of a process would import."""
    import lightgbm  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import xgboost  # noqa: F401


def peak_memory() -> float:
    """The most memory that this process had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def evaluate(info: PanelInfo, config: DataConfig, root: Path, engine: EngineSettings) -> dict[str, bytes]:
    """Evaluate all targets in a new root; the files that came of it."""
    layout = Layout(root)
    assert build_panel(config, layout) == info
    names = [one.name for one in info.targets]
    for _ in evaluate_targets(names, info, config, layout, lambda _: None, engine):
        pass
    found = [path for path in layout.metrics.rglob("*") if path.is_file() and path.name != "timing.json"]
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def cost_of(work: Callable[[int], None], cpu_time: Callable[[], float], number: int) -> tuple[float, float]:
    """Seconds on the clock, and of CPU by `cpu_time`, of one round."""
    wall, cpu = time.perf_counter(), cpu_time()
    work(number)
    return time.perf_counter() - wall, cpu_time() - cpu


def compare(client: "Client", scheduler: str, folder: Path, rounds: int) -> bool:
    """Print both; whether Dask is within its limit and makes the same files."""
    config = DataConfig(panel=DemoPanel(source="demo"))
    info = build_panel(config, Layout(folder / "info"))
    files: dict[str, dict[str, bytes]] = {}
    engines: dict[str, EngineSettings] = {
        "threads": THREADS,
        "dask": OnDask(kind="dask", scheduler=scheduler),
    }

    def cpu_time() -> float:
        return time.process_time() + float(sum(client.run(time.process_time).values()))

    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for number in range(rounds):
        for name, engine in engines.items():

            def work(at: int, name: str = name, engine: EngineSettings = engine) -> None:
                files[name] = evaluate(info, config, folder / f"{name}{at}", engine)

            costs[name].append(cost_of(work, cpu_time, number))
    (wall, cpu), (dask_wall, dask_cpu) = (tuple(map(min, zip(*costs[name], strict=True))) for name in engines)
    peak = max(client.run(peak_memory).values())
    print(
        f"threads {wall:.1f} s, {cpu:.1f} s of CPU; dask {dask_wall:.1f} s, {dask_cpu:.1f} s of CPU\n"
        f"dask over threads: {dask_wall / wall:.2f} on the clock, {dask_cpu / cpu:.2f} of CPU (at most "
        f"{MOST_CPU}); a worker had {peak:.2f} GB at most"
    )
    return files["dask"] == files["threads"] and dask_cpu / cpu <= MOST_CPU


def main() -> int:
    """Run the benchmark; 1 if the limit is broken or a file differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    wait_passively()
    warm_up()
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, memory_limit=0, dashboard_address=None, host="127.0.0.1"
    )
    with tempfile.TemporaryDirectory() as folder, cluster, Client(cluster) as client:
        client.run(warm_up)
        return 0 if compare(client, cluster.scheduler_address, Path(folder), rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
