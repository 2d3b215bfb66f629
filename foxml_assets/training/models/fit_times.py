"""How long fits took: beside each model in a file of its own, which nothing hashes or compares."""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from foxml_assets.core.errors import Problem, TrainingError
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.diff.preview import FitKey, estimate_seconds
from foxml_assets.planning.diff.preview_report import duration
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import write_atomic
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.manifest import MANIFEST_FILE, model_folders, read_manifest
from foxml_assets.training.models.retired import is_retired, retired_models

TIMING_FILE = "timing.json"
_log = logging.getLogger(__name__)


class FitTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` on the clock, of fit, scoring and saving, on one thread."""

    seconds: float


def write_fit_seconds(seconds: float, folder: Path) -> None:
    """Record in a model's folder what it took, durably. Raises OSError."""
    write_atomic(folder / TIMING_FILE, msgspec.json.encode(FitTiming(round(seconds, 3))) + b"\n")


def read_fit_seconds(job: Job, family: ModelFamily, layout: Layout) -> float | None:
    """What one model took; None where it was not recorded. Raises TrainingError for a damaged file."""
    return _read(layout.model_dir(job.target, job.symbol, family) / TIMING_FILE)


def past_fit_seconds(layout: Layout) -> dict[FitKey, float]:
    """Seconds of each recorded fit by target, symbol and family; what is damaged is logged and left out."""
    found: dict[FitKey, float] = {}
    # What is in use counts for more than what is not.
    for folder in (*(model.folder for model in retired_models(layout)), *model_folders(layout)):
        try:
            manifest, seconds = read_manifest(folder / MANIFEST_FILE), _read(folder / TIMING_FILE)
        except TrainingError as error:
            _log.warning("%s", error)
            continue
        if seconds is not None:
            found[manifest.target, manifest.symbol, manifest.family] = seconds
    return found


def describe_cost(jobs: Sequence[Job], layout: Layout, threads: int) -> str:
    """What training `jobs` on so many threads will take, as far as past fits tell."""
    to_fit = [job for job in jobs if not all(is_retired(job, one, layout) for one in job.model_families)]
    if not to_fit:
        return "no fits, as all are taken back as they were"
    estimate = estimate_seconds(to_fit, past_fit_seconds(layout))
    fits = estimate.known + estimate.guessed + estimate.unknown
    if estimate.unknown == fits:
        return f"{fits:,} fits, of which none was timed yet"
    unknown = f", {estimate.unknown:,} of them never timed" if estimate.unknown else ""
    on = "one thread" if threads == 1 else f"{threads} threads"
    return f"{fits:,} fits, about {duration(estimate.seconds / threads)} on {on}{unknown}"


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
