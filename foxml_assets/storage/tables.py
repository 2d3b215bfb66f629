"""Flat tables on disk: Parquet, or CSV with the same columns where pyarrow cannot be imported."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from foxml_assets.core.errors import Problem
from foxml_assets.storage.files import remove_file, write_if_changed

_PANDAS_INDEX = re.compile(r"__index_level_\d+__|Unnamed: 0")


def is_pandas_index(name: str) -> bool:
    """Whether a column of this name is an index that pandas wrote along: in Parquet, or first in a CSV."""
    return _PANDAS_INDEX.fullmatch(name) is not None


def column_problems(found: Sequence[str], wanted: Sequence[str]) -> list[Problem]:
    """What keeps the columns `found` from being exactly those `wanted`."""
    missing = [Problem(name, "column is missing") for name in wanted if name not in found]
    unknown = [Problem(name, "column is not known") for name in found if name not in wanted]
    repeated = [Problem(name, "column appears twice") for name in wanted if found.count(name) > 1]
    return [*missing, *unknown, *repeated]


def write_table(table: pd.DataFrame, path: Path) -> Path:
    """Write `table` to `path` (`.parquet`), or to its `.csv` sibling without pyarrow.

    A file that holds the same bytes is left alone. The sibling in the other format is removed, so that one
    table exists. Returns the path of the table.
    """
    buffer = io.BytesIO()
    written, other = path.with_suffix(".parquet"), path.with_suffix(".csv")
    try:
        table.to_parquet(buffer, index=False, engine="pyarrow", compression="zstd")
    except ImportError:
        written, other = other, written
        # The same line ends on every system, so that the same table gives the same bytes.
        table.to_csv(buffer, index=False, lineterminator="\n")
    write_if_changed(written, buffer.getvalue())
    # After the write, so that there is a table at every moment.
    remove_file(other)
    return written


def find_table(path: Path) -> Path | None:
    """The Parquet file at `path`, else its CSV sibling, else None."""
    return next((p for p in (path.with_suffix(".parquet"), path.with_suffix(".csv")) if p.is_file()), None)
