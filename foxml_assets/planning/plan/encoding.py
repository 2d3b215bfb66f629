"""The bytes of a plan. Each job is one line, encoded once; files are put together from the lines."""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from foxml_assets.planning.plan.master_plan import Job, PlanMetadata, PlanSummary

# Field order as in the structs, sorted keys in mappings: the same plan gives the same bytes.
_ENCODER = msgspec.json.Encoder(order="deterministic")
_CHUNK = 20_000

SEPARATOR = b",\n"

# What stands around metadata, job lines and summary in the master plan file. No JSON string holds a raw
# line end, so FRAME_JOBS and FRAME_SUMMARY cannot occur inside one.
FRAME_METADATA = b'{"metadata":'
FRAME_JOBS = b',\n"jobs":[\n'
FRAME_SUMMARY = b'\n],\n"summary":'
FRAME_END = b"}\n"


def encode(value: object) -> bytes:
    """`value` as compact JSON, deterministic."""
    return _ENCODER.encode(value)


def job_lines(jobs: Sequence[Job]) -> list[bytes]:
    """One JSON object per job, without line ends."""
    # Every line ends in a line end, which leaves an empty piece behind the last.
    return _ENCODER.encode_lines(jobs).split(b"\n")[:-1]


def encode_body(jobs: Sequence[Job]) -> bytes:
    """The same lines as one piece, as they stand in the `jobs` array."""
    return _ENCODER.encode_lines(jobs)[:-1].replace(b"\n", SEPARATOR)


def master_frame(metadata: PlanMetadata, summary: PlanSummary) -> tuple[bytes, bytes]:
    """What stands before and after the job lines of the master plan file."""
    head = FRAME_METADATA + encode(metadata) + FRAME_JOBS
    return head, FRAME_SUMMARY + encode(summary) + FRAME_END


def plan_hash(metadata: PlanMetadata, jobs: Sequence[Job], summary: PlanSummary) -> str:
    """SHA-256 (hex) of what the plan says: without time, run, commit, parent, paths and prose."""
    digest = hashlib.sha256(hashed_identity(metadata))
    for chunk in _chunks(jobs):
        digest.update(hashed_jobs(chunk))
    digest.update(encode(summary))
    return digest.hexdigest()


def hashed_identity(metadata: PlanMetadata) -> bytes:
    """The part of `plan_hash` that comes from the metadata."""
    return encode(
        replace(
            metadata,
            generated_at="",
            run_id="",
            git_commit=None,
            plan_hash="",
            parent_plan_hash=None,
            routing_plan_path="",
            metrics_snapshot="",
        )
    )


def hashed_jobs(jobs: Sequence[Job]) -> bytes:
    """The part of `plan_hash` that comes from `jobs`; parts may be hashed one after the other."""
    return _ENCODER.encode_lines([_without_prose(job) for job in jobs])


def _without_prose(job: Job) -> Job:
    if not job.excluded_symbols:
        return replace(job, reason="")
    return replace(
        job, reason="", excluded_symbols=tuple(replace(item, reason="") for item in job.excluded_symbols)
    )


def _chunks(jobs: Sequence[Job]) -> Iterator[Sequence[Job]]:
    for start in range(0, len(jobs), _CHUNK):
        yield jobs[start : start + _CHUNK]
