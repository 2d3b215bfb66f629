"""What is reported of single jobs: only that the job of a model that stands has changed, or is its again.

A job without a model cannot make anything stale, so nothing is reported of it, however many jobs are planned.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import dagster as dg

from foxml_assets.core.vocabulary import ModelFamily, TrainingType
from foxml_assets.defs.assets.events import job_observation, made_versions, told_versions
from foxml_assets.defs.running.ledger import Ledger, Names
from foxml_assets.defs.running.stage_runs import MODEL_ASSETS, partition_key
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import ModelContext
from foxml_assets.training.outcome import JobOutcome

JOB_ASSETS = {
    TrainingType.CROSS_SECTIONAL: "cross_sectional_jobs",
    TrainingType.SYMBOL_SPECIFIC: "symbol_jobs",
}
_SEPARATOR, _IS = ":", "="

Context = TypeVar("Context", bound=ModelContext)


def model_version(spec_hash: str, manifests: Mapping[ModelFamily, str]) -> str:
    """The data version of a job's models: the spec that they were made from, and by family the SHA-256 of
    the manifest, which has that of the model's file."""
    return _SEPARATOR.join([spec_hash, *(f"{family}{_IS}{sha256}" for family, sha256 in manifests.items())])


def with_records(context: Context, ledger: Ledger) -> Context:
    """`context` with the manifests that training recorded in `ledger`."""
    recorded: dict[tuple[str, ModelFamily], str] = {}
    for asset in MODEL_ASSETS.values():
        for version in made_versions(ledger, asset).values():
            spec_hash, *manifests = version.split(_SEPARATOR)
            for family, _, sha256 in (manifest.partition(_IS) for manifest in manifests):
                recorded[spec_hash, family] = sha256
    return replace(context, recorded=recorded)


def told_changes(ledger: Ledger, kind: TrainingType) -> set[str]:
    """The partitions whose job was reported as another than that of their model."""
    return set(told_versions(ledger, JOB_ASSETS[kind]))


def job_events(ledger: Ledger, kind: TrainingType, jobs: Iterable[Job]) -> Iterator[dg.AssetObservation]:
    """What is to be reported so that of `jobs`, all of one kind, exactly those of another spec than their
    model make it stale."""
    made = made_versions(ledger, MODEL_ASSETS[kind])
    if not made:
        return
    told = told_versions(ledger, JOB_ASSETS[kind])
    for job in jobs:
        model = made.get(key := partition_key(job))
        if model is None:
            continue
        is_its_own = model.partition(_SEPARATOR)[0] == job.spec_hash
        # Only what is not as it was last reported; no version says that the job is its model's own.
        if told.get(key) != (None if is_its_own else job.spec_hash):
            yield job_event(ledger.names, job, is_changed=not is_its_own)


def failure_observation(asset: dg.AssetKey, outcome: JobOutcome) -> dg.AssetObservation:
    """Why the job's models, partitions of `asset`, were not trained. It is no version of anything."""
    told = {
        "failed": dg.MetadataValue.text(outcome.reason),
        "job_id": dg.MetadataValue.text(outcome.job.job_id),
    }
    return dg.AssetObservation(
        asset, partition=partition_key(outcome.job), metadata=told, description=outcome.reason
    )


def job_event(names: Names, job: Job, *, is_changed: bool) -> dg.AssetObservation:
    """The job is another than that of its model, or is that of its model again."""
    metadata = {
        "job_id": dg.MetadataValue.text(job.job_id),
        "route": dg.MetadataValue.text(job.route.value),
        "priority": dg.MetadataValue.int(job.priority),
        "families": dg.MetadataValue.text(", ".join(job.model_families)),
        "reason": dg.MetadataValue.text(job.reason),
        "model": dg.MetadataValue.text(
            "made from an earlier version" if is_changed else "made from this version"
        ),
    }
    version = job.spec_hash if is_changed else None
    return job_observation(names.key(JOB_ASSETS[job.training_type]), partition_key(job), version, metadata)
