"""What changes a trained model, and nothing else: the spec of a job and its hash."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from foxml_assets.core.hashing import bytes_hash, content_hash
from foxml_assets.core.vocabulary import ModelFamily, TaskType, TrainingType
from foxml_assets.planning.plan.master_plan import Job

# Writes what `canonical_json` writes, many values at once.
_ENCODER = msgspec.json.Encoder(order="sorted")
_CHUNK = 20_000


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
    """`spec_hash` of many jobs, of which a part at a time is encoded in one go."""
    for start in range(0, len(jobs), _CHUNK):
        specs = [spec_of(job, training_hash) for job in jobs[start : start + _CHUNK]]
        yield from map(bytes_hash, _ENCODER.encode_lines(specs).split(b"\n")[:-1])
