"""`foxml run`, `foxml demo` and `foxml train`: the stages of the pipeline as Dagster runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from foxml_assets.commands.console import console, show_progress
from foxml_assets.commands.launch import Launcher, open_pipeline
from foxml_assets.commands.run_report import print_report
from foxml_assets.core.errors import ConfigError, Problem
from foxml_assets.core.stamp import current_stamp
from foxml_assets.defs.assets.job_events import with_records
from foxml_assets.defs.assets.routing import NOTHING_TO_ROUTE
from foxml_assets.defs.running.execution import stages
from foxml_assets.defs.running.stage_runs import training_runs
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.stages import Stage
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.training_gate import authorise_training
from foxml_assets.workspace import Workspace, current_workspace


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

    def training(self) -> bool:
        """Train the pending jobs in batches, then write the report. True if every job is trained."""
        inputs = self.workspace.read_inputs()
        context = with_records(inputs.training_context(), self.launcher.instance)
        permit = authorise_training(context, inputs.policy, current_stamp())
        plan = permit.plan
        console.print(permit.filter_line)
        pending = pending_jobs(plan, context)
        if not pending:
            console.print(f"Training: nothing to do, all {len(plan.jobs)} jobs are trained already")
        batches = training_runs(self.launcher.instance, plan, pending, context.config.batch_size)
        runs = self.launcher.queue(batches, raise_on_error=False)
        for number, run in enumerate(runs, start=1):
            title = f"Training {run.title}, batch {number} of {len(runs)}"
            with _timed(title):
                self.launcher.execute(run, raise_on_error=False)
        self.report()
        # What training has recorded meanwhile is newer.
        return not pending_jobs(plan, with_records(context, self.launcher.instance))

    def report(self) -> None:
        """Write the report and check all models."""
        with _timed("Report"):
            self.launcher.report()


@contextmanager
def _timed(title: str) -> Iterator[None]:
    console.rule(Text(title, style="bold"), align="left", style="dim")
    started = time.perf_counter()
    yield
    console.print(f"{time.perf_counter() - started:.1f} s", style="dim")


def run_pipeline(root: Path | None, config_dir: Path | None, *, until: Stage) -> int:
    """Run the stages up to `until`. Returns the exit code: 1 if a job of the plan was not trained."""
    with _pipeline(root, config_dir, "foxml run") as pipeline:
        pipeline.prepare(until)
        if until is not Stage.TRAINING:
            return 0
        return _train_and_report(pipeline)


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


def run_training(root: Path | None, config_dir: Path | None) -> int:
    """Train what the current plan still lacks, and nothing else. Returns the exit code."""
    with _pipeline(root, config_dir, "foxml train") as pipeline:
        return _train_and_report(pipeline)


@contextmanager
def _pipeline(root: Path | None, config_dir: Path | None, command: str) -> Iterator[Pipeline]:
    workspace = current_workspace(root, config_dir)
    workspace.check_configs()
    show_progress()
    with open_pipeline(workspace, command) as launcher:
        yield Pipeline(workspace, launcher)


def _train_and_report(pipeline: Pipeline) -> int:
    layout = pipeline.workspace.layout
    if layout.master_plan.is_file() and not load_master_training_plan(layout.master_plan).jobs:
        has_evidence = layout.routing_plan.is_file() and read_routing_plan(layout).metadata.n_pairs > 0
        reason = "The policy blocks every pair." if has_evidence else NOTHING_TO_ROUTE
        console.print(f"The plan has no jobs, so nothing is trained. {reason}", style="yellow")
        if layout.panel_info.is_file():
            pipeline.report()
            print_report(pipeline.workspace)
        return 0
    is_complete = pipeline.training()
    print_report(pipeline.workspace)
    return 0 if is_complete else 1
