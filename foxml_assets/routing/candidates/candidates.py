"""Routing candidates: the evidence as one flat table, a row per pooled model and per pair."""

from collections.abc import Sequence
from dataclasses import asdict, astuple

import numpy as np
import pandas as pd

from foxml_assets.core.hashing import canonical_json
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, TargetEvidence
from foxml_assets.routing.frames import FAMILY_COLUMNS, Column, Kind, category, count, frame_hash, real, tidy

ESTIMATE_SUFFIXES = ("", "_se", "_ci_low", "_ci_high")


def _estimate(name: str, meaning: str) -> tuple[Column, ...]:
    return (
        real(name, meaning),
        real(f"{name}_se", f"standard error of {name}"),
        real(f"{name}_ci_low", f"lower end of the 95 % interval of {name}"),
        real(f"{name}_ci_high", f"upper end of the 95 % interval of {name}"),
    )


CANDIDATE_COLUMNS: tuple[Column, ...] = (
    Column("target", "label column"),
    Column("symbol", "instrument; null for the pooled model's row"),
    Column("task_type", "classification or regression"),
    Column("score_metric", "auc, ic or r2: the unit of all scores of the row"),
    real("horizon_minutes", "label horizon in minutes; null if unknown"),
    count("sample_size", "rows with an out-of-fold prediction"),
    *_estimate("score", "out-of-fold score; of a pooled row the mean within symbols"),
    *_estimate("earlier_score", "the score over all but the most recent folds"),
    *_estimate("recent_score", "the score over the most recent folds"),
    count("n_snapshots", "importance snapshots behind the stability metrics"),
    real("mean_overlap", "mean top-k overlap of importances between snapshots"),
    real("std_overlap", "its standard deviation"),
    real("mean_tau", "mean Kendall tau of importances between snapshots"),
    real("std_tau", "its standard deviation"),
    Column("stability", "stability stated by the source; used only without metrics"),
    Column("leakage_status", "SAFE, SUSPECT, BLOCKED or UNKNOWN"),
    Column("leakage_reason", "what the leakage detectors found"),
    *FAMILY_COLUMNS,
    *_estimate("cs_score", "on a symbol row: score of the pooled model on this symbol"),
    *_estimate("both_score", "on a symbol row: score of the average of both models"),
    *_estimate("difference", "on a symbol row: local minus pooled score, paired"),
    *_estimate("local_score", "on a pooled row: mean score of the symbols' own models"),
    Column("features", "JSON object: selected feature -> leakage status"),
    Column("assured", "JSON object: selected feature nobody doubts -> who stands for it, and why"),
    Column("data_hash", "hash of the panel data behind the row"),
)
CANDIDATE_NAMES: tuple[str, ...] = tuple(column.name for column in CANDIDATE_COLUMNS)
_ESTIMATES = ("score", "earlier_score", "recent_score", "cs_score", "both_score", "difference", "local_score")


def candidates_from_evidence(evidence: Sequence[TargetEvidence]) -> pd.DataFrame:
    """The candidates table of `evidence`, with the columns of CANDIDATE_COLUMNS, sorted."""
    rows = [_values(of_target, row) for of_target in evidence for row in of_target.rows]
    return typed_candidates(pd.DataFrame(rows, columns=list(CANDIDATE_NAMES), dtype=object))


def typed_candidates(raw: pd.DataFrame) -> pd.DataFrame:
    """`raw` with all candidate columns, in their dtypes and order, sorted by target and symbol.

    Columns that are missing become null. Text that is no number where one belongs becomes infinite,
    a count that is no whole number becomes -1: both are quarantined by routing, not lost.
    """
    columns = {column.name: _typed(raw, column) for column in CANDIDATE_COLUMNS}
    return _sorted(pd.DataFrame(columns, copy=False))


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    """`table` by target, then the pooled row, then symbols; equal keys by all other columns."""
    key = ["target", "symbol"]
    # Sorting by all columns takes seconds, and is needed only where a row stands twice.
    by = list(CANDIDATE_NAMES) if table.duplicated(key).any() else key
    return table.sort_values(by, na_position="first", ignore_index=True)


def candidates_hash(table: pd.DataFrame) -> str:
    """Hash of the candidates' content; the same for any order of rows in the source."""
    return frame_hash(table, CANDIDATE_NAMES)


def _values(evidence: TargetEvidence, row: RowEvidence) -> dict[str, object]:
    """The candidate of one row of evidence; columns that are left out are null."""
    values: dict[str, object] = {
        "target": evidence.target,
        "symbol": row.symbol,
        "task_type": str(evidence.task_type),
        "score_metric": str(evidence.score_metric),
        "horizon_minutes": evidence.horizon_minutes,
        "sample_size": row.sample_size,
        "leakage_status": str(row.leakage_status),
        "leakage_reason": row.leakage_reason or None,
        "successful_families": "|".join(sorted(row.successful_families)),
        "failed_families": "|".join(sorted(row.failed_families)),
        "families": "|".join(row.families) or None,
    }
    if row.stability is not None:
        values |= asdict(row.stability)
    for name in _ESTIMATES:
        estimate: Estimate | None = getattr(row, name)
        if estimate is not None:
            values |= zip((f"{name}{suffix}" for suffix in ESTIMATE_SUFFIXES), astuple(estimate), strict=True)
    if row.symbol is None:
        assured = {name: one for name, one in evidence.assured.items() if name in evidence.features}
        values["features"] = canonical_json(evidence.features).decode() if evidence.features else None
        values["assured"] = canonical_json(assured).decode() if assured else None
        values["data_hash"] = evidence.data_hash
    return values


def _typed(raw: pd.DataFrame, column: Column) -> pd.Series:
    is_there = column.name in raw.columns
    values = raw[column.name] if is_there else pd.Series([None] * len(raw), dtype=object)
    values = values.reset_index(drop=True)
    if column.kind is Kind.TEXT:
        return _text(values)
    if values.dtype == column.kind.value:
        return values
    numbers = _as_float(values)
    if column.kind is Kind.FLOAT:
        return pd.Series(numbers)
    # From 2**53 on not every whole number is a float, so a count as large may not be what was written.
    whole = np.isnan(numbers) | ((np.abs(numbers) < 2**53) & (numbers == np.floor(numbers)))
    counts = pd.Series(np.where(whole, numbers, -1.0))
    return counts.astype("Int64")


def _as_float(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    text = values.astype(object)
    missing = text.isna().to_numpy()
    readable = pd.to_numeric(text, errors="coerce").notna().to_numpy()
    numbers = np.full(len(text), np.inf)
    numbers[missing] = np.nan
    # Python's float() reads what repr() wrote to the last bit; pandas' own parser does not.
    numbers[readable] = text.to_numpy()[readable].astype(np.float64)
    return numbers


def _plain(value: object) -> str:
    """The value as text, a question mark for half of a surrogate pair, which JSON can spell."""
    return str(value).encode(errors="replace").decode()


def _text(values: pd.Series) -> pd.Series:
    if not isinstance(values.dtype, pd.CategoricalDtype):
        present = values.notna()
        if not present.any():
            return pd.Series(category([None] * len(values)), copy=False)
        values = values.astype(object).where(present, None).map(_plain, na_action="ignore").astype("category")
    column = tidy(values.array)
    # An empty text is null in a CSV, so it is everywhere.
    return pd.Series(column.remove_categories([""]) if "" in column.categories else column, copy=False)
