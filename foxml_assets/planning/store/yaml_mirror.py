"""The YAML mirror. A JSON object is a YAML flow mapping, so the job lines serve as they are."""

import re
from collections.abc import Iterable, Sequence

from foxml_assets.planning.plan.encoding import encode
from foxml_assets.planning.plan.master_plan import Job, MasterPlan

SEPARATOR = b"\n- "

# YAML 1.1 readers take these characters for line ends or reject them, even inside quotes.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# They also read 1e-6 as text: a number needs a point before its exponent. A quote that no backslash
# precedes ends a field's name, so this never hits the inside of a string.
_BARE_EXPONENT = re.compile(rb'((?<!\\)":-?\d+)(?=e[-+]?\d)')


def yaml_frame(plan: MasterPlan) -> tuple[bytes, bytes]:
    """What stands before and after the job lines."""
    head = b"metadata: " + _as_yaml(encode(plan.metadata)) + (b"\njobs:\n- " if plan.jobs else b"\njobs: []")
    return head, b"\nsummary: " + _as_yaml(encode(plan.summary)) + b"\n"


def yaml_lines(jobs: Sequence[Job], lines: Sequence[bytes]) -> Sequence[bytes]:
    """The JSON `lines` of `jobs` such that every YAML reader reads from them what a JSON reader does."""
    is_plain = all(line.isascii() and b"\x7f" not in line for line in lines)
    # An exponent is the only letter e in numbers: without one the JSON lines serve as they are.
    if is_plain and b"e" not in encode([*_numbers(jobs)]):
        return lines
    return [_as_yaml(line) for line in lines]


def _numbers(jobs: Sequence[Job]) -> Iterable[float]:
    for job in jobs:
        yield job.metadata.score or 0.0
        yield job.metadata.gate or 0.0
        yield job.horizon_minutes or 0.0


def _as_yaml(line: bytes) -> bytes:
    escaped = _NOT_YAML.sub(lambda match: f"\\u{ord(match.group()):04x}", line.decode())
    return _BARE_EXPONENT.sub(rb"\1.0", escaped.encode())
