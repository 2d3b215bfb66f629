"""Runs that a command executes itself, against the instance of the root."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from foxml_assets.commands.console import error_console
from foxml_assets.defs.build import CHECK_JOB, REPORT_JOB, build_definitions
from foxml_assets.defs.claims import Role, claimed
from foxml_assets.defs.instance import open_instance
from foxml_assets.defs.runs import command_tags, describe_runs, end_lost_runs, runs_at_work
from foxml_assets.defs.stages import QUIET, STAGE_ASSETS, StageRun
from foxml_assets.locks import hold_lock
from foxml_assets.workspace import Workspace

_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Launcher:
    """Executes stages in this process, each as a run of the instance."""

    workspace: Workspace
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    without_checks: dg.Definitions

    def materialize(self, run: StageRun, *, raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
        """Materialize the assets of `run` with their checks, or without any if it names none."""
        definitions = self.definitions if run.checks is None else self.without_checks
        job = definitions.resolve_implicit_global_asset_job_def()
        return self._execute(job, run, run.asset_keys, raise_on_error=raise_on_error)

    def report(self) -> None:
        """Write the report and check the models."""
        self._execute(self.definitions.resolve_job_def(REPORT_JOB), StageRun(()), None, raise_on_error=True)

    def check(self) -> dg.ExecuteInProcessResult:
        """Run every asset check."""
        job = self.definitions.resolve_job_def(CHECK_JOB)
        return self._execute(job, StageRun(()), None, raise_on_error=False)

    def wait_for_others(self) -> None:
        """Wait for the runs of this root that the daemon has; its sensors add none meanwhile."""
        told = ""
        while runs := runs_at_work(self.instance, self.workspace.root, STAGE_ASSETS):
            if (text := describe_runs(runs)) != told:
                error_console.print(f"Waiting for {text}", markup=False)
                told = text
            time.sleep(_POLL_SECONDS)

    def _execute(
        self, job: dg.JobDefinition, run: StageRun, assets: list[dg.AssetKey] | None, *, raise_on_error: bool
    ) -> dg.ExecuteInProcessResult:
        root, run_id = self.workspace.root, str(uuid.uuid4())
        with claimed(root, run_id, Role.RUN, "executing a run"):
            return job.execute_in_process(
                instance=self.instance,
                asset_selection=assets,
                tags={**run.tags, **command_tags(root)},
                run_config={**QUIET, **run.config},
                run_id=run_id,
                raise_on_error=raise_on_error,
            )


@contextmanager
def open_launcher(workspace: Workspace) -> Iterator[Launcher]:
    """Execute runs over `workspace`, whatever else is at work on it. Raises ConfigError."""
    definitions, without_checks = (build_definitions(workspace, checks=checks) for checks in (True, False))
    with open_instance(workspace.dagster_home) as instance:
        end_lost_runs(instance, workspace.root)
        yield Launcher(workspace, instance, definitions, without_checks)


@contextmanager
def open_pipeline(workspace: Workspace, command: str) -> Iterator[Launcher]:
    """Execute runs over `workspace` as the only command that does; the sensors of the root wait.

    Raises LockHeldError if another command is at work, and ConfigError.
    """
    lock = hold_lock(workspace.layout.metrics / ".command.lock", purpose="running the pipeline of this root")
    claim = claimed(workspace.root, uuid.uuid4().hex, Role.COMMAND, command)
    with lock, claim, open_launcher(workspace) as launcher:
        launcher.wait_for_others()
        yield launcher
