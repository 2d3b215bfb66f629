"""The stages of the pipeline, each one Dagster run. The command line and the sensors share them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from foxml_assets.defs.partitions import (
    cross_sectional_partitions,
    queue_partitions,
    symbol_partitions,
    targets,
)
from foxml_assets.names import pair_key
from foxml_assets.planning.plan import Job
from foxml_assets.vocabulary import TrainingType

STAGE_TAG = "foxml/stage"
TRAINING = "training"
MODEL_ASSETS = ("cross_sectional_models", "symbol_models")
MODEL_CHECKS = ("match_the_plan", "files_intact")

# Dagster's own console log would bury the progress; everything is in the run's event log.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class StageRun:
    """One run to launch: the assets it materializes and its tags (partition range, priority).

    `checks` names (asset, check) to run; None runs the checks of the assets.
    """

    assets: tuple[str, ...]
    tags: dict[str, str]
    checks: tuple[tuple[str, str], ...] | None = None

    @property
    def asset_keys(self) -> list[dg.AssetKey]:
        return [dg.AssetKey(name) for name in self.assets]

    @property
    def check_keys(self) -> list[dg.AssetCheckKey] | None:
        if self.checks is None:
            return None
        return [dg.AssetCheckKey(dg.AssetKey(asset), name) for asset, name in self.checks]


def evidence_run(instance: dg.DagsterInstance, pending: Sequence[str]) -> StageRun:
    """One run that evaluates all `pending` targets."""
    tags = queue_partitions(instance, targets, list(pending))
    return StageRun(("feature_selections",), tags | {STAGE_TAG: "evidence"})


def training_batches(pending: Sequence[Job], batch_size: int) -> Iterator[tuple[Job, ...]]:
    """Split `pending` (highest priority first) into batches of one training type each.

    A batch opens with the highest priority left and takes the next jobs of its type.
    """
    queues = {kind: [job for job in pending if job.training_type is kind] for kind in TrainingType}
    while any(queues.values()):
        kind = max((k for k in queues if queues[k]), key=lambda k: queues[k][0].priority)
        yield tuple(queues[kind][:batch_size])
        queues[kind] = queues[kind][batch_size:]


def training_run(instance: dg.DagsterInstance, batch: Sequence[Job]) -> StageRun:
    """One run that trains exactly the jobs of `batch`, all of one training type."""
    is_pooled = batch[0].training_type is TrainingType.CROSS_SECTIONAL
    definition = cross_sectional_partitions if is_pooled else symbol_partitions
    tags = queue_partitions(instance, definition, [partition_key(job) for job in batch])
    asset = "cross_sectional_models" if is_pooled else "symbol_models"
    tags |= {STAGE_TAG: TRAINING, "dagster/priority": str(batch[0].priority)}
    # Between batches models are missing, so their checks wait for the report.
    return StageRun((asset,), tags, checks=())


def report_run() -> StageRun:
    """One run that writes the report and checks all models."""
    names = [(asset, check) for asset in MODEL_ASSETS for check in MODEL_CHECKS]
    return StageRun(("training_report",), {}, checks=tuple(names))


def audit_run() -> StageRun:
    """One run that writes the audit, and the report that opens with it. It trains no baselines."""
    return StageRun(("routing_audit", "training_report"), {})


def run_request(run: StageRun, version: str, event: int) -> dg.RunRequest:
    """A run for a sensor to launch once: for this content, after the `event` that was the latest."""
    return dg.RunRequest(
        run_key=f"{'+'.join(run.assets)}:{version}:{event}",
        asset_selection=run.asset_keys,
        asset_check_keys=run.check_keys,
        tags=run.tags,
    )


def is_anything_running(instance: dg.DagsterInstance, *, training: bool) -> bool:
    """Whether a run is queued or in progress; training runs count only if `training`.

    A started run whose process is gone would be in progress for ever: it is marked as failed.
    """
    unfinished = [
        run for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)) if _is_alive(instance, run)
    ]
    return any(training or run.tags.get(STAGE_TAG) != TRAINING for run in unfinished)


def _is_alive(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    if run.status is not dg.DagsterRunStatus.STARTED:
        return True
    pid = _process_of(instance, run)
    if pid is None or Path(f"/proc/{pid}").exists() or not Path("/proc").exists():
        return True
    instance.report_run_failed(run, f"The process of this run ({pid}) is gone: it was killed.")
    return False


def _process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    """The process that executes `run`, which Dagster names when it begins to execute steps."""
    for entry in reversed(instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)):
        event = entry.dagster_event
        found = event.engine_event_data.metadata.get("pid") if event else None
        if found is not None and str(found.value).isdigit():
            return int(str(found.value))
    return None


def partition_key(job: Job) -> str:
    """The partition of a job: its target, or `<target>|<symbol>`. Raises UnsafeNameError."""
    return job.target if job.symbol is None else pair_key(job.target, job.symbol)
