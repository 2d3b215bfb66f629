"""A Dask scheduler and its workers: reached, described, and held to the software of this process."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from foxml_assets.core.errors import EngineError, Problem
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.registry import find_family

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 15
_log = logging.getLogger(__name__)

# What makes the bytes of a result beside its order: versions, by name, where it is called.
Software = Callable[[], Mapping[str, str]]


def library_versions(families: Sequence[ModelFamily], *others: str) -> dict[str, str]:
    """The versions of this package, of the libraries of `families` and of `others`, as installed here."""
    libraries = {find_family(family).distribution for family in families}
    names = sorted({"foxml-assets", "numpy", "pandas", *libraries, *others})
    return {name: _version(name) for name in names}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def describe_cluster(scheduler: str, software: Software) -> str:
    """What workers there are now. Raises EngineError as `connected` and `require_same_software`."""
    with connected(scheduler) as client:
        require_same_software(client, software)
        threads = client.nthreads()
    return f"{len(threads)} workers with {sum(threads.values())} threads at {scheduler}"


def require_same_software(client: "Client", software: Software) -> None:
    """Raise EngineError if a worker that is there now has other software than this process."""
    expected = software()
    problems: list[Problem] = []
    for worker, found in client.run(software, on_error="return").items():
        if isinstance(found, dict):
            wrong = [name for name in expected if found[name] != expected[name]]
            problems += [Problem(f"{worker}: {at}", f"is {expected[at]} here", found[at]) for at in wrong]
        elif not isinstance(found, OSError):  # as of a worker that has gone meanwhile
            problems.append(Problem(worker, f"cannot run jobs: {found}"))
    if problems:
        raise EngineError(
            "Dask workers have other software than this machine",
            problems=problems,
            fix="install there what is installed here, at the same versions",
        )


def _require_certificate(scheduler: str) -> None:
    """Raise EngineError if `scheduler` speaks TLS and this process does not: a client that finds it out by
    itself hangs for half a minute when it goes. Raises OSError for files that cannot be read."""
    from distributed.security import Security

    has_none = Security().get_connection_args("client")["ssl_context"] is None
    if scheduler.startswith("tls://") and has_none:
        raise EngineError(
            "the Dask scheduler speaks TLS, for which nothing is set here",
            problems=[Problem("engine.scheduler", "needs a certificate of this process", scheduler)],
            fix="set DASK_CONFIG to the file that names it, as in docs/cluster.md, under Security",
        )


@contextmanager
def connected(scheduler: str) -> Iterator["Client"]:
    """A client of the scheduler at that address. Raises EngineError, also when it is lost in the block."""
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineError(
            "jobs are to run on Dask, which is not installed",
            problems=[Problem("engine.kind", str(error), "dask")],
            fix="pip install 'foxml-assets[dask]'",
        ) from error
    try:
        _require_certificate(scheduler)
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False, name="foxml")
    except (OSError, ValueError, TypeError) as error:
        raise EngineError(
            "no Dask scheduler answers",
            problems=[Problem("engine.scheduler", str(error), scheduler)],
            fix="start one (dask scheduler), or set the address that it prints in training_config.yaml",
        ) from error
    try:
        with client:
            yield client
    except (OSError, CancelledError) as error:
        # A command goes on after a batch that failed, and shows what was logged.
        _log.warning("the Dask scheduler at %s was lost", scheduler)
        raise EngineError(
            "the Dask scheduler was lost; what was finished stands",
            problems=[Problem("engine.scheduler", str(error), scheduler)],
            fix="start it again, and then the same command: it goes on from there",
        ) from error
