"""`foxml run`, `foxml demo` and `foxml train`: the stages of the pipeline as Dagster runs."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.text import Text

from foxml_assets.commands.console import console, show_progress
from foxml_assets.commands.running.launch import Launcher, open_pipeline
from foxml_assets.commands.running.run_report import print_report
from foxml_assets.core.errors import ConfigError, Problem
from foxml_assets.core.stamp import current_stamp
from foxml_assets.defs.assets.job_events import with_records
from foxml_assets.defs.assets.routing import NOTHING_TO_ROUTE
from foxml_assets.defs.running.execution import stages
from foxml_assets.defs.running.stage_runs import StageRun, training_runs
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.stages import Stage
from foxml_assets.training.budget import Budget, Share, by_priority
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.fit_times import describe_cost
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.runner import engine_of
from foxml_assets.training.training_config import TrainingConfig
from foxml_assets.training.training_gate import authorise_training
from foxml_assets.workspace import Workspace, current_workspace

NO_LIMIT = Budget()


@dataclass(frozen=True)
class Pipeline:
    """Runs stages in this process against a persistent instance."""

    workspace: Workspace
    launcher: Launcher

    def prepare(self, until: Stage) -> None:
        """Execute the stages before training, up to `until`."""
        for title, run in stages(self.launcher.instance, self.workspace, until):
            with _timed(title):
                self.launcher.materialize(run)

    def training(self, budget: Budget) -> "Remainder":
        """Train what `budget` allows of the pending jobs, highest priority first, then write the report."""
        inputs = self.workspace.read_inputs()
        context = with_records(inputs.training_context(), self.launcher.ledger)
        permit = authorise_training(context, inputs.policy, current_stamp())
        plan = permit.plan
        console.print(permit.filter_line)
        pending = pending_jobs(plan, context)
        share = budget.share(plan, pending)
        if not pending:
            console.print(f"Training: nothing to do, all {len(plan.jobs)} jobs are trained already")
        elif share.jobs:
            cost = describe_cost(share.jobs, context.layout, context.config)
            console.print(f"Training: {len(share.jobs):,} of {len(pending):,} pending jobs, {cost}")
        is_time_up = self._train(plan, share, budget, context.config)
        self.report()
        why = f"not begun within --max-minutes {budget.max_minutes:g}" if is_time_up else ""
        # What training has recorded meanwhile is newer.
        return _remainder(plan, share, with_records(context, self.launcher.ledger), why)

    def _train(self, plan: MasterPlan, share: Share, budget: Budget, config: TrainingConfig) -> bool:
        """Train the jobs of `share`. True if the time of `budget` was over before that was done.

        Raises EngineError.
        """
        until = None if budget.max_minutes is None else time.monotonic() + 60.0 * budget.max_minutes
        # Under a limit a run holds one priority, so that none of a lower one starts before it has ended.
        groups = by_priority(share.jobs) if budget.is_limited else [share.jobs]
        runs = [
            run
            for jobs in groups
            for run in training_runs(
                self.launcher.ledger, plan, jobs, config.batch_size, no_others=budget.is_limited
            )
        ]
        if until is None:
            self._launch(runs, config)
            return False
        for run in runs:
            left = until - time.monotonic()
            if left > 0.0:
                self._launch([replace(run, seconds=left)], config)
        return time.monotonic() >= until

    def _launch(self, batches: Sequence[StageRun], config: TrainingConfig) -> None:
        runs = self.launcher.queue(batches, raise_on_error=False)
        for number, run in enumerate(runs, start=1):
            # A batch that fails as a whole ends no command, so one that cannot but fail is not begun.
            engine_of(config).describe()
            which = f", batch {number} of {len(runs)}" if len(runs) > 1 else ""
            with _timed(f"Training {run.title}{which}"):
                self.launcher.execute(run, raise_on_error=False)

    def report(self) -> None:
        """Write the report and check all models."""
        with _timed("Report"):
            self.launcher.report()


@dataclass(frozen=True)
class Remainder:
    """What is left to train: why each job was `not_reached`, by id, and how many `failed`."""

    not_reached: Mapping[str, str]
    failed: int


def _remainder(plan: MasterPlan, share: Share, context: ModelContext, late: str) -> Remainder:
    """What is left, `late` being why jobs of `share` were not begun, empty if the time was enough."""
    pending = {job.job_id for job in pending_jobs(plan, context)}
    left_out = {job_id: why for job_id, why in share.left_out.items() if job_id in pending}
    # Those still pending have failed, if there was time for all of them.
    tried = {job.job_id for job in share.jobs} & pending
    if not late:
        return Remainder(left_out, len(tried))
    # Without retries a failed job is not pending, so these have not been begun.
    untouched = {job.job_id for job in pending_jobs(plan, context, retry_failed=False)}
    return Remainder(left_out | dict.fromkeys(tried & untouched, late), len(tried - untouched))


@contextmanager
def _timed(title: str) -> Iterator[None]:
    console.rule(Text(title, style="bold"), align="left", style="dim")
    started = time.perf_counter()
    yield
    console.print(f"{time.perf_counter() - started:.1f} s", style="dim")


def run_pipeline(
    root: Path | None, config_dir: Path | None, *, until: Stage, budget: Budget = NO_LIMIT
) -> int:
    """Run the stages up to `until`. Returns the exit code: 1 if a job within `budget` was not trained."""
    with _pipeline(root, config_dir, "foxml run") as pipeline:
        pipeline.prepare(until)
        if until is not Stage.TRAINING:
            return 0
        return _train_and_report(pipeline, budget)


def run_demo(root: Path | None, config_dir: Path | None) -> int:
    """`run_pipeline` on the demo panel. Raises ConfigError if the config names another panel."""
    workspace = current_workspace(root, config_dir)
    source = workspace.data_config().panel.source
    if source != "demo":
        problem = Problem("panel.source", "is not demo", source)
        raise ConfigError(
            "the demo needs the demo panel",
            file=workspace.data_config_file,
            problems=[problem],
            fix="use foxml run",
        )
    return run_pipeline(root, config_dir, until=Stage.TRAINING)


def run_training(root: Path | None, config_dir: Path | None, *, budget: Budget = NO_LIMIT) -> int:
    """Train what the current plan still lacks, and nothing else. Returns the exit code as `run_pipeline`."""
    with _pipeline(root, config_dir, "foxml train") as pipeline:
        return _train_and_report(pipeline, budget)


@contextmanager
def _pipeline(root: Path | None, config_dir: Path | None, command: str) -> Iterator[Pipeline]:
    workspace = current_workspace(root, config_dir)
    workspace.check_configs()
    show_progress()
    with open_pipeline(workspace, command) as launcher:
        yield Pipeline(workspace, launcher)


def _train_and_report(pipeline: Pipeline, budget: Budget) -> int:
    layout = pipeline.workspace.layout
    if layout.master_plan.is_file() and not load_master_training_plan(layout.master_plan).jobs:
        has_evidence = layout.routing_plan.is_file() and read_routing_plan(layout).metadata.n_pairs > 0
        reason = "The policy blocks every pair." if has_evidence else NOTHING_TO_ROUTE
        console.print(f"The plan has no jobs, so nothing is trained. {reason}", style="yellow")
        if layout.panel_info.is_file():
            pipeline.report()
            print_report(pipeline.workspace)
        return 0
    remainder = pipeline.training(budget)
    print_report(pipeline.workspace, remainder.not_reached)
    return 1 if remainder.failed else 0
