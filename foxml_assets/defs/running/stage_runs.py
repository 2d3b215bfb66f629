"""Stages as Dagster runs to launch. The command line and the sensors share them."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

import dagster as dg
from pydantic import Field

from foxml_assets.core.hashing import content_hash
from foxml_assets.core.names import pair_key
from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.running.attempts import PLAN_TAG
from foxml_assets.defs.running.ledger import Ledger, Names
from foxml_assets.defs.running.partitions import (
    CROSS_SECTIONAL_JOBS,
    SYMBOL_JOBS,
    TARGETS,
    add_partitions,
    keys_of,
    range_tags,
    ranges,
)
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.stages import Stage

KEYS_TAG = "foxml/keys"
_PRIORITY_TAG = "dagster/priority"
_MAX_LISTED = 20
(EVIDENCE_ASSET,) = Stage.EVIDENCE.assets
*_MODELS, REPORT_ASSET = Stage.TRAINING.assets
MODEL_ASSETS = dict(zip(TrainingType, _MODELS, strict=True))
MODEL_PARTITIONS = {
    TrainingType.CROSS_SECTIONAL: CROSS_SECTIONAL_JOBS,
    TrainingType.SYMBOL_SPECIFIC: SYMBOL_JOBS,
}
MATCH_THE_PLAN, FILES_INTACT, AS_PROMISED = MODEL_CHECKS = ("match_the_plan", "files_intact", "as_promised")

# Dagster's own console log would bury the progress; everything is in the run's event log.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class MeantFor(dg.Config):
    """The partitions that a batch was launched for, so that it can name what is missing."""

    keys: list[str] = Field([], description="Filled in by what launches a batch; leave it empty.")


class Batch(MeantFor):
    """A batch of jobs, and how much of it is to be trained."""

    chosen: list[str] = Field(
        [], description="The partitions to train, neighbours or not. None is those of the run."
    )
    seconds: float | None = Field(None, description="After so many seconds no further job is begun.")


class ModelChecks(dg.Config):
    """How the models are checked."""

    deep: bool = Field(False, description="Read every file, also those that look as when they were verified.")


@dataclass(frozen=True)
class StageRun:
    """One run to launch: the assets it materializes, its tags (partition range, priority) and its config.

    `checks` names (asset, check) to run; None runs the checks of the assets. `keys` are the partitions of
    its range, of which `chosen` alone, if there are any, are trained, in `seconds` if that is a number.
    `title` says what it does where the assets do not.
    """

    assets: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[tuple[str, str], ...] | None = None
    keys: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    seconds: float | None = None
    title: str = ""

    def check_keys(self, names: Names) -> list[dg.AssetCheckKey] | None:
        """The checks to run; None for those of the assets."""
        if self.checks is None:
            return None
        return [dg.AssetCheckKey(names.key(asset), name) for asset, name in self.checks]

    def config(self, names: Names) -> dict[str, object]:
        """The run config: the partitions that the run is meant for, and what limits it."""
        if not self.keys:
            return {}
        meant: dict[str, object] = {"keys": list(self.keys)}
        if self.chosen:
            meant["chosen"] = list(self.chosen)
        if self.seconds is not None:
            meant["seconds"] = self.seconds
        return {"ops": {names.flat(asset): {"config": meant} for asset in self.assets}}


def evidence_run(ledger: Ledger, all_targets: Sequence[str], stale: Set[str]) -> StageRun:
    """One run over the range of targets that holds all `stale` ones; it evaluates these and no others."""
    order = add_partitions(ledger, TARGETS, all_targets)
    # One range, because none can be longer than all keys.
    (keys,) = ranges(order, stale, len(order))
    return StageRun((EVIDENCE_ASSET,), _meant_for(keys), keys=keys)


def training_runs(
    ledger: Ledger,
    plan: MasterPlan,
    pending: Sequence[Job],
    batch_size: int,
    *,
    no_others: bool = False,
) -> list[StageRun]:
    """Runs that together train the `pending` jobs of `plan`, highest priority first.

    Each is a range of at most `batch_size` partitions; the jobs in it that are trained already are skipped.
    Others that stand in it are trained too, unless there are to be `no_others`.
    """
    runs = []
    for kind in TrainingType:
        jobs = {partition_key(job): job for job in pending if job.training_type is kind}
        order = partition_order(ledger, plan, kind)
        found = ranges(order, jobs.keys(), batch_size)
        runs += [
            _training_run(plan, kind, keys, {key: jobs[key] for key in keys if key in jobs}, no_others)
            for keys in found
        ]
    return sorted(runs, key=lambda run: -int(run.tags[_PRIORITY_TAG]))


def partition_order(ledger: Ledger, plan: MasterPlan, kind: TrainingType) -> tuple[str, ...]:
    """The partitions of one training type in their order; jobs of `plan` that are none yet are added last."""
    keys = [partition_key(job) for job in plan.jobs if job.training_type is kind]
    return add_partitions(ledger, MODEL_PARTITIONS[kind], keys)


def is_training(run: dg.DagsterRun, names: Names) -> bool:
    """Whether it makes models."""
    return any(key in (run.asset_selection or ()) for key in names.keys(MODEL_ASSETS.values()))


def keys_in_flight(runs: Sequence[dg.DagsterRun], key: dg.AssetKey, order: Sequence[str]) -> set[str]:
    """The partitions of the asset `key` that `runs` are for."""
    own = [run for run in runs if key in (run.asset_selection or ())]
    return {key for run in own for key in keys_of(run.tags, order)}


def check_range(context: dg.AssetExecutionContext, meant: MeantFor) -> bool:
    """Whether the run was launched for a batch, which must be the range that it finds.

    Raises dg.Failure, naming the difference: to train another range would lose jobs without a word.
    """
    expected = context.run.tags.get(KEYS_TAG)
    found = list(context.partition_keys)
    if expected is None or expected == content_hash(found):
        return expected is not None
    present, wanted = set(found), set(meant.keys)
    missing = [key for key in meant.keys if key not in present]
    more = [key for key in found if key not in wanted]
    what = [f"missing: {_listed(missing)}"] if missing else []
    what += [f"not meant: {_listed(more)}"] if more else []
    raise dg.Failure(
        f"The run was meant for {len(meant.keys)} partitions and its range holds {len(found)} by now; "
        f"{'; '.join(what) or 'they stand in another order'}. Nothing was done. "
        "Launch the pending partitions again: foxml train",
        allow_retries=False,
    )


def _listed(keys: Sequence[str]) -> str:
    more = [f"and {len(keys) - _MAX_LISTED} more"] if len(keys) > _MAX_LISTED else []
    return ", ".join([*keys[:_MAX_LISTED], *more])


def report_run() -> StageRun:
    """One run that writes the report and checks all models."""
    names = [(asset, check) for asset in MODEL_ASSETS.values() for check in MODEL_CHECKS]
    return StageRun((REPORT_ASSET,), checks=tuple(names))


def audit_run() -> StageRun:
    """One run that writes the audit, and the report that opens with it. It trains no baselines."""
    return StageRun(("routing_audit", REPORT_ASSET))


def check_config(names: Names, *, deep: bool) -> dict[str, object]:
    """The run config of the checks of models."""
    config = ModelChecks(deep=deep).model_dump()
    return {"ops": {names.flat(model_checks(asset)): {"config": config} for asset in MODEL_ASSETS.values()}}


def model_checks(asset: str) -> str:
    """The op that makes the checks of one kind of models."""
    return f"{asset}_checks"


def run_request(run: StageRun, names: Names, tags: Mapping[str, str]) -> dg.RunRequest:
    """A run for a sensor to launch. It has no run key: what is in flight already is looked up instead."""
    return dg.RunRequest(
        asset_selection=names.keys(run.assets),
        asset_check_keys=run.check_keys(names),
        tags={**run.tags, **tags},
        run_config=run.config(names),
    )


def partition_key(job: Job) -> str:
    """The partition of a job: its target, or `<target>@<symbol>`. Raises UnsafeNameError."""
    return job.target if job.symbol is None else pair_key(job.target, job.symbol)


def _training_run(
    plan: MasterPlan, kind: TrainingType, keys: tuple[str, ...], jobs: Mapping[str, Job], no_others: bool
) -> StageRun:
    priority = max(job.priority for job in jobs.values())
    tags = {PLAN_TAG: plan.metadata.plan_hash, _PRIORITY_TAG: str(priority)} | _meant_for(keys)
    # Between batches models are missing, so their checks wait for the report.
    chosen = tuple(jobs) if no_others else ()
    title = f"{len(jobs)} {kind.value} jobs"
    return StageRun((MODEL_ASSETS[kind],), tags, checks=(), keys=keys, chosen=chosen, title=title)


def _meant_for(keys: Sequence[str]) -> dict[str, str]:
    # The hash tells that the range has moved; the keys in the run's config tell by which.
    return range_tags(keys) | {KEYS_TAG: content_hash(keys)}
