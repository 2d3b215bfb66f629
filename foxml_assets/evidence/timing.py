"""What the evidence of a target cost, beside it on disk and outside every hash."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from foxml_assets.core.errors import EvidenceError, Problem
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import write_atomic
from foxml_assets.storage.layout import Layout


class EvidenceTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` on the clock, and of CPU over all threads of the process."""

    seconds: float
    cpu_seconds: float


def stopwatch() -> Callable[[], EvidenceTiming]:
    """A function that tells what has passed since this call."""
    began, cpu_began = time.perf_counter(), time.process_time()

    def passed() -> EvidenceTiming:
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
        return EvidenceTiming(round(seconds, 3), round(cpu_seconds, 3))

    return passed


def timing_path(layout: Layout, target: str) -> Path:
    """Where the timing of `target` stands."""
    return layout.feature_selection(target) / "timing.json"


def write_timing(layout: Layout, target: str, timing: EvidenceTiming) -> None:
    """Write durably. Raises OSError."""
    write_atomic(timing_path(layout, target), msgspec.json.encode(timing) + b"\n")


def read_timing(layout: Layout, target: str) -> EvidenceTiming | None:
    """The timing of `target`; None where none was recorded. Raises EvidenceError for a damaged file."""
    path = timing_path(layout, target)
    if not path.is_file():
        return None
    try:
        return decode_json(path.read_bytes(), EvidenceTiming)
    except msgspec.DecodeError as error:
        problem = Problem("", str(error))
        raise EvidenceError(
            "the timing cannot be read", file=path, problems=[problem], fix="delete the file"
        ) from error
