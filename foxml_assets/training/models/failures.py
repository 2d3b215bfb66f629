"""Failed attempts, kept beside the model they did not make, so that any later process can name the reason."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from foxml_assets.core.errors import LinkError
from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import write_atomic
from foxml_assets.storage.layout import Layout

FAILURE_FILE = "failure.json"


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the last attempt at one model failed. It counts only while the job has this spec."""

    job_id: str
    spec_hash: str
    family: ModelFamily
    reason: str


def record_failure(job: Job, family: ModelFamily, reason: str, layout: Layout) -> str:
    """Record a failed attempt, durably, and return its reason.

    Where nothing can be written any more (a full disk, say) the reason returned says so too.
    """
    failure = Failure(job.job_id, job.spec_hash, family, reason)
    try:
        write_atomic(
            _path(job, family, layout), msgspec.json.format(canonical_json(failure), indent=2) + b"\n"
        )
    except (OSError, LinkError) as error:
        return f"{reason} (which could not be recorded: {error})"
    return reason


def failure_reason(job: Job, family: ModelFamily, layout: Layout) -> str | None:
    """Why the last attempt at the job's present spec failed; None if it did not."""
    path = _path(job, family, layout)
    if not path.is_file():
        return None
    try:
        failure = decode_json(path.read_bytes(), Failure)
    except msgspec.DecodeError:
        return f"{path.name} is damaged"
    return failure.reason if failure.spec_hash == job.spec_hash else None


def joined_reasons(reasons: Sequence[tuple[ModelFamily, str]]) -> str:
    """The reasons of a job's families as one text: a reason they share stands once."""
    told = {reason for _, reason in reasons}
    if len(told) == 1:
        return told.pop()
    return "; ".join(f"{family}: {reason}" for family, reason in reasons if reason)


def _path(job: Job, family: ModelFamily, layout: Layout) -> Path:
    return layout.model_dir(job.target, job.symbol, family) / FAILURE_FILE
