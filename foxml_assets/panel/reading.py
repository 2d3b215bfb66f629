"""A user's own panel: Parquet in long format, from a file, a folder or a glob."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pandas as pd

from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.panel.columns import choose_columns, is_numeric
from foxml_assets.panel.data_config import ParquetPanel
from foxml_assets.panel.raw_panel import RawPanel

if TYPE_CHECKING:
    import pyarrow as pa

_PANEL, _SOURCE, _ROWS = "panel.path", "panel.builders.source", "PANEL"
_FIXES = {
    _PANEL: "check `panel.path` in data_config.yaml",
    _SOURCE: "check `panel.builders.source` in data_config.yaml",
    _ROWS: "give Parquet files with the time, symbol and feature columns of the panel that was trained on",
}


def panel_files(path: str, setting: str = _PANEL) -> tuple[Path, ...]:
    """The Parquet files `path` stands for, sorted. Raises PanelError, naming `setting`, if there are none."""
    place = Path(path)
    if place.is_file():
        files = [place]
    elif place.is_dir():
        files = sorted(file for file in place.rglob("*.parquet") if file.is_file())
    else:
        files = sorted(Path(name) for name in glob.glob(path, recursive=True) if Path(name).is_file())  # noqa: PTH207
    if not files:
        problem = Problem(setting, "names no Parquet file", path)
        raise PanelError("there is no data to read", problems=[problem], fix=_FIXES[setting])
    return tuple(files)


def source_files(path: str) -> tuple[Path, ...]:
    """The Parquet files of a feature builder's source, sorted. Raises PanelError when there is none."""
    return panel_files(path, _SOURCE)


def read_parquet_panel(config: ParquetPanel) -> RawPanel:
    """Read the chosen columns of all files.

    A folder `symbol=AAPL` in a path gives the symbol of its files. Raises PanelError for files that
    cannot be read, columns that a file lacks, and choices that name nothing.
    """
    schemas = {file: _schema(file, config.symbol_column, _PANEL) for file in panel_files(config.path)}
    chosen = choose_columns(_unified(schemas, _PANEL), config)
    wanted = [config.time_column, config.symbol_column, *chosen.features, *(t.name for t in chosen.targets)]
    table = _read_all(schemas, wanted, config.symbol_column, _PANEL)
    return RawPanel(
        frame=_to_pandas(table, keys=(config.time_column, config.symbol_column)),
        time_column=config.time_column,
        symbol_column=config.symbol_column,
        features=chosen.features,
        targets=chosen.targets,
        origin=config.path,
    )


def row_files(path: str) -> tuple[Path, ...]:
    """The Parquet files of a panel to predict on, sorted. Raises PanelError when there is none."""
    return panel_files(path, _ROWS)


def read_rows(path: str, time_column: str, symbol_column: str, features: Sequence[str]) -> RawPanel:
    """Read `features` of the panel at `path` to predict on; it needs no labels, and may hold anything else.

    Raises PanelError for files that cannot be read, and names all columns that are missing or not numeric.
    """
    wanted = [time_column, symbol_column, *features]
    schemas = {file: _only(_schema(file, symbol_column, _ROWS), wanted) for file in row_files(path)}
    _check_every_file(schemas, wanted, _ROWS)
    unified = _unified(schemas, _ROWS)
    words = [name for name in features if not is_numeric(unified.field(name).type)]
    if words:
        problems = [
            Problem(f"column {name}", "is not numeric", str(unified.field(name).type)) for name in words
        ]
        raise PanelError("features must be numbers", problems=problems, fix=_FIXES[_ROWS])
    table = _read_all(schemas, wanted, symbol_column, _ROWS)
    frame = _to_pandas(table, keys=(time_column, symbol_column))
    return RawPanel(frame, time_column, symbol_column, tuple(features), targets=(), origin=path)


def source_columns(path: str, symbol_column: str) -> tuple[str, ...]:
    """The columns of a feature builder's source. Raises PanelError for files that cannot be read."""
    schemas = {file: _schema(file, symbol_column, _SOURCE) for file in source_files(path)}
    return tuple(_unified(schemas, _SOURCE).names)


def read_source(path: str, time_column: str, symbol_column: str) -> pd.DataFrame:
    """All columns of a feature builder's source, in the order of its files and rows.

    Time and symbol as in the panel (dates are timestamps), all others as pandas reads them. Raises
    PanelError for files that cannot be read, or lack a column that another file has.
    """
    schemas = {file: _schema(file, symbol_column, _SOURCE) for file in source_files(path)}
    keys = (time_column, symbol_column)
    wanted = list(dict.fromkeys([*keys, *_unified(schemas, _SOURCE).names]))
    table = _read_all(schemas, wanted, symbol_column, _SOURCE)
    return pd.DataFrame(table.to_pandas()).assign(**_to_pandas(table.select(keys), keys=keys))


def _only(schema: "pa.Schema", wanted: Sequence[str]) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([field for field in schema if field.name in wanted])


def _unified(schemas: "dict[Path, pa.Schema]", setting: str) -> "pa.Schema":
    import pyarrow as pa

    try:
        return pa.unify_schemas(list(schemas.values()), promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        problem = Problem(setting, f"its files disagree on a column's type: {error}")
        raise PanelError("the data cannot be read", problems=[problem]) from error


def _read_all(
    schemas: "dict[Path, pa.Schema]", wanted: list[str], symbol_column: str, setting: str
) -> "pa.Table":
    import pyarrow as pa

    _check_every_file(schemas, wanted, setting)
    tables = [_read(file, wanted, symbol_column, setting) for file in schemas]
    return pa.concat_tables(tables, promote_options="permissive").select(wanted)


def _schema(file: Path, symbol_column: str, setting: str) -> "pa.Schema":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file).remove_metadata()
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(file, error, setting) from error
    if symbol_column in schema.names or _symbol_in_path(file, symbol_column) is None:
        return schema
    return schema.append(pa.field(symbol_column, pa.string()))


def _check_every_file(schemas: "dict[Path, pa.Schema]", wanted: list[str], setting: str) -> None:
    problems = [
        Problem(f"column {column}", "is missing", file.name)
        for file, schema in schemas.items()
        for column in wanted
        if column not in schema.names
    ]
    if problems:
        raise PanelError("columns are missing from some files", problems=problems, fix=_FIXES[setting])


def _read(file: Path, wanted: list[str], symbol_column: str, setting: str) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file.open("rb") as stream:
            reader = pq.ParquetFile(stream)
            present = [column for column in wanted if column in reader.schema_arrow.names]
            table = reader.read(columns=present)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(file, error, setting) from error
    if symbol_column not in present:
        symbol = _symbol_in_path(file, symbol_column)
        table = table.append_column(symbol_column, pa.array([symbol] * len(table), pa.string()))
    return table.select(wanted).replace_schema_metadata(None)


def _unreadable(file: Path, error: Exception, setting: str) -> PanelError:
    problem = Problem("", str(error))
    return PanelError("is not a readable Parquet file", file=file, problems=[problem], fix=_FIXES[setting])


def _symbol_in_path(file: Path, symbol_column: str) -> str | None:
    prefix = f"{symbol_column}="
    parts = [part for part in file.parts[:-1] if part.startswith(prefix)]
    return unquote(parts[-1].removeprefix(prefix)) if parts else None


def _to_pandas(table: "pa.Table", *, keys: tuple[str, str]) -> pd.DataFrame:
    import pyarrow as pa

    columns: dict[str, object] = {}
    for name in table.column_names:
        column = table.column(name)
        if name not in keys:
            if pa.types.is_boolean(column.type):
                column = column.cast(pa.int8())
            elif pa.types.is_decimal(column.type):
                column = column.cast(pa.float64())
            elif pa.types.is_float16(column.type):
                column = column.cast(pa.float32())
        elif pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("s"))
        elif pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        columns[name] = column.to_pandas()
    return pd.DataFrame(columns)
