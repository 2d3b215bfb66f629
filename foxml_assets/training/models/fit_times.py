"""How long fits took: beside each model in a file of its own, which nothing hashes or compares."""

import heapq
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from foxml_assets.core.errors import Problem, TrainingError
from foxml_assets.core.vocabulary import ModelFamily, TrainingType
from foxml_assets.planning.diff.preview import FitKey, estimate_seconds, seconds_by_job
from foxml_assets.planning.diff.preview_report import duration
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import write_within
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.manifest import MANIFEST_FILE, model_folders, read_manifest
from foxml_assets.training.models.retired import is_retired, retired_models
from foxml_assets.training.training_config import TrainingConfig

TIMING_FILE = "timing.json"
# What a Dagster run costs beside its jobs, on a free core.
_RUN_SECONDS = 1.0
_log = logging.getLogger(__name__)


class FitTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` on the clock, on one thread: of fit, scoring and saving, and of reading the rows, which the
    families that a job trains at once share."""

    seconds: float


def write_fit_seconds(seconds: float, folder: Path) -> None:
    """Record in a model's folder what it took. Raises OSError and LinkError."""
    write_within(folder / TIMING_FILE, msgspec.json.encode(FitTiming(round(seconds, 3))) + b"\n")


def read_fit_seconds(job: Job, family: ModelFamily, layout: Layout) -> float | None:
    """What one model took; None where it was not recorded. Raises TrainingError for a damaged file."""
    return _read(layout.model_dir(job.target, job.symbol, family) / TIMING_FILE)


def known_fit_seconds(folder: Path) -> float | None:
    """What the model in `folder` took; None where it was not recorded, or, which is logged, damaged."""
    try:
        return _read(folder / TIMING_FILE)
    except TrainingError as error:
        _log.warning("%s", error)
        return None


def past_fit_seconds(layout: Layout) -> dict[FitKey, float]:
    """Seconds of each recorded fit by target, symbol and family; what is damaged is logged and left out."""
    found: dict[FitKey, float] = {}
    # What is in use counts for more than what is not.
    for folder in (*(model.folder for model in retired_models(layout)), *model_folders(layout)):
        try:
            manifest = read_manifest(folder / MANIFEST_FILE)
        except TrainingError as error:
            _log.warning("%s", error)
            continue
        seconds = known_fit_seconds(folder)
        if seconds is not None:
            found[manifest.target, manifest.symbol, manifest.family] = seconds
    return found


def describe_cost(jobs: Sequence[Job], layout: Layout, config: TrainingConfig) -> str:
    """What training `jobs`, in that order, will take by the clock, as far as past fits tell."""
    jobs = [job for job in jobs if not all(is_retired(job, one, layout) for one in job.model_families)]
    if not jobs:
        return "no fits, as all are taken back as they were"
    past = past_fit_seconds(layout)
    estimate = estimate_seconds(jobs, past)
    fits = estimate.known + estimate.guessed + estimate.unknown
    if estimate.unknown == fits:
        return f"{fits:,} fits, of which none was timed yet"
    unknown = f", {estimate.unknown:,} of them never timed" if estimate.unknown else ""
    threads = config.sure_threads
    on = "one thread" if threads == 1 else f"{threads} threads"
    about = "at least" if estimate.unknown else "about"
    return f"{fits:,} fits, {about} {duration(clock_seconds(jobs, past, config))} on {on}{unknown}"


def clock_seconds(jobs: Sequence[Job], past: Mapping[FitKey, float], config: TrainingConfig) -> float:
    """What training `jobs`, in that order, will take by the clock, if fits take as long as `past` ones."""
    clock = 0.0
    # A run holds jobs of one training type, and runs follow each other.
    for kind in TrainingType:
        own = seconds_by_job([job for job in jobs if job.training_type is kind], past)
        clock += math.ceil(len(own) / config.batch_size) * _RUN_SECONDS
        clock += _seconds_on(config.sure_threads, own)
    return clock


def _seconds_on(threads: int, job_seconds: Iterable[float]) -> float:
    """How long `threads` work on jobs of so many seconds each: whoever is free takes the next one."""
    busy_until = [0.0] * threads
    for seconds in job_seconds:
        heapq.heapreplace(busy_until, busy_until[0] + seconds)
    return max(busy_until)


def _read(path: Path) -> float | None:
    if not path.is_file():
        return None
    try:
        return decode_json(path.read_bytes(), FitTiming).seconds
    except msgspec.DecodeError as error:
        problem = Problem("", str(error))
        raise TrainingError(
            "the timing cannot be read", file=path, problems=[problem], fix="delete the file"
        ) from error
