"""What changes a trained model, and nothing else: the spec of a job and its hash."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from foxml_assets.core.hashing import canonical_json
from foxml_assets.planning.plan.master_plan import Job, TrainingHashes


def spec_hash(job: Job, hashes: TrainingHashes) -> str:
    """SHA-256 (hex) of all that a model of `job` depends on, under the training settings of those hashes."""
    return next(spec_hashes([job], hashes))


def with_spec_hashes(jobs: Sequence[Job], hashes: TrainingHashes) -> list[Job]:
    """`jobs` with their spec hashes filled in."""
    specs = spec_hashes(jobs, hashes)
    return [replace(job, spec_hash=spec) for job, spec in zip(jobs, specs, strict=True)]


def spec_hashes(jobs: Iterable[Job], hashes: TrainingHashes) -> Iterator[str]:
    """`spec_hash` of many jobs. What they share is encoded and hashed once."""
    shared: dict[tuple[object, ...], hashlib._Hash] = {}
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
        )
        begun = shared.get(key)
        if begun is None:
            begun = shared[key] = hashlib.sha256(canonical_json(_shared_spec(job, hashes)))
        digest = begun.copy()
        digest.update(canonical_json([job.symbol, job.data_hash]))
        yield digest.hexdigest()


def _shared_spec(job: Job, hashes: TrainingHashes) -> dict[str, object]:
    """What a trained model depends on besides its symbol and its data: many jobs have it in common.

    Route, priority, reason and scores are not part of it. Families and excluded symbols count as sets and
    are sorted.
    """
    same = ("target", "training_type", "task_type", "horizon_minutes", "features")
    return {
        **{name: getattr(job, name) for name in same},
        "model_families": sorted(job.model_families),
        "excluded_symbols": sorted(item.symbol for item in job.excluded_symbols),
        "training_hashes": hashes.only(job.model_families),
    }
