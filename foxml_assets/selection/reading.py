"""A user's own panel: Parquet in long format, from a file, a folder or a glob."""

import glob
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pandas as pd

from foxml_assets.errors import PanelError, Problem
from foxml_assets.selection.columns import choose_columns
from foxml_assets.selection.config import ParquetPanel
from foxml_assets.selection.raw_panel import RawPanel

if TYPE_CHECKING:
    import pyarrow as pa

_FIX = "check `panel.path` in data_config.yaml"


def panel_files(path: str) -> tuple[Path, ...]:
    """The Parquet files `path` stands for, sorted. Raises PanelError when there is none."""
    place = Path(path)
    if place.is_dir():
        files = sorted(file for file in place.rglob("*.parquet") if file.is_file())
    else:
        files = sorted(Path(name) for name in glob.glob(path, recursive=True) if Path(name).is_file())  # noqa: PTH207
    if not files:
        problem = Problem("panel.path", "names no Parquet file", path)
        raise PanelError("there is no panel", problems=[problem], fix=_FIX)
    return tuple(files)


def read_parquet_panel(config: ParquetPanel) -> RawPanel:
    """Read the chosen columns of all files.

    A folder `symbol=AAPL` in a path gives the symbol of its files. Raises PanelError for files that
    cannot be read, columns that a file lacks, and choices that name nothing.
    """
    import pyarrow as pa

    files = panel_files(config.path)
    schemas = {file: _schema(file, config.symbol_column) for file in files}
    try:
        schema = pa.unify_schemas(list(schemas.values()), promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        problem = Problem("panel.path", f"its files disagree on a column's type: {error}")
        raise PanelError("the panel cannot be read", problems=[problem]) from error
    chosen = choose_columns(schema, config)
    wanted = [config.time_column, config.symbol_column, *chosen.features, *(t.name for t in chosen.targets)]
    _check_every_file(schemas, wanted)
    tables = [_read(file, wanted, config.symbol_column) for file in files]
    table = pa.concat_tables(tables, promote_options="permissive")
    return RawPanel(
        frame=_to_pandas(table.select(wanted), keys=(config.time_column, config.symbol_column)),
        time_column=config.time_column,
        symbol_column=config.symbol_column,
        features=chosen.features,
        targets=chosen.targets,
        origin=config.path,
    )


def _schema(file: Path, symbol_column: str) -> "pa.Schema":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file).remove_metadata()
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(file, error) from error
    if symbol_column in schema.names or _symbol_in_path(file, symbol_column) is None:
        return schema
    return schema.append(pa.field(symbol_column, pa.string()))


def _check_every_file(schemas: "dict[Path, pa.Schema]", wanted: list[str]) -> None:
    problems = [
        Problem(f"column {column}", "is missing", file.name)
        for file, schema in schemas.items()
        for column in wanted
        if column not in schema.names
    ]
    if problems:
        raise PanelError("columns are missing from some files", problems=problems, fix=_FIX)


def _read(file: Path, wanted: list[str], symbol_column: str) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file.open("rb") as stream:
            reader = pq.ParquetFile(stream)
            present = [column for column in wanted if column in reader.schema_arrow.names]
            table = reader.read(columns=present)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(file, error) from error
    if symbol_column not in present:
        symbol = _symbol_in_path(file, symbol_column)
        table = table.append_column(symbol_column, pa.array([symbol] * len(table), pa.string()))
    return table.select(wanted).replace_schema_metadata(None)


def _unreadable(file: Path, error: Exception) -> PanelError:
    problem = Problem("", str(error))
    return PanelError("is not a readable Parquet file", file=file, problems=[problem], fix=_FIX)


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
