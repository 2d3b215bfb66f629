"""The files of a FoxML run that routing can use, wherever in the run's folder they lie.

FoxML moved its outputs several times: `feature_selections/<target>/`, `targets/<target>/reproducibility/
[stage=S/]<VIEW>/[universe=U/][symbol=S/][cohort=C/]`, `REPRODUCIBILITY/<STAGE>/<VIEW>/<target>/[symbol=S/]`.
A file is known by its name; its target and symbol by the folders above it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

# A file of metrics is far smaller; what is not is refused before it fills the memory.
MAX_BYTES = 50_000_000

_TARGET_PARENTS = frozenset({"feature_selections", "targets", "target_rankings", "leakage_detection"})
_VIEWS = frozenset({"CROSS_SECTIONAL", "SYMBOL_SPECIFIC"})
# Metrics of trained models are no evidence for training them.
_TRAINED = frozenset({"stage=TRAINING", "TRAINING"})
_NOT_SNAPSHOTS = frozenset({"manifest.json", "fs_snapshot.json", "snapshot_index.json"})


class FileKind(Enum):
    METRICS = auto()
    COHORT = auto()
    MODELS = auto()
    FAMILIES = auto()
    CONFIDENCE = auto()
    LEAKAGE = auto()
    SNAPSHOT = auto()
    FEATURES = auto()


_BY_NAME = {
    "metrics.json": FileKind.METRICS,
    "metrics.parquet": FileKind.METRICS,
    "metadata.json": FileKind.COHORT,
    "model_metadata.json": FileKind.MODELS,
    "multi_model_metadata.json": FileKind.MODELS,
    "model_family_status.json": FileKind.FAMILIES,
    "target_confidence.json": FileKind.CONFIDENCE,
    "selected_features.txt": FileKind.FEATURES,
}


@dataclass(frozen=True)
class FoxmlFile:
    """A file and what its folders say: target (None: only its content can tell) and symbol."""

    path: Path
    kind: FileKind
    target: str | None
    symbol: str | None


def find_files(run: Path) -> Iterator[FoxmlFile]:
    """The usable files below `run`, in path order. Links out of the run are not followed."""
    for folder, _, names in sorted(os.walk(run)):
        for name in sorted(names):
            path = Path(folder, name)
            parts = path.relative_to(run).parts
            kind = _kind(parts)
            if kind is None or path.is_symlink() or _shadowed(path):
                continue
            symbols = (part.removeprefix("symbol=") for part in parts if part.startswith("symbol="))
            yield FoxmlFile(path, kind, _target(parts), next(symbols, None))


def _kind(parts: tuple[str, ...]) -> FileKind | None:
    name, folders = parts[-1], parts[:-1]
    if _TRAINED & set(folders):
        return None
    if name in _BY_NAME:
        return _BY_NAME[name]
    if not name.endswith(".json") or name in _NOT_SNAPSHOTS:
        return None
    if "leak" in name or "leakage_detection" in folders:
        return FileKind.LEAKAGE
    if any("snapshot" in folder or folder == "feature_importance" for folder in folders):
        return FileKind.SNAPSHOT
    return None


def _target(parts: tuple[str, ...]) -> str | None:
    folders = parts[:-1]
    for at, folder in enumerate(folders[:-1]):
        if folder in _TARGET_PARENTS:
            return folders[at + 1]
    for at, folder in enumerate(folders[:-1]):
        # Below a view a `key=value` folder is a universe or a symbol, never the target.
        if folder in _VIEWS and "=" not in folders[at + 1]:
            return folders[at + 1]
    return None


def _shadowed(path: Path) -> bool:
    """Whether a JSON file beside it says the same."""
    return path.name == "metrics.parquet" and path.with_suffix(".json").exists()
