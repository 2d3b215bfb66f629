"""What the pages of the UI ask for at size, answered by a real web server over SQLite and over Postgres.

    python benchmarks/ui.py            100 x 1000 pairs, about three minutes
    python benchmarks/ui.py --quick    10 x 1000 pairs, without limits

A limit is a ratio to the core of `graph.py`, which is timed in the same run; the seconds that are printed
beside are what it was set for, on two free cores.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "defs"))

from postgres_server import postgres_server

from benchmarks.graph import begin, measure_commands
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.workspace import Workspace

SHIPPED = Path(__file__).parents[1] / "deploy" / "postgres" / "dagster.yaml"
QUERIES = {
    "the graph": """{ assetNodes { id assetKey { path } groupName kinds description dependencyKeys { path }
        isPartitioned staleStatus partitionStats { numMaterialized numPartitions numFailed numMaterializing }
        assetMaterializations(limit: 1) { timestamp } } }""",
    "the partitions of an asset": """{ assetNodeOrError(assetKey: {path: ["symbol_models"]}) { __typename
        ... on AssetNode { id partitionKeysByDimension { name partitionKeys } assetPartitionStatuses {
        ... on DefaultPartitionStatuses { materializedPartitions failedPartitions unmaterializedPartitions }
        } } } }""",
    "an asset": """{ assetNodeOrError(assetKey: {path: ["master_training_plan"]}) { __typename
        ... on AssetNode { id description assetMaterializations(limit: 10) { timestamp metadataEntries {
        label ... on MarkdownMetadataEntry { mdStr } ... on TableMetadataEntry { table { records } }
        } } } } }""",
}
ROUNDS = 5
# At most this part of the core, and the second that it was set for.
LIMIT = 0.5
_PATIENCE_SECONDS = 120


def ask(port: int, query: str) -> dict[str, object]:
    """What the server answers to a query."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    connection.request("POST", "/graphql", json.dumps({"query": query}), {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert "errors" not in answer, answer["errors"]
    return dict(answer["data"])


@contextmanager
def web_server(workspace: Workspace) -> Iterator[int]:
    """Dagster's web server over a root, on the port that it yields when all is loaded."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    places = {
        "FOXML_ROOT": str(workspace.root),
        "FOXML_CONFIG_DIR": str(workspace.config_dir),
        "DAGSTER_HOME": str(workspace.dagster_home),
    }
    command = [str(Path(sys.executable).with_name("dagster-webserver")), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--module-name", "foxml_assets.definitions", "--log-level", "error"]
    server = subprocess.Popen(command, env={**os.environ, **places})
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                ask(port, "{ version }")
                break
            except OSError:
                assert time.monotonic() < deadline, "the web server did not start"
                time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        server.wait()


def measure_queries(workspace: Workspace) -> dict[str, float]:
    """Median seconds of each query, after it was asked once."""
    found = {}
    with web_server(workspace) as port:
        for name, query in QUERIES.items():
            seconds = []
            for _ in range(1 + ROUNDS):
                start = time.perf_counter()
                ask(port, query)
                seconds.append(time.perf_counter() - start)
            found[name] = median(seconds[1:])
    return found


def measure(
    size: tuple[int, int], folder: Path, settings: Path | None
) -> tuple[dict[str, float], float, int]:
    """Seconds of the queries and of the core, and the number of jobs; `settings` as in `postgres.py`."""
    home = folder / "root" / "dagster"
    home.mkdir(parents=True)
    if settings:
        shutil.copy(settings, home / "dagster.yaml")
    commands, workspace = measure_commands(*size, folder)
    n_jobs = len(load_master_training_plan(workspace.layout.master_plan).jobs)
    return measure_queries(workspace), commands["core"], n_jobs


def main() -> int:
    """Run the benchmark; 1 if a limit is broken."""
    size, is_judged = begin(__doc__)
    good = True
    with tempfile.TemporaryDirectory() as name:
        sqlite = measure(size, Path(name) / "sqlite", None)
        with postgres_server(is_durable=True) as variables:
            os.environ.update(variables)
            postgres = measure(size, Path(name) / "postgres", SHIPPED)
    print(f"{size[0]} x {size[1]} pairs, {sqlite[2]} jobs; at most {LIMIT} of the core, set for 1 s")
    for what, (found, core, _) in {"SQLite": sqlite, "Postgres": postgres}.items():
        for query, seconds in found.items():
            print(f"{what:<10} {query:<30} {seconds:>8.3f} s {seconds / core:>8.2f} of the core")
            good &= seconds <= LIMIT * core
    return 0 if good or not is_judged else 1


if __name__ == "__main__":
    sys.exit(main())
