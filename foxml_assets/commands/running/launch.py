"""Runs that a command launches: it executes them itself, or asks the daemon of the root for them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from foxml_assets.commands.console import console, error_console
from foxml_assets.commands.running.interrupts import Interrupts, heard_interrupts
from foxml_assets.core.errors import Problem, RunError
from foxml_assets.defs.build import CHECK_JOB, REPORT_JOB, build_definitions
from foxml_assets.defs.running.execution import execute_here, sole_command
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.ledger import Ledger, ledger_of
from foxml_assets.defs.running.requested import INTERVAL_SECONDS, ask_for, run_of, withdraw
from foxml_assets.defs.running.runs import (
    describe_runs,
    end_lost_runs,
    has_living_server,
    runs_at_work,
)
from foxml_assets.defs.running.stage_runs import StageRun, check_config, report_run
from foxml_assets.stages import STAGE_ASSETS
from foxml_assets.workspace import Workspace

_POLL_SECONDS = 1.0
# The sensor looks every two seconds; where it is switched off, the command executes its runs itself.
_PICKUP_SECONDS = 60.0


@dataclass(frozen=True)
class Launcher:
    """Launches stages, each as a run of the instance. `claim` is the command's own."""

    workspace: Workspace
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    without_checks: dg.Definitions
    interrupts: Interrupts
    claim: str

    @property
    def ledger(self) -> Ledger:
        """What the instance holds of the workspace's graph."""
        return ledger_of(self.workspace, self.instance)

    def materialize(self, run: StageRun) -> None:
        """Materialize the assets of `run`: by the daemon of the root where one lives, else here.

        Raises RunError, and what the assets raise.
        """
        if self.queue([run], raise_on_error=True):
            self.execute(run, raise_on_error=True)

    def execute(self, run: StageRun, *, raise_on_error: bool) -> None:
        """Materialize the assets of `run` here; their checks are made only if it names none itself."""
        definitions = self.definitions if run.checks is None else self.without_checks
        job = definitions.resolve_implicit_global_asset_job_def()
        self._execute(job, run, raise_on_error=raise_on_error)

    def report(self) -> None:
        """Write the report and check the models."""
        if not self.queue([report_run()], raise_on_error=True):
            return
        job = self.definitions.resolve_job_def(self.ledger.names.flat(REPORT_JOB))
        self._execute(job, StageRun(()), raise_on_error=True)

    def check(self, *, deep: bool) -> dg.ExecuteInProcessResult:
        """Run every asset check; `deep` reads every model."""
        job = self.definitions.resolve_job_def(self.ledger.names.flat(CHECK_JOB))
        config = check_config(self.ledger.names, deep=deep)
        return self._execute(job, StageRun(()), config=config, raise_on_error=False)

    def _execute(
        self,
        job: dg.JobDefinition,
        run: StageRun,
        *,
        config: Mapping[str, object] | None = None,
        raise_on_error: bool,
    ) -> dg.ExecuteInProcessResult:
        try:
            return execute_here(
                job, self.instance, self.workspace, run, config=config, raise_on_error=raise_on_error
            )
        finally:
            # An error that came of a Ctrl-C is not what the user is to read of.
            self.interrupts.raise_lost()

    def queue(self, runs: Sequence[StageRun], *, raise_on_error: bool) -> Sequence[StageRun]:
        """Have `runs` executed by the daemon of the root, and wait; returns those that it did not take.

        A daemon that goes by another config folder or instance is none. Raises RunError if asked to.
        """
        root = self.workspace.root
        if not runs or not self._has_daemon():
            return runs
        what = "1 run is" if len(runs) == 1 else f"{len(runs)} runs are"
        console.print(f"The daemon of this root is alive: {what} put into its queue")
        names = [ask_for(root, run, self.claim) for run in runs]
        try:
            followed = [self._follow(name) for name in names]
        finally:
            # Also when the command is interrupted: what was not begun shall not begin without it.
            for name in names:
                withdraw(root, name)
        for launched in followed:
            if raise_on_error and launched is not None and not launched.is_success:
                raise _failure(self.instance, launched)
        return [run for run, launched in zip(runs, followed, strict=True) if launched is None]

    def wait_for_others(self) -> None:
        """Wait for the runs of this root that the daemon has; its sensors add none meanwhile."""
        told = ""
        while runs := runs_at_work(self.ledger, self.workspace.root, STAGE_ASSETS):
            if (text := describe_runs(runs)) != told:
                error_console.print(f"Waiting for {text}")
                told = text
            time.sleep(_POLL_SECONDS)

    def _has_daemon(self) -> bool:
        return has_living_server(self.workspace.root, self.workspace.settings_id)

    def _follow(self, name: str) -> dg.DagsterRun | None:
        """Print what the run of a request logs until it has ended. None if nobody launches it."""
        run = self._launched(name)
        if run is None:
            return None
        cursor = None
        while True:
            # Asked before the log is read: what a run writes last is there before it is finished.
            is_finished = run.is_finished
            found = self.instance.get_records_for_run(run.run_id, cursor)
            cursor = found.cursor
            for record in found.records:
                if (line := _line(record.event_log_entry)) is not None:
                    console.print(line)
            if is_finished and not found.has_more:
                console.print(describe_runs([run]), style="dim")
                return run
            time.sleep(_POLL_SECONDS)
            # The run of a daemon that has died stays as running until somebody ends it.
            end_lost_runs(self.instance, self.workspace.root)
            run = self.instance.get_run_by_id(run.run_id) or run

    def _launched(self, name: str) -> dg.DagsterRun | None:
        deadline = time.monotonic() + _PICKUP_SECONDS
        while (run := run_of(self.instance, name)) is None:
            if time.monotonic() > deadline or not self._has_daemon():
                withdraw(self.workspace.root, name)
                # A sensor that has read the request may be launching it.
                time.sleep(2 * INTERVAL_SECONDS)
                return run_of(self.instance, name)
            time.sleep(_POLL_SECONDS)
        return run


def _line(entry: dg.EventLogEntry) -> str | None:
    """What a run's log tells a terminal: its messages, and of an event how it describes what was made."""
    if entry.dagster_event is None:
        return entry.user_message
    made = entry.asset_materialization
    return None if made is None else made.description


def _failure(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunError:
    """What made `run` fail, as its steps recorded it."""
    found = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    events = [event for record in found if (event := record.event_log_entry.dagster_event) is not None]
    errors = [(event.step_key or "", event.step_failure_data.error) for event in events]
    # Dagster wraps what a step raised in an error of its own, of which it is the cause.
    problems = [
        Problem(step, (error.cause or error).message.strip()) for step, error in errors if error is not None
    ]
    return RunError(
        f"{describe_runs([run])} of the daemon did not succeed",
        problems=problems,
        fix="mend the cause, then run the command again; the whole log of the run is in the UI",
    )


@contextmanager
def open_launcher(workspace: Workspace, claim: str = "") -> Iterator[Launcher]:
    """Execute runs over `workspace`, whatever else is at work on it. Raises ConfigError."""
    definitions, without_checks = (build_definitions(workspace, checks=checks) for checks in (True, False))
    with heard_interrupts() as interrupts, open_instance(workspace.dagster_home) as instance:
        end_lost_runs(instance, workspace.root)
        yield Launcher(workspace, instance, definitions, without_checks, interrupts, claim)


@contextmanager
def open_pipeline(workspace: Workspace, command: str) -> Iterator[Launcher]:
    """Launch runs over `workspace` as the only command that does; the sensors of the root wait.

    Raises LockHeldError if another command is at work, and ConfigError.
    """
    with sole_command(workspace, command) as claim, open_launcher(workspace, claim) as launcher:
        launcher.wait_for_others()
        yield launcher
