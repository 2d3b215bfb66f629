"""Jobs become models: the partitions of a run are trained in parallel, each reported as it finishes."""

import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence

import dagster as dg

from foxml_assets.core.printable import TERMINAL
from foxml_assets.core.stamp import current_stamp
from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.assets.events import output_event
from foxml_assets.defs.assets.job_events import (
    JOB_ASSETS,
    failure_observation,
    job_event,
    job_events,
    model_version,
    told_changes,
    with_records,
)
from foxml_assets.defs.assets.metadata import model_metadata
from foxml_assets.defs.graph import Factory, Graph, asset
from foxml_assets.defs.running.ledger import Ledger, Names, ledger_of
from foxml_assets.defs.running.stage_runs import (
    MODEL_ASSETS,
    MODEL_PARTITIONS,
    Batch,
    check_range,
    partition_key,
)
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.plan.structure import plan_order
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import ModelContext
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus
from foxml_assets.training.runner import train_jobs
from foxml_assets.training.training_gate import authorise_training
from foxml_assets.workspace import Workspace

GROUP = "training"
# Pooled jobs take memory, symbol jobs come in thousands: each kind has a limit of its own, by default of one
# run at a time, since a run has threads of its own.
POOLS = {
    TrainingType.CROSS_SECTIONAL: "pooled_training",
    TrainingType.SYMBOL_SPECIFIC: "symbol_training",
}
_MAX_LISTED = 20
# Dagster takes no more for an asset.
_MOST_KINDS = 3
_log, _terminal = logging.getLogger(__name__), logging.getLogger(TERMINAL)


_DESCRIPTIONS = {
    TrainingType.CROSS_SECTIONAL: "Pooled models: one partition per planned target, one model per family of "
    "its job.",
    TrainingType.SYMBOL_SPECIFIC: "Models of one symbol alone: one partition per planned pair, one model per "
    "family of its job.",
}


def model_assets(graph: Graph) -> list[dg.AssetsDefinition]:
    """The models of each training type. A backfill makes runs of at most `batch_size` partitions.

    Raises ConfigError.
    """
    batch_size = graph.workspace.training_config().batch_size
    rules = graph.workspace.routing_policy().families
    families = dict.fromkeys(family for rule in rules for family in rule.use)
    return [_models(kind, batch_size, set(list(families)[:_MOST_KINDS]))(graph) for kind in TrainingType]


def _models(kind: TrainingType, batch_size: int, families: set[str]) -> Factory:
    @asset(
        MODEL_ASSETS[kind],
        description=_DESCRIPTIONS[kind],
        group=GROUP,
        deps=[JOB_ASSETS[kind]],
        partition_set=MODEL_PARTITIONS[kind],
        backfill_policy=dg.BackfillPolicy.multi_run(batch_size),
        # Each partition's event is reported by hand, so the step as a whole has none.
        output_required=False,
        pool=POOLS[kind],
        config=Batch,
        kinds=families,
    )
    def models(
        context: dg.AssetExecutionContext, workspace: Workspace, config: Batch
    ) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
        yield from _train(context, config, workspace, kind)

    return models


def _train(
    context: dg.AssetExecutionContext, meant: Batch, workspace: Workspace, kind: TrainingType
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    is_batch = check_range(context, meant)
    inputs, ledger = workspace.read_inputs(), ledger_of(workspace, context.instance)
    training = with_records(inputs.training_context(), ledger)
    permit = authorise_training(training, inputs.policy, current_stamp(context.run.run_id))
    # To the run's event log only: `foxml run` trains in several runs and tells it once.
    context.log.info(permit.filter_line)
    planned = {partition_key(job): job for job in permit.plan.jobs if job.training_type is kind}
    chosen = list(dict.fromkeys(meant.chosen)) or list(context.partition_keys)
    unplanned = [key for key in chosen if key not in planned]
    jobs = sorted((planned[key] for key in chosen if key in planned), key=plan_order)
    seconds = math.inf if meant.seconds is None else meant.seconds
    told = told_changes(ledger, kind)
    found: Counter[OutcomeStatus] = Counter()
    failed: list[JobOutcome] = []
    for number, outcome in enumerate(train_jobs(jobs, training, seconds=seconds), start=1):
        line = f"{number} of {len(jobs)}: {_line(outcome)}"
        found[outcome.status] += 1
        if outcome.status is OutcomeStatus.FAILED:
            _log.info("%s", line)
            failed.append(outcome)
            yield failure_observation(context.asset_key, outcome)
        else:
            # The model's event tells it; a line of the log would be an event more for each job.
            _terminal.info("%s", line)
            yield _model_event(context, ledger.names, outcome, training, line)
            if partition_key(outcome.job) in told:
                yield job_event(ledger.names, outcome.job, is_changed=False)
    yield from _moved_jobs(ledger, inputs.layout, permit.plan, kind, chosen)
    _log.info("%s", _summary(found, unplanned, not_begun=len(jobs) - found.total()))
    # The plan that a batch was queued under may be another by now: what left it needs no model any more.
    if failed or (unplanned and not is_batch):
        raise _failure(failed, [] if is_batch else unplanned)


def _moved_jobs(
    ledger: Ledger, layout: Layout, trained: MasterPlan, kind: TrainingType, keys: Sequence[str]
) -> Iterator[dg.AssetObservation]:
    """What a plan that was made meanwhile could not report: it has seen none of these models."""
    if not layout.master_plan.is_file():
        return
    plan = load_master_training_plan(layout.master_plan)
    if plan.metadata.plan_hash != trained.metadata.plan_hash:
        own = set(keys)
        jobs = [job for job in plan.jobs if job.training_type is kind and partition_key(job) in own]
        yield from job_events(ledger, kind, jobs)


def _summary(found: Counter[OutcomeStatus], unplanned: list[str], not_begun: int) -> str:
    returned = found[OutcomeStatus.TAKEN_BACK]
    back = f"{returned} taken back, " if returned else ""
    late = f", {not_begun} not begun when the time was up" if not_begun else ""
    left = f", {len(unplanned)} not of the plan: {', '.join(unplanned[:_MAX_LISTED])}" if unplanned else ""
    return (
        f"{found[OutcomeStatus.DONE]} trained, {found[OutcomeStatus.SKIPPED]} trained already, {back}"
        f"{found[OutcomeStatus.FAILED]} failed{late}{left}"
    )


def _model_event(
    context: dg.AssetExecutionContext,
    names: Names,
    outcome: JobOutcome,
    training: ModelContext,
    line: str,
) -> dg.AssetMaterialization:
    job = outcome.job
    version = model_version(job.spec_hash, {model.family: model.manifest_sha256 for model in outcome.models})
    made_from = {JOB_ASSETS[job.training_type]: job.spec_hash}
    shown = model_metadata(outcome, training)
    key = partition_key(job)
    return output_event(context, names, key, version, shown, jobs=made_from, description=line)


def _line(outcome: JobOutcome) -> str:
    scores = [
        f"{manifest.family} {score.metric.value} {score.value:.3f}"
        for manifest in outcome.manifests
        if (score := manifest.scores.within_symbols).value is not None
    ]
    told = outcome.reason or ", ".join(scores)
    if outcome.status is OutcomeStatus.SKIPPED:
        return f"{outcome.job.job_id} skipped, it is trained already. {told}"
    if outcome.status is OutcomeStatus.TAKEN_BACK:
        return f"{outcome.job.job_id} taken back, as it was when it left the plan. {told}"
    return f"{outcome.job.job_id} {outcome.status.value} in {outcome.seconds:.1f} s. {told}"


def _failure(failed: list[JobOutcome], unplanned: list[str]) -> dg.Failure:
    lines = [f"{outcome.job.job_id}: {outcome.reason}" for outcome in failed]
    lines += [f"{key!r} is not a job of the plan" for key in unplanned]
    shown = lines[:_MAX_LISTED] + (
        [f"and {len(lines) - _MAX_LISTED} more"] if len(lines) > _MAX_LISTED else []
    )
    return dg.Failure(
        f"{len(lines)} job(s) were not trained; the others stand.\n" + "\n".join(shown), allow_retries=False
    )
