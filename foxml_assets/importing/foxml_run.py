"""The outputs of a FoxML run as routing candidates."""

from pathlib import Path

import pandas as pd

from foxml_assets.core.errors import CandidatesError, Problem
from foxml_assets.importing.foxml_files import MAX_BYTES, FileKind, FoxmlFile, find_files
from foxml_assets.importing.foxml_rows import FoxmlRun, target_rows
from foxml_assets.importing.foxml_scores import (
    from_cohort,
    from_confidence,
    from_leakage,
    from_metrics,
    from_models,
)
from foxml_assets.importing.foxml_snapshots import snapshot
from foxml_assets.importing.imported import Imported
from foxml_assets.importing.json_values import JsonObject, read_object, text
from foxml_assets.routing.candidates.candidates import typed_candidates

_OF_COHORTS = frozenset({FileKind.METRICS, FileKind.COHORT})
_READERS = {
    FileKind.METRICS: from_metrics,
    FileKind.COHORT: from_cohort,
    FileKind.MODELS: from_models,
    FileKind.FAMILIES: from_models,
    FileKind.CONFIDENCE: from_confidence,
    FileKind.LEAKAGE: from_leakage,
}


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
    rows = [row for keys in run.by_target() for row in target_rows(keys, run, notes)]
    return Imported(typed_candidates(pd.DataFrame(rows, dtype=object)), tuple(dict.fromkeys(notes)))


def _read_run(path: Path) -> FoxmlRun:
    run, files, problems = FoxmlRun(), list(find_files(path)), list[Problem]()
    # Of several cohorts of a row the last one counts; the files come in order.
    latest = {(file.kind, file.target, file.symbol): file for file in files if file.kind in _OF_COHORTS}
    for file in (*(file for file in files if file.kind not in _OF_COHORTS), *latest.values()):
        _read_file(file, run, problems)
    if problems:
        fix = "mend or remove these files, then import again"
        raise CandidatesError("files of the run cannot be read", file=path, problems=problems, fix=fix)
    return run


def _read_file(file: FoxmlFile, run: FoxmlRun, problems: list[Problem]) -> None:
    try:
        if file.kind is FileKind.FEATURES:
            _read_features(file, run)
        else:
            _read_json(file, run)
    except (ValueError, OSError) as error:
        problems.append(Problem(str(file.path), str(error) or type(error).__name__))


def _read_features(file: FoxmlFile, run: FoxmlRun) -> None:
    if file.target is not None and file.symbol is None:
        lines = file.path.read_text(encoding="utf-8").splitlines()
        run.features[file.target] = [name.strip() for name in lines if name.strip()]


def _read_json(file: FoxmlFile, run: FoxmlRun) -> None:
    content = _content(file.path)
    target = file.target or text(content, "target", "target_name", "target_column")
    if file.kind is FileKind.SNAPSHOT:
        found = snapshot(content, file.target, file.symbol)
        run.snapshots[found.target, found.symbol].append(found)
    elif target is not None:
        for reading in _READERS[file.kind](content, target, file.symbol):
            run.readings[reading.target, reading.symbol].append(reading)


def _content(path: Path) -> JsonObject:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES} bytes")
    if path.suffix != ".parquet":
        return read_object(path)
    import pyarrow.parquet as pq

    rows = pq.read_table(path, partitioning=None).to_pylist()
    # The Parquet form of the JSON object has one row.
    return rows[0] if rows else {}
