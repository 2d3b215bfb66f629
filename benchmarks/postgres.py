"""What the asset graph costs with its Dagster instance in Postgres, as a ratio to SQLite.

    python benchmarks/postgres.py            100 x 1000 pairs, about five minutes
    python benchmarks/postgres.py --quick    10 x 1000 pairs

Both are measured in one run: the commands of `graph.py`, partitions, and the events of a batch, which are two
a job. The server is a real one on this machine that waits for the disk; one across a network adds its way for
every statement.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "defs"))

from postgres_server import postgres_server

from benchmarks.graph import ADDED, AGAIN, FIRST, RETIRED, begin, measure_commands, measure_partitions
from foxml_assets.defs.running.held_databases import databases_held_open, use_connections_again
from foxml_assets.defs.running.instance import open_instance

SHIPPED = Path(__file__).parents[1] / "deploy" / "postgres" / "dagster.yaml"
N_EVENTS = 400
EVENTS = f"{N_EVENTS} partitions reported by a run"
_JOBS = dg.DynamicPartitionsDefinition(name="measured")


@dg.asset(partitions_def=_JOBS, output_required=False, backfill_policy=dg.BackfillPolicy.single_run())
def measured(context: dg.AssetExecutionContext) -> Iterator[dg.AssetMaterialization]:
    """An asset that does nothing but report its partitions, as a batch does."""
    for key in context.partition_keys:
        yield dg.AssetMaterialization(context.asset_key, partition=key, metadata={"job_id": key})


def measure_events(home: Path) -> float:
    """Seconds of a run that reports N_EVENTS partitions, and plans as many."""
    keys = [f"job_{number}" for number in range(N_EVENTS)]
    with open_instance(home) as instance, databases_held_open():
        use_connections_again(instance)
        instance.add_dynamic_partitions("measured", keys)
        start = time.perf_counter()
        tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
        job = dg.Definitions(assets=[measured]).resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance, tags=tags).success
        return time.perf_counter() - start


def measure(size: tuple[int, int], folder: Path, settings: Path | None) -> dict[str, float]:
    """Seconds of everything in one instance; `settings` is its dagster.yaml, None for the usual one."""
    home = folder / "root" / "dagster"
    home.mkdir(parents=True)
    if settings:
        shutil.copy(settings, home / "dagster.yaml")
    # The partitions first, while the instance has no others.
    partitions = measure_partitions(home)
    commands, _ = measure_commands(*size, folder)
    return commands | partitions | {EVENTS: measure_events(home)}


def main() -> int:
    """Run the benchmark."""
    size, _ = begin(__doc__)
    with tempfile.TemporaryDirectory() as name, postgres_server(is_durable=True) as variables:
        os.environ.update(variables)
        sqlite = measure(size, Path(name) / "sqlite", None)
        postgres = measure(size, Path(name) / "postgres", SHIPPED)
    print(f"{size[0]} x {size[1]} pairs")
    print(f"{'':<36} {'SQLite':>9} {'Postgres':>9} {'ratio':>9}")
    for name in ("core", FIRST, AGAIN, ADDED, RETIRED, EVENTS):
        print(f"{name:<36} {sqlite[name]:>9.2f} {postgres[name]:>9.2f} {postgres[name] / sqlite[name]:>9.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
