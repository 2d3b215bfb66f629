"""Content hash of a table's columns, the same for categories, plain strings and any category order."""

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from foxml_assets.core.hashing import canonical_json
from foxml_assets.routing.candidates.table_columns import tidy

Buffer: TypeAlias = bytes | memoryview


def frame_hash(table: pd.DataFrame, columns: Sequence[str]) -> str:
    """SHA-256 (hex) of the named columns, in this order, row order included."""
    digest = hashlib.sha256()
    for name in columns:
        # Name and length before the values: no value can be taken for one of another column.
        digest.update(canonical_json([name, len(table)]))
        for part in _column_parts(table[name]):
            digest.update(part)
    return digest.hexdigest()


def _column_parts(column: pd.Series) -> list[Buffer]:
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column.dtype):
        return _text_parts(column)
    if column.dtype == np.bool_:
        return [column.to_numpy(dtype=np.uint8).data]
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype="<f8") + 0.0  # makes -0.0 and 0.0 one value
        missing = np.isnan(values)
        # NaN has many bit patterns, of which one is hashed.
        return [b"null"] if missing.all() else [np.where(missing, np.nan, values).astype("<f8").data]
    missing = column.isna().to_numpy()
    # A null counts as 0 here and as a bit of the mask behind: 0 and null differ.
    integers = column.fillna(0).to_numpy(dtype="<i8")
    return [integers.data, np.packbits(missing).data]


def _text_parts(column: pd.Series) -> list[Buffer]:
    text = tidy(pd.Categorical(column))
    # The codes of 127 words at most, -1 for null included, fit into a byte.
    width = "<i1" if len(text.categories) < 2**7 else "<i4"
    return [canonical_json(list(text.categories)), text.codes.astype(width).data]
