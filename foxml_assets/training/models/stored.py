"""One model on disk: whether it is the one that its job asks for, by the content of its files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from foxml_assets.core.errors import LinkError, Problem, TrainingError
from foxml_assets.core.hashing import file_hash
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.files import refuse_links
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.agreement import contradictions
from foxml_assets.training.models.manifest import ModelState, manifest_path, read_hashed_manifest
from foxml_assets.training.models.model_location import model_file

_MAX_TOLD = 3


@dataclass(frozen=True)
class StoredModel:
    """What is there of one model, never `failed`. A trained one has no reason but hashes."""

    state: ModelState
    reason: str = ""
    manifest_sha256: str = ""
    model_sha256: str = ""


def stored_model(
    job: Job,
    family: ModelFamily,
    context: ModelContext,
    *,
    hash_of: Callable[[Path], str] = file_hash,
    asks_store: bool = True,
) -> StoredModel:
    """Hold the manifest and the model's file against the job, what is recorded, and each other.

    `hash_of` gives the SHA-256 of the model's file. Neither file is read through a link. Of a file in an
    object store the mark in the model's folder is believed unless `asks_store`, which may raise StoreError.
    """
    path = manifest_path(job, family, context.layout)
    try:
        refuse_links(path)
        if not path.is_file():
            return StoredModel(ModelState.MISSING, "not trained yet")
        manifest, sha256 = read_hashed_manifest(path)
        if manifest.spec_hash != job.spec_hash:
            return StoredModel(ModelState.STALE, "trained for another spec")
        problems = [
            *contradictions(manifest, job, family, context),
            *record_problems(sha256, job, family, context),
            *model_file(job, family, context).problems(manifest, hash_of, asks_store=asks_store),
        ]
    except (LinkError, TrainingError, OSError) as error:
        return _corrupt(str(error))
    if problems:
        return _corrupt("; ".join(map(str, problems[:_MAX_TOLD])))
    return StoredModel(ModelState.TRAINED, "", sha256, manifest.sha256)


def is_done(job: Job, context: ModelContext) -> bool:
    """Whether every family of `job` has an intact model of the job's spec."""
    return all(
        stored_model(job, family, context).state is ModelState.TRAINED for family in job.model_families
    )


def record_problems(
    manifest_sha256: str, job: Job, family: ModelFamily, context: ModelContext
) -> tuple[Problem, ...]:
    """What training recorded of the manifest, if it is another than that."""
    # Where nothing is recorded there is nothing to contradict.
    recorded = context.recorded.get((job.spec_hash, family), manifest_sha256)
    if recorded == manifest_sha256:
        return ()
    return (Problem("manifest", f"training recorded one with the SHA-256 {recorded}", manifest_sha256),)


def _corrupt(reason: str) -> StoredModel:
    return StoredModel(ModelState.CORRUPT, " ".join(reason.split()))
