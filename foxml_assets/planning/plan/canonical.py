"""Reading a plan file that is exactly as the planner wrote it: in one pass, in little memory."""

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from foxml_assets.planning.plan.encoding import (
    FRAME_END,
    FRAME_JOBS,
    FRAME_METADATA,
    FRAME_SUMMARY,
    encode,
    encode_body,
    hashed_identity,
    hashed_jobs,
)
from foxml_assets.planning.plan.master_plan import Job, MasterPlan, PlanMetadata, PlanSummary

_CHUNK_BYTES = 4_000_000
# A part is read as a whole, and may be twenty times as large in memory.
_MAX_PART_BYTES = 1 << 26

_METADATA = msgspec.json.Decoder(PlanMetadata)
_SUMMARY = msgspec.json.Decoder(PlanSummary)
_JOBS = msgspec.json.Decoder(list[Job])


def read_canonical(raw: bytes) -> tuple[MasterPlan, str] | None:
    """The plan in `raw` and the hash of its content; None if a single byte is not as it would be written.

    None too if metadata, summary or a job is too large to be one.

    What equals its own encoding holds no duplicate key, no unknown field and no other spelling of a
    value. Values that many jobs share are held once.
    """
    # Neither frame can occur inside a part, so the first and the last one are the real ones.
    start, end = raw.find(FRAME_JOBS), raw.rfind(FRAME_SUMMARY)
    if not raw.startswith(FRAME_METADATA) or not raw.endswith(FRAME_END) or not 0 < start < end:
        return None
    if max(start, len(raw) - end) > _MAX_PART_BYTES:
        return None
    try:
        metadata_bytes = raw[len(FRAME_METADATA) : start]
        summary_bytes = raw[end + len(FRAME_SUMMARY) : -len(FRAME_END)]
        metadata, summary = _METADATA.decode(metadata_bytes), _SUMMARY.decode(summary_bytes)
        if encode(metadata) != metadata_bytes or encode(summary) != summary_bytes:
            return None
        digest = hashlib.sha256(hashed_identity(metadata))
        jobs: list[Job] = []
        seen: dict[object, object] = {}
        for body in _chunks(raw, start + len(FRAME_JOBS), end):
            if len(body) > _MAX_PART_BYTES:
                return None
            chunk = _JOBS.decode(b"[" + body + b"]")
            if encode_body(chunk) != body:
                return None
            digest.update(hashed_jobs(chunk))
            jobs.extend(_shared(chunk, seen))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    digest.update(encode(summary))
    return MasterPlan(metadata, tuple(jobs), summary), digest.hexdigest()


def _chunks(raw: bytes, start: int, end: int) -> Iterator[bytes]:
    """The job lines between `start` and `end` in parts of whole lines, without the comma after each part."""
    while start < end:
        # A raw line end stands only between jobs; the two bytes of the comma and it are passed over.
        stop = raw.find(b",\n", start + _CHUNK_BYTES, end)
        yield raw[start : stop if stop != -1 else end]
        start = stop + 2 if stop != -1 else end


def _shared(jobs: list[Job], seen: dict[object, object]) -> list[Job]:
    """`jobs`, in which equal values of different jobs are one object; `seen` holds those objects."""
    same = seen.setdefault
    return [
        replace(
            job,
            target=same(job.target, job.target),
            symbol=same(job.symbol, job.symbol),
            reason=same(job.reason, job.reason),
            features=same(job.features, job.features),
            data_hash=same(job.data_hash, job.data_hash),
        )
        for job in jobs
    ]
