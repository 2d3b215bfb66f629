"""A user's own panel, in long format, from a file, a folder or a glob."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.panel.data_config import FilePanel
from foxml_assets.panel.files.columns import choose_columns, is_numeric
from foxml_assets.panel.files.other_columns import left_out_words, odd_value
from foxml_assets.panel.files.table_files import (
    PANEL,
    PARQUET,
    ROWS,
    SOURCE,
    TableFile,
    fix_for,
    kind_of,
    open_tables,
    panel_files,
    row_files,
    source_files,
)
from foxml_assets.panel.raw_panel import RawPanel, TimeUnit

if TYPE_CHECKING:
    import pyarrow as pa

_log = logging.getLogger(__name__)


def read_file_panel(
    config: FilePanel, features_before: Collection[str] = (), targets_before: Collection[str] = ()
) -> RawPanel:
    """Read the chosen columns of all files. Logs what is left out because it is not numeric, and what of it
    is among `features_before`.

    Raises PanelError for files that cannot be read, columns that a file lacks, choices that name nothing, and
    features by a pattern that are among `targets_before`.
    """
    files = panel_files(config.path, config.source)
    tables = open_tables(files, config.source, config.symbol_column, PANEL)
    schema = unified_schema(tables, PANEL)
    chosen = choose_columns(schema, config, targets_before, lambda name: odd_value(name, tables))
    if left_out := left_out_words(chosen.not_numeric, tables, features_before):
        _log.warning("panel: %s", left_out)
    keys = (config.time_column, config.symbol_column)
    wanted = [*keys, *chosen.features, *(target.name for target in chosen.targets)]
    return RawPanel(
        frame=to_frame(read_all(tables, wanted, PANEL), keys=keys),
        time_column=config.time_column,
        symbol_column=config.symbol_column,
        features=chosen.features,
        targets=chosen.targets,
        origin=config.path,
        time_unit=config.time_unit,
    )


def read_rows(
    path: str, time_column: str, symbol_column: str, features: Sequence[str], time_unit: TimeUnit | None
) -> RawPanel:
    """Read `features` of the panel at `path` to predict on; it needs no labels, and may hold anything else.

    Raises PanelError for files that cannot be read, and names all columns that are missing or not numeric.
    """
    import pyarrow as pa

    keys = (time_column, symbol_column)
    wanted = [*keys, *features]
    tables = [
        table.only(wanted) for table in open_tables(row_files(path), kind_of(path), symbol_column, ROWS)
    ]
    _require(tables, wanted, ROWS)
    types = {field.name: field.type for field in unified_schema(tables, ROWS)}
    words = [
        Problem(f"column {name}", "is not numeric", odd_value(name, tables))
        for name in features
        # A CSV column without any value has no type, where Parquet says that it is one of numbers.
        if not is_numeric(types[name]) and not pa.types.is_null(types[name])
    ]
    if words:
        raise PanelError("features must be numbers", problems=words, fix=fix_for(ROWS))
    frame = to_frame(read_all(tables, wanted, ROWS), keys=keys)
    return RawPanel(frame, *keys, tuple(features), targets=(), origin=path, time_unit=time_unit)


def source_columns(path: str, symbol_column: str) -> tuple[str, ...]:
    """The columns of a feature builder's source. Raises PanelError for files that cannot be read."""
    return tuple(unified_schema(_source_tables(path, symbol_column), SOURCE).names)


def read_source(path: str, time_column: str, symbol_column: str) -> pd.DataFrame:
    """All columns of a feature builder's source, in the order of its files and rows.

    Time and symbol as in the panel (dates are timestamps), all others as pandas reads them. Raises
    PanelError for files that cannot be read, or lack a column that another file has.
    """
    tables = _source_tables(path, symbol_column)
    keys = (time_column, symbol_column)
    wanted = list(dict.fromkeys([*keys, *unified_schema(tables, SOURCE).names]))
    table = read_all(tables, wanted, SOURCE)
    return pd.DataFrame(table.to_pandas()).assign(**to_frame(table.select(keys), keys=keys))


def _source_tables(path: str, symbol_column: str) -> tuple[TableFile, ...]:
    return open_tables(source_files(path), PARQUET, symbol_column, SOURCE)


def unified_schema(tables: Sequence[TableFile], setting: str) -> "pa.Schema":
    """The columns of all files. Raises PanelError where a name stands twice in one, or types do not agree."""
    import pyarrow as pa

    for table in tables:
        _require_distinct(table, setting)
    try:
        return pa.unify_schemas([table.schema for table in tables], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        problem = Problem(setting, f"its files disagree on a column's type: {error}")
        raise PanelError("the data cannot be read", problems=[problem]) from error


def read_all(tables: Sequence[TableFile], wanted: Sequence[str], setting: str) -> "pa.Table":
    """The wanted columns of all files. Raises PanelError, which names those that a file lacks."""
    import pyarrow as pa

    _require(tables, wanted, setting)
    parts = [table.read(wanted) for table in tables]
    return pa.concat_tables(parts, promote_options="permissive").select(list(wanted))


def _require_distinct(table: TableFile, setting: str) -> None:
    counts = Counter(table.schema.names)
    problems = [Problem(f"column {name}", "stands more than once", n) for name, n in counts.items() if n > 1]
    if problems:
        fix = f"rename or remove all but one of each, or {fix_for(setting)}"
        raise PanelError("two columns have one name", file=table.path, problems=problems, fix=fix)


def _require(tables: Sequence[TableFile], wanted: Sequence[str], setting: str) -> None:
    problems = [
        Problem(f"column {column}", "is missing", table.path.name)
        for table in tables
        for column in wanted
        if column not in table.schema.names
    ]
    if problems:
        raise PanelError("columns are missing from some files", problems=problems, fix=fix_for(setting))


def to_frame(table: "pa.Table", *, keys: Sequence[str]) -> pd.DataFrame:
    """The table for pandas: dates in the columns `keys` as timestamps, other columns as plain numbers."""
    import pyarrow as pa

    columns: dict[str, object] = {}
    for name in table.column_names:
        column = table.column(name)
        if name not in keys:
            if pa.types.is_boolean(column.type):
                column = column.cast(pa.int8())
            elif pa.types.is_decimal(column.type) or pa.types.is_null(column.type):
                column = column.cast(pa.float64())
            elif pa.types.is_float16(column.type):
                column = column.cast(pa.float32())
        elif pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("s"))
        elif pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        columns[name] = column.to_pandas()
    return pd.DataFrame(columns)
