"""The same jobs trained in three ways: by a bare loop, as batches, and in a Dagster run for each."""

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd

from benchmarks.jobs.job_world import foxml
from foxml_assets.commands.running.launch import Launcher
from foxml_assets.defs.running.execution import execute_here
from foxml_assets.defs.running.ledger import ledger_of
from foxml_assets.defs.running.stage_runs import partition_key, training_runs
from foxml_assets.families.registry import fit
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.data import panel_timeline
from foxml_assets.training.models.fit_times import read_fit_seconds
from foxml_assets.workspace import Workspace

_SECONDS = "training seconds"


@dataclass(frozen=True)
class Cost:
    """Seconds before the first job begins, and from then on; `fitting` are those of the jobs, one by one."""

    startup: float
    seconds: float
    fitting: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.startup + other.startup, self.seconds + other.seconds, self.fitting + other.fitting)


@dataclass(frozen=True)
class BareLoop:
    """What one writes by hand: the panel in memory, its rows by symbol, those of training apart."""

    context: TrainingContext
    rows: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]
    folder: Path

    @classmethod
    def load(cls, context: TrainingContext, folder: Path) -> "BareLoop":
        """Read the panel once, of which nothing is counted."""
        info, timeline = context.info, panel_timeline(context)
        columns = [*info.features, *(spec.name for spec in info.targets)]
        frame = read_panel(context.layout, info, columns)
        held = frame[info.time_column] >= timeline.times[timeline.holdout_bar]
        by_symbol = frame.groupby(info.symbol_column, observed=True, sort=False)
        rows = {str(name): (own[~held[own.index]], own[held[own.index]]) for name, own in by_symbol}
        folder.mkdir()
        return cls(context, rows, folder)

    def train(self, jobs: Sequence[Job]) -> Cost:
        """The same fits by as many threads: each predicts its hold-out and is saved, without any record."""
        start = time.perf_counter()
        with ThreadPoolExecutor(self.context.config.threads) as pool:
            for _ in pool.map(self._train, jobs):
                pass
        return Cost(0.0, time.perf_counter() - start, 0.0)

    def _train(self, job: Job) -> None:
        (family,), features = job.model_families, list(job.features or self.context.info.features)
        train, held = self.rows[str(job.symbol)]
        horizon = self.context.info.target(job.target).horizon_bars
        train = train.iloc[:-horizon]
        params, seed = self.context.config.families.of(family), self.context.config.seed
        y = train[job.target].to_numpy(dtype=np.float64)
        model = fit(family, job.task_type, train[features], y, params=params, seed=seed)
        model.predict(held[features])
        model.save(self.folder / job.job_id)


def train_batches(launcher: Launcher, jobs: Sequence[Job], batch_size: int) -> Cost:
    """As `foxml train` does: one Dagster run a batch, in this process."""
    plan = load_master_training_plan(launcher.workspace.layout.master_plan)
    ledger = ledger_of(launcher.workspace, launcher.instance)
    runs = training_runs(ledger, plan, jobs, batch_size, no_others=True)
    definition = launcher.without_checks.resolve_implicit_global_asset_job_def()
    found = Cost(0.0, 0.0, 0.0)
    for run in runs:
        start = time.time()
        result = execute_here(definition, launcher.instance, launcher.workspace, run, raise_on_error=True)
        found += _cost(launcher.instance, result.run_id, start)
    return found


def train_alone(workspace: Workspace, job: Job) -> Cost:
    """As Dagster's daemon does: a process and a run for one partition. The model it has is removed before."""
    for family in job.model_families:
        shutil.rmtree(workspace.layout.model_dir(job.target, job.symbol, family))
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "asset", "materialize"]
    command += ["-m", "foxml_assets.definitions", "--select", "symbol_models"]
    places = foxml(workspace)["env"] | {"DAGSTER_HOME": str(workspace.dagster_home)}
    start = time.perf_counter()
    subprocess.run([*command, "--partition", partition_key(job)], env=places, capture_output=True, check=True)
    seconds = time.perf_counter() - start
    fits = [read_fit_seconds(job, family, workspace.layout) for family in job.model_families]
    return Cost(0.0, seconds, sum(fit for fit in fits if fit is not None))


def _cost(instance: dg.DagsterInstance, run_id: str, start: float) -> Cost:
    """Of a run that has just ended: the first job began as long before its event as it took."""
    end = time.time()
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    records = instance.get_records_for_run(run_id, of_type=kind, limit=None).records
    begins, fits = [], []
    for record in records:
        made = record.event_log_entry.asset_materialization
        assert made is not None
        assert made.metadata["trained in this run"].value
        fits.append(float(str(made.metadata[_SECONDS].value)))
        begins.append(record.event_log_entry.timestamp - fits[-1])
    return Cost(min(begins) - start, end - min(begins), sum(fits))
