"""The manifest beside each model file: what was trained, on what, and how well it does."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.errors import LinkError, Problem, TrainingError
from foxml_assets.core.hashing import bytes_hash, canonical_json
from foxml_assets.core.vocabulary import ModelFamily, TaskType, TrainingType
from foxml_assets.families.registry import find_family
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import refuse_links, write_within
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

    @property
    def words(self) -> str:
        """As a person reads it: of a job whose model is missing, training was not reached yet."""
        return "not reached" if self is ModelState.MISSING else self.value


def manifest_path(job: Job, family: ModelFamily, layout: Layout) -> Path:
    """Where the manifest of one model of `job` is."""
    return layout.model_dir(job.target, job.symbol, family) / MANIFEST_FILE


def model_path(job: Job, family: ModelFamily, layout: Layout) -> Path:
    """Where the native model file of one model of `job` is."""
    return layout.model_dir(job.target, job.symbol, family) / find_family(family).model_file


def write_manifest(manifest: Manifest, path: Path) -> str:
    """Write into a model's folder; returns the SHA-256 (hex) of the file. Raises OSError and LinkError."""
    content = manifest_bytes(manifest)
    write_within(path, content)
    return bytes_hash(content)


def manifest_bytes(manifest: Manifest) -> bytes:
    """What a manifest's file holds."""
    return msgspec.json.format(canonical_json(manifest), indent=2) + b"\n"


def model_folders(layout: Layout) -> tuple[Path, ...]:
    """Every folder that holds a model, whoever asks for it, but for those that are being made or retired."""
    apart = {layout.staged_models, layout.retired_models}
    found = []
    # A training elsewhere moves and removes folders meanwhile, which `os.walk` passes over.
    for place, folders, files in os.walk(layout.models):
        folder = Path(place)
        folders[:] = [name for name in folders if folder / name not in apart]
        found += [folder] * (MANIFEST_FILE in files)
    return tuple(sorted(found))


def read_manifest(path: Path) -> Manifest:
    """Raises TrainingError for a missing or damaged manifest, and for a link."""
    return read_hashed_manifest(path)[0]


def read_hashed_manifest(path: Path) -> tuple[Manifest, str]:
    """The manifest and the SHA-256 (hex) of its file. Raises as `read_manifest`."""
    try:
        refuse_links(path)
        content = path.read_bytes()
        manifest = decode_json(content, Manifest)
        FAMILIES.check(manifest.family)
    except (LinkError, OSError, ValueError) as error:
        problem = Problem("", str(error))
        raise TrainingError(
            "the manifest cannot be read", file=path, problems=[problem], fix="train the job again"
        ) from error
    return manifest, bytes_hash(content)
