"""What changes a trained model, and nothing else: the spec of a job and its hash."""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from foxml_assets.core.hashing import canonical_json, content_hash
from foxml_assets.core.vocabulary import ModelFamily, TaskType, TrainingType
from foxml_assets.planning.plan.master_plan import Job


class JobSpec(msgspec.Struct, frozen=True, gc=False):
    """Everything a trained model depends on. Route, priority, reason and scores are not part of it.

    Families and excluded symbols count as sets and are sorted.
    """

    target: str
    symbol: str | None
    training_type: TrainingType
    task_type: TaskType
    horizon_minutes: float | None
    model_families: tuple[ModelFamily, ...]
    features: tuple[str, ...] | None
    excluded_symbols: tuple[str, ...]
    data_hash: str
    training_hash: str


def spec_of(job: Job, training_hash: str) -> JobSpec:
    """The spec of `job` under the training settings of hash `training_hash`."""
    return JobSpec(
        target=job.target,
        symbol=job.symbol,
        training_type=job.training_type,
        task_type=job.task_type,
        horizon_minutes=job.horizon_minutes,
        model_families=tuple(sorted(job.model_families)),
        features=job.features,
        excluded_symbols=tuple(sorted(item.symbol for item in job.excluded_symbols)),
        data_hash=job.data_hash,
        training_hash=training_hash,
    )


def spec_hash(job: Job, training_hash: str) -> str:
    """SHA-256 (hex) of the job's spec; what `job.spec_hash` must be."""
    return content_hash(spec_of(job, training_hash))


def with_spec_hash(job: Job, training_hash: str) -> Job:
    """`job` with its spec hash filled in."""
    return replace(job, spec_hash=spec_hash(job, training_hash))


def with_spec_hashes(jobs: Sequence[Job], training_hash: str) -> list[Job]:
    """`with_spec_hash` of many jobs."""
    hashes = spec_hashes(jobs, training_hash)
    return [replace(job, spec_hash=hash_) for job, hash_ in zip(jobs, hashes, strict=True)]


def spec_hashes(jobs: Sequence[Job], training_hash: str) -> Iterator[str]:
    """`spec_hash` of many jobs. What jobs share before their symbol is encoded and hashed once."""
    shared: dict[tuple[object, ...], tuple[hashlib._Hash, bytes]] = {}
    symbols: dict[str | None, bytes] = {}
    for job in jobs:
        # By identity: to hash the same features half a million times takes longer than to encode them twice.
        key = (
            job.target,
            id(job.training_type),
            id(job.task_type),
            job.horizon_minutes,
            job.model_families,
            id(job.features),
            job.excluded_symbols,
            job.data_hash,
        )
        parts = shared.get(key)
        if parts is None:
            parts = shared[key] = _around_symbol(spec_of(job, training_hash))
        name = symbols.get(job.symbol)
        if name is None:
            name = symbols[job.symbol] = canonical_json(job.symbol)
        begun, rest = parts
        digest = begun.copy()
        digest.update(name + rest)
        yield digest.hexdigest()


def _around_symbol(spec: JobSpec) -> tuple["hashlib._Hash", bytes]:
    """The hash of the encoded spec up to its symbol, to be gone on with, and what stands after it."""
    field = b'"symbol":'
    # Quotes inside a string are escaped, so the field occurs exactly once.
    before, after = canonical_json(replace(spec, symbol=None)).split(field + b"null")
    return hashlib.sha256(before + field), after
