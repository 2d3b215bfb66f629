"""The manifest beside each model file: what was trained, on what, and how well it does."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.errors import Problem, TrainingError
from foxml_assets.core.hashing import canonical_json, file_hash
from foxml_assets.core.vocabulary import ModelFamily, TaskType, TrainingType
from foxml_assets.families.registry import find_family
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.files import write_atomic
from foxml_assets.storage.layout import Layout
from foxml_assets.training.scores import Count, HoldoutScores

MANIFEST_FILE = "manifest.json"


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labelled rows from `start` to `end` (ISO 8601, inclusive; None without rows)."""

    start: str | None
    end: str | None
    rows: Count


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One trained model. Equal inputs give equal bytes.

    `symbols` are those the model was trained on; a pooled model that takes the symbol as a feature (named
    in `categorical`) knows each by its position there. `features` are the model's columns, in order.
    """

    schema_version: Literal[2]
    job_id: str
    spec_hash: str
    family: ModelFamily
    target: str
    symbol: str | None
    training_type: TrainingType
    task_type: TaskType
    horizon_bars: Count
    features: tuple[str, ...]
    categorical: tuple[str, ...]
    symbols: tuple[str, ...]
    training_window: Window
    holdout_window: Window
    scores: HoldoutScores
    params: dict[str, float]
    seed: int
    library_versions: dict[str, str]
    model_file: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class ModelState(StrEnum):
    """How a model on disk stands to its job.

    `stale`: trained for another spec. `corrupt`: the file or its manifest is damaged. `failed`: the last
    attempt at this very spec failed.
    """

    TRAINED = "trained"
    STALE = "stale"
    CORRUPT = "corrupt"
    FAILED = "failed"
    MISSING = "missing"


def manifest_path(job: Job, family: ModelFamily, layout: Layout) -> Path:
    """Where the manifest of one model of `job` is."""
    return layout.model_dir(job.target, job.symbol, family) / MANIFEST_FILE


def model_path(job: Job, family: ModelFamily, layout: Layout) -> Path:
    """Where the native model file of one model of `job` is."""
    return layout.model_dir(job.target, job.symbol, family) / find_family(family).model_file


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write durably. Raises OSError."""
    write_atomic(path, msgspec.json.format(canonical_json(manifest), indent=2) + b"\n")


def read_manifest(path: Path) -> Manifest:
    """Raises TrainingError for a missing or damaged manifest."""
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        FAMILIES.check(manifest.family)
    except (OSError, ValueError) as error:
        problem = Problem("", str(error))
        raise TrainingError(
            "the manifest cannot be read", file=path, problems=[problem], fix="train the job again"
        ) from error
    return manifest


def stored_state(job: Job, family: ModelFamily, layout: Layout) -> ModelState:
    """The state of one model by its manifest and the content of its file alone: never `failed`."""
    path = manifest_path(job, family, layout)
    if not path.is_file():
        return ModelState.MISSING
    try:
        manifest = read_manifest(path)
    except TrainingError:
        return ModelState.CORRUPT
    if manifest.spec_hash != job.spec_hash or manifest.family != family:
        return ModelState.STALE
    model = model_path(job, family, layout)
    intact = model.is_file() and file_hash(model) == manifest.sha256
    return ModelState.TRAINED if intact else ModelState.CORRUPT


def is_done(job: Job, layout: Layout) -> bool:
    """Whether every family of `job` has an intact model of the job's spec."""
    return all(stored_state(job, family, layout) is ModelState.TRAINED for family in job.model_families)
