"""A real Dask scheduler and its workers, each a process of its own."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client, Scheduler


REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Cluster:
    """A scheduler, and workers of one thread each."""

    address: str
    scheduler: "subprocess.Popen[str]"

    @contextmanager
    def client(self) -> Iterator["Client"]:
        """A client beside the engine's own."""
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout=20) as client:
            yield client


def n_tasks(dask_scheduler: "Scheduler") -> int:
    """How many tasks a scheduler knows of: waiting, at a worker, or done and not forgotten."""
    return len(dask_scheduler.tasks)


def n_steps(dask_scheduler: "Scheduler") -> int:
    """How many steps the tasks of a scheduler have gone so far; none if it never had a task."""
    return dask_scheduler.transition_counter


@contextmanager
def dask_cluster(
    folder: Path, *, workers: int = 2, nannies: bool = False, paths: Sequence[Path] = ()
) -> Iterator[Cluster]:
    """A cluster on loopback whose workers import from `paths` too; nannies start killed ones again."""
    with ExitStack() as processes:
        scheduler = processes.enter_context(
            _started("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", folder=folder)
        )
        address = _said(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        for _ in range(workers):
            processes.enter_context(
                _started(
                    *("worker", address, "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"),
                    *("--nanny" if nannies else "--no-nanny", "--local-directory", str(folder)),
                    folder=folder,
                    paths=paths,
                )
            )
        cluster = Cluster(address, scheduler)
        if workers:
            with cluster.client() as client:
                client.wait_for_workers(workers, timeout=60)
        yield cluster


@contextmanager
def _started(
    command: str, *arguments: str, folder: Path, paths: Sequence[Path] = ()
) -> Iterator["subprocess.Popen[str]"]:
    module = f"distributed.cli.dask_{command}"
    found = os.pathsep.join(map(str, [*paths, REPOSITORY, Path(__file__).parent]))
    environment = {**os.environ, "PYTHONPATH": found, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            # A nanny that is terminated ends its worker too.
            process.terminate() if "--nanny" in arguments else process.kill()


def _said(process: "subprocess.Popen[str]", pattern: str) -> str:
    """The first match in what the process says, which is read on so that it is never held up."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(pattern, line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError(f"the process ended with {process.wait()}")
