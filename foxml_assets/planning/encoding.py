"""The bytes of a plan. Each job is one line, encoded once; files are put together from the lines."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from foxml_assets.planning.plan import Job, MasterPlan, PlanMetadata, PlanSummary

# Field order as in the structs, sorted keys in mappings: the same plan gives the same bytes.
_ENCODER = msgspec.json.Encoder(order="deterministic")

SEPARATOR = b",\n"
_CHUNK = 20_000


def encode(value: object) -> bytes:
    """`value` as compact JSON, deterministic."""
    return _ENCODER.encode(value)


def job_lines(jobs: Sequence[Job]) -> list[bytes]:
    """One JSON object per job, without line ends."""
    return _ENCODER.encode_lines(jobs).split(b"\n")[:-1]


def master_frame(metadata: PlanMetadata, summary: PlanSummary) -> tuple[bytes, bytes]:
    """What stands before and after the job lines of the master plan file."""
    return (
        b'{"metadata":' + encode(metadata) + b',\n"jobs":[\n',
        b'\n],\n"summary":' + encode(summary) + b"}\n",
    )


def is_canonical(plan: MasterPlan, raw: bytes) -> bool:
    """Whether `raw` is exactly what this module writes for `plan`.

    Then it holds no duplicate key, no field that the decoder passed over and no other spelling of a
    value. The jobs are encoded in chunks, so that no second copy of the file is held.
    """
    head, tail = master_frame(plan.metadata, plan.summary)
    if not raw.startswith(head):
        return False
    at = len(head)
    for number, chunk in enumerate(_chunks(plan.jobs)):
        expected = (SEPARATOR if number else b"") + _ENCODER.encode_lines(chunk)[:-1].replace(
            b"\n", SEPARATOR
        )
        if not raw.startswith(expected, at):
            return False
        at += len(expected)
    return len(raw) - at == len(tail) and raw.endswith(tail)


def plan_hash(metadata: PlanMetadata, jobs: Sequence[Job], summary: PlanSummary) -> str:
    """SHA-256 (hex) of what the plan says: without time, run, commit, parent, paths and prose."""
    digest = hashlib.sha256(encode(_identity(metadata)))
    for chunk in _chunks(jobs):
        digest.update(_ENCODER.encode_lines([_without_prose(job) for job in chunk]))
    digest.update(encode(summary))
    return digest.hexdigest()


def _identity(metadata: PlanMetadata) -> PlanMetadata:
    return replace(metadata, generated_at="", run_id="", git_commit=None, plan_hash="", parent_plan_hash=None)


def _without_prose(job: Job) -> Job:
    if not job.excluded_symbols:
        return replace(job, reason="")
    return replace(
        job, reason="", excluded_symbols=tuple(replace(item, reason="") for item in job.excluded_symbols)
    )


def _chunks(jobs: Sequence[Job]) -> Iterator[Sequence[Job]]:
    for start in range(0, len(jobs), _CHUNK):
        yield jobs[start : start + _CHUNK]


def joined(lines: Iterable[bytes]) -> bytes:
    """The body of a `jobs` array."""
    return SEPARATOR.join(lines)
