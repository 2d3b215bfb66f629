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


def record_origin(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Give a run of a command the origin that it would have if it had been launched in the UI."""
    repository = _repository()
    is_of_a_command = run.tags.get(_REPOSITORY_TAG) == repository.get_label()
    if is_of_a_command and run.remote_job_origin is None:
        instance.run_storage.replace_job_origin(run, RemoteJobOrigin(repository, run.job_name))


def repository_tags(run: dg.DagsterRun) -> dict[str, str]:
    """The tag by which another run is listed where `run` is, if that is known."""
    label = run.tags.get(_REPOSITORY_TAG)
    return {} if label is None else {_REPOSITORY_TAG: label}


def adopt_origin(instance: dg.DagsterInstance, run_id: str, parent: dg.DagsterRun) -> None:
    """Give the run the origin of the run that executed it."""
    run, origin = instance.get_run_by_id(run_id), parent.remote_job_origin
    if run is not None and origin is not None:
        own = RemoteJobOrigin(origin.repository_origin, run.job_name)
        instance.run_storage.replace_job_origin(run, own)


def _repository() -> RemoteRepositoryOrigin:
    target = LoadableTargetOrigin(
        executable_path=sys.executable, module_name=LOCATION, working_directory=str(Path.cwd())
    )
    return RemoteRepositoryOrigin(ManagedGrpcPythonEnvCodeLocationOrigin(target), "__repository__")
