"""Where candidates come from, and their table on disk: Parquet, or CSV where pyarrow cannot be imported."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from foxml_assets.core.errors import CandidatesError, Problem
from foxml_assets.core.hashing import content_hash, file_hash
from foxml_assets.evidence.evidence_files import evidence_hash, read_all_evidence
from foxml_assets.routing.candidates.candidates import (
    CANDIDATE_COLUMNS,
    CANDIDATE_NAMES,
    candidates_from_evidence,
    typed_candidates,
)
from foxml_assets.routing.frames import Kind
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import column_problems, find_table, write_table


@dataclass(frozen=True)
class CandidatesSource:
    """The table, and for people where it comes from."""

    table: pd.DataFrame
    description: str


def load_candidates(layout: Layout, targets: Collection[str] | None) -> CandidatesSource:
    """The current candidates; evidence counts only for `targets` of the panel (None: for all).

    Raises CandidatesError or EvidenceError for files that cannot be read.
    """
    imported = find_table(layout.imported_candidates)
    if imported is not None:
        return CandidatesSource(read_candidates(imported), f"imported, in place of evidence: {imported.name}")
    evidence = [one for one in read_all_evidence(layout) if targets is None or one.target in targets]
    return CandidatesSource(candidates_from_evidence(evidence), f"evidence of {len(evidence)} targets")


def candidates_source_hash(layout: Layout, targets: Collection[str] | None) -> str:
    """Hash of the files behind `load_candidates`, without parsing them."""
    imported = find_table(layout.imported_candidates)
    if imported is not None:
        return file_hash(imported)
    known = sorted(targets) if targets is not None else [one.target for one in read_all_evidence(layout)]
    present = [target for target in known if (layout.feature_selection(target) / "evidence.json").is_file()]
    return content_hash({target: evidence_hash(layout, target) for target in present})


def write_candidates(table: pd.DataFrame, path: Path) -> Path:
    """Write the candidates to `path`, as Parquet where possible. Returns the path written."""
    return write_table(table, path)


def read_candidates(path: Path) -> pd.DataFrame:
    """The candidates at `path`, or in its sibling of the other format.

    Raises CandidatesError if there is no file, it cannot be read, or its columns are not exactly
    CANDIDATE_NAMES; the error lists every such problem.
    """
    found = find_table(path)
    if found is None:
        raise _unusable(path, "there are no routing candidates")
    raw = read_raw_table(found)
    problems = column_problems([str(name) for name in raw.columns], CANDIDATE_NAMES)
    if problems:
        raise _unusable(found, "the columns are not those of candidates", *problems)
    return typed_candidates(raw)


def read_raw_table(path: Path, *, may_be_nested: Collection[str] = ()) -> pd.DataFrame:
    """The table in a `.parquet` or `.csv` file as it stands; text of a CSV stays text.

    Raises CandidatesError if it cannot be read, repeats a column name, or holds nested columns other than
    those that `may_be_nested`.
    """
    raw = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path, may_be_nested)
    repeated = sorted({str(name) for name in raw.columns[raw.columns.duplicated()]})
    if repeated:
        raise _unusable(
            path, "column names repeat", *(Problem(name, "column appears twice") for name in repeated)
        )
    return raw


def _unusable(path: Path, summary: str, *problems: Problem) -> CandidatesError:
    fix = "run `foxml run --until candidates` again, or import a table of your own"
    return CandidatesError(summary, file=path, problems=problems, fix=fix)


def _read_parquet(path: Path, may_be_nested: Collection[str]) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [column.name for column in CANDIDATE_COLUMNS if column.kind is Kind.TEXT]
    try:
        table = pq.read_table(path, read_dictionary=texts, partitioning=None)
        kinds = dict(zip(table.column_names, table.schema.types, strict=True))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _unusable(path, "is not a readable Parquet file", Problem("", what)) from error
    nested = [
        Problem(name, "holds nested values", str(kind))
        for name, kind in kinds.items()
        if pa.types.is_nested(kind) and name not in may_be_nested
    ]
    if nested:
        raise _unusable(path, "columns must be flat", *nested)
    # Without pandas' own metadata no column becomes an index. The Arrow copy is freed column by column.
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # Only an empty cell is null: NA and NAN may be symbols.
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        what = Problem("", str(error).splitlines()[0])
        raise _unusable(path, "is not a readable CSV file", what) from error
