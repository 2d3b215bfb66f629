"""Where the job of a run is found: what the UI needs to execute a run of a command again.

`execute_in_process` records no origin, and Dagster has no public way to add one. The private names that
do are here alone; a test guards them.
"""

import sys
from pathlib import Path

import dagster as dg
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

LOCATION = "foxml_assets.definitions"
_REPOSITORY_TAG = ".dagster/repository"


def origin_tags() -> dict[str, str]:
    """The tag by which the UI lists a run under the code location."""
    return {_REPOSITORY_TAG: _repository().get_label()}


def record_origin(instance: dg.DagsterInstance, run_id: str) -> None:
    """Give the run the origin that it would have if it had been launched in the UI; keep one it has."""
    run = instance.get_run_by_id(run_id)
    if run is not None and run.remote_job_origin is None:
        instance.run_storage.replace_job_origin(run, RemoteJobOrigin(_repository(), run.job_name))


def _repository() -> RemoteRepositoryOrigin:
    target = LoadableTargetOrigin(
        executable_path=sys.executable, module_name=LOCATION, working_directory=str(Path.cwd())
    )
    return RemoteRepositoryOrigin(ManagedGrpcPythonEnvCodeLocationOrigin(target), "__repository__")
