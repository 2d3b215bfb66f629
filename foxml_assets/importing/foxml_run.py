"""The outputs of a FoxML run as routing candidates, wherever in the run's folder they lie.

FoxML moved its outputs several times: `feature_selections/<target>/`, `targets/<target>/reproducibility/
[stage=S/]<VIEW>/[universe=U/][symbol=S/][cohort=C/]`, `REPRODUCIBILITY/<STAGE>/<VIEW>/<target>/[symbol=S/]`.
A file is known by its name; its target and symbol by the folders above it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from foxml_assets.core.errors import CandidatesError, Problem
from foxml_assets.importing.foreign_words import Imported
from foxml_assets.importing.foxml_files import OF_COHORTS, READERS, Reader, from_leakage, snapshot
from foxml_assets.importing.foxml_rows import FoxmlRun, candidate_rows
from foxml_assets.importing.json_values import JsonObject, read_object, text
from foxml_assets.routing.candidates.candidates import typed_candidates

# A file of metrics is far smaller; what is not is refused before it fills the memory.
_MAX_BYTES = 50_000_000

_TARGET_PARENTS = frozenset({"feature_selections", "targets", "target_rankings", "leakage_detection"})
_VIEWS = frozenset({"CROSS_SECTIONAL", "SYMBOL_SPECIFIC"})
# Metrics of trained models are no evidence for training them.
_TRAINED = frozenset({"stage=TRAINING", "TRAINING"})
_NOT_SNAPSHOTS = frozenset({"manifest.json", "fs_snapshot.json", "snapshot_index.json"})


_FEATURES = "selected_features.txt"


@dataclass(frozen=True)
class _FoxmlFile:
    """A file, what reads it (None: a snapshot or a list of features), and what its folders say: target (None:
    only its content can tell) and symbol."""

    path: Path
    read: Reader | None
    target: str | None
    symbol: str | None


def import_foxml(path: Path) -> Imported:
    """The candidates in the folder of a FoxML run.

    What a run does not say stays unknown: leakage UNKNOWN, never SAFE; no sample size, no score. Raises
    CandidatesError, with all unreadable files at once, or if the folder holds nothing to import.
    """
    if not path.is_dir():
        raise CandidatesError("is not a folder", file=path, fix="name the folder of a FoxML run")
    run = _read_run(path)
    if not run.readings:
        raise CandidatesError(
            "the folder holds no FoxML metrics",
            file=path,
            problems=[Problem("", "no metrics.json, model_metadata.json or target_confidence.json below it")],
            fix="name the folder that holds feature_selections/ or targets/; see docs/formats.md",
        )
    notes: list[str] = []
    rows = pd.DataFrame(candidate_rows(run, notes), dtype=object)
    return Imported(typed_candidates(rows), tuple(dict.fromkeys(notes)))


def _read_run(path: Path) -> FoxmlRun:
    run, files, problems = FoxmlRun(), list(_find_files(path)), list[Problem]()
    # Of several cohorts of a row the last one counts; the files come in order.
    latest = {(file.read, file.target, file.symbol): file for file in files if file.read in OF_COHORTS}
    for file in (*(file for file in files if file.read not in OF_COHORTS), *latest.values()):
        _read_file(file, run, problems)
    if problems:
        fix = "mend or remove these files, then import again"
        raise CandidatesError("files of the run cannot be read", file=path, problems=problems, fix=fix)
    return run


def _read_file(file: _FoxmlFile, run: FoxmlRun, problems: list[Problem]) -> None:
    try:
        if file.path.name == _FEATURES:
            _read_features(file, run)
        else:
            _read_json(file, run)
    except (ValueError, OSError) as error:
        problems.append(Problem(str(file.path), str(error) or type(error).__name__))


def _read_features(file: _FoxmlFile, run: FoxmlRun) -> None:
    if file.target is not None and file.symbol is None:
        lines = file.path.read_text(encoding="utf-8").splitlines()
        run.features[file.target] = [name.strip() for name in lines if name.strip()]


def _read_json(file: _FoxmlFile, run: FoxmlRun) -> None:
    content = _content(file.path)
    target = file.target or text(content, "target", "target_name", "target_column")
    if file.read is None:
        found = snapshot(content, file.target, file.symbol)
        run.snapshots[found.target, found.symbol].append(found)
    elif target is not None:
        for reading in file.read(content, target, file.symbol):
            run.readings[target, reading.symbol].append(reading)


def _content(path: Path) -> JsonObject:
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"is larger than {_MAX_BYTES} bytes")
    if path.suffix != ".parquet":
        return read_object(path)
    import pyarrow.parquet as pq

    rows = pq.read_table(path, partitioning=None).to_pylist()
    # The Parquet form of the JSON object has one row.
    return rows[0] if rows else {}


def _find_files(run: Path) -> Iterator[_FoxmlFile]:
    """The usable files below `run`, in path order. Links out of the run are not followed."""
    for folder, _, names in sorted(os.walk(run)):
        for name in sorted(names):
            path = Path(folder, name)
            parts = path.relative_to(run).parts
            read = _reader(parts)
            used = read is not None or name == _FEATURES or _is_snapshot(parts)
            if not used or _TRAINED & set(parts) or path.is_symlink() or _shadowed(path):
                continue
            symbols = (part.removeprefix("symbol=") for part in parts if part.startswith("symbol="))
            yield _FoxmlFile(path, read, _target(parts), next(symbols, None))


def _reader(parts: tuple[str, ...]) -> Reader | None:
    *folders, name = parts
    reports_leaks = name.endswith(".json") and ("leak" in name or "leakage_detection" in folders)
    return READERS.get(name) or (from_leakage if reports_leaks and name not in _NOT_SNAPSHOTS else None)


def _is_snapshot(parts: tuple[str, ...]) -> bool:
    *folders, name = parts
    of_importances = any("snapshot" in folder or folder == "feature_importance" for folder in folders)
    return of_importances and name.endswith(".json") and name not in _NOT_SNAPSHOTS


def _target(parts: tuple[str, ...]) -> str | None:
    folders = list(pairwise(parts[:-1]))
    named = [child for parent, child in folders if parent in _TARGET_PARENTS]
    # Below a view a `key=value` folder is a universe or a symbol, never the target.
    named += [child for parent, child in folders if parent in _VIEWS and "=" not in child]
    return named[0] if named else None


def _shadowed(path: Path) -> bool:
    """Whether a JSON file beside it says the same."""
    return path.name == "metrics.parquet" and path.with_suffix(".json").exists()
