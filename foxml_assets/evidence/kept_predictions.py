"""The out-of-fold predictions behind the scores of a target, beside its evidence where they are to be kept.

They are those of the models that screen, not of the families that a plan trains.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foxml_assets.core.errors import EvidenceError, Problem
from foxml_assets.evidence.arrays import Floats
from foxml_assets.evidence.screening.predictions import TargetCase
from foxml_assets.evidence.target_evidence import TargetEvidence
from foxml_assets.storage.files import remove_file, write_if_changed
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import column_problems

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("timestamp", "symbol", "fold", "pooled", "own")
_DATA_HASH, _SETTINGS_HASH = b"data_hash", b"settings_hash"
_FIX = "evaluate the target again: foxml run --until evidence"


@dataclass(frozen=True)
class OutOfFold:
    """What the chosen variants of the pooled and the own models predict on the rows of the panel, or NaN."""

    pooled: Floats
    own: Floats


def kept_path(layout: Layout, target: str) -> Path:
    """Where the predictions of `target` stand, if they are kept."""
    return layout.feature_selection(target) / "predictions.parquet"


def keep_predictions(layout: Layout, target: str, content: bytes | None) -> None:
    """Write the file that holds `content`; or remove, without any, that of an earlier evidence."""
    if content is None:
        remove_file(kept_path(layout, target))
    else:
        write_if_changed(kept_path(layout, target), content)


def predictions_bytes(evidence: TargetEvidence, case: TargetCase, found: OutOfFold) -> bytes:
    """A file of the rows that either model predicts. It names the data and settings of its evidence."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = np.flatnonzero(np.isfinite(found.pooled) | np.isfinite(found.own))
    symbol = pa.DictionaryArray.from_arrays(
        pa.array(case.panel.code[rows], pa.int32()), pa.array(case.panel.symbols, pa.string())
    )
    columns = [
        pa.Array.from_pandas(case.panel.times[case.panel.bar[rows]]),
        symbol,
        pa.array(case.fold_of[rows], pa.int16()),
        *(pa.array(values[rows], pa.float32(), from_pandas=True) for values in (found.pooled, found.own)),
    ]
    table = pa.table(columns, names=list(COLUMNS)).replace_schema_metadata(_identity(evidence))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def has_predictions(layout: Layout, evidence: TargetEvidence) -> bool:
    """Whether the predictions behind `evidence` are kept. A file that cannot be read counts as none."""
    try:
        return _belongs(_schema(kept_path(layout, evidence.target)), evidence)
    except EvidenceError:
        return False


def read_predictions(layout: Layout, evidence: TargetEvidence) -> pd.DataFrame:
    """COLUMNS of the predictions behind `evidence`, sorted by symbol and time.

    Raises EvidenceError where they are not kept, damaged, or those of another evidence.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = kept_path(layout, evidence.target)
    schema = _schema(path)
    if not _belongs(schema, evidence):
        raise EvidenceError("belongs to another evidence", file=path, fix=_FIX)
    wrong = column_problems(schema.names, COLUMNS) or _type_problems(schema)
    if wrong:
        raise EvidenceError("has other columns than were written", file=path, problems=wrong, fix=_FIX)
    try:
        frame = pd.DataFrame(pq.read_table(path).to_pandas())
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    # -1 for a missing symbol.
    code = frame["symbol"].cat.codes.to_numpy()
    if (code < 0).any() or (code[1:] < code[:-1]).any():
        raise EvidenceError("is not sorted by symbol", file=path, fix=_FIX)
    return frame


def _type_problems(schema: "pa.Schema") -> list[Problem]:
    import pyarrow as pa

    wanted = {
        "symbol": pa.dictionary(pa.int32(), pa.string()),
        "fold": pa.int16(),
        "pooled": pa.float32(),
        "own": pa.float32(),
    }
    found = {name: schema.field(name).type for name in COLUMNS}
    wrong = [name for name, kind in wanted.items() if found[name] != kind]
    if not pa.types.is_timestamp(found["timestamp"]):
        wrong.append("timestamp")
    return [Problem(name, "is of another type", str(found[name])) for name in wrong]


def _schema(path: Path) -> "pa.Schema":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> EvidenceError:
    return EvidenceError("cannot be read", file=path, problems=[Problem("", str(error))], fix=_FIX)


def _identity(evidence: TargetEvidence) -> dict[bytes, bytes]:
    return {_DATA_HASH: evidence.data_hash.encode(), _SETTINGS_HASH: evidence.settings_hash.encode()}


def _belongs(schema: "pa.Schema", evidence: TargetEvidence) -> bool:
    found = schema.metadata or {}
    return all(found.get(key) == value for key, value in _identity(evidence).items())
