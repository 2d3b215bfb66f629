"""The files of a panel or of a builder's source, Parquet or CSV, each read by columns."""

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from foxml_assets.core.errors import PanelError, Problem

if TYPE_CHECKING:
    import pyarrow as pa

PANEL, SOURCE, ROWS = "panel.path", "panel.builders.source", "PANEL"
PARQUET, CSV = "parquet", "csv"
_CSV_SUFFIXES = ("csv", "csv.gz")


@dataclass(frozen=True)
class TableFile:
    """One file: its columns, and how the wanted ones of them are read."""

    path: Path
    schema: "pa.Schema"
    read: "Callable[[Sequence[str]], pa.Table]"

    def only(self, columns: Sequence[str]) -> "TableFile":
        """The same file as if it held no other than these columns."""
        import pyarrow as pa

        fields = [field for field in self.schema if field.name in columns]
        return replace(self, schema=pa.schema(fields))


def panel_files(path: str, kind: str, setting: str = PANEL) -> tuple[Path, ...]:
    """The files of `kind` that `path` stands for, sorted. Raises PanelError if there are none."""
    place = Path(path)
    suffixes = (PARQUET,) if kind == PARQUET else _CSV_SUFFIXES
    if place.is_file():
        found = {place}
    elif place.is_dir():
        found = {file for suffix in suffixes for file in place.rglob(f"*.{suffix}") if file.is_file()}
    else:
        found = {Path(name) for name in glob.glob(path, recursive=True) if Path(name).is_file()}  # noqa: PTH207
    if not found:
        problem = Problem(setting, f"names no {_written(kind)} file", path)
        raise PanelError("there is no data to read", problems=[problem], fix=fix_for(setting))
    return tuple(sorted(found))


def source_files(path: str) -> tuple[Path, ...]:
    """The Parquet files of a feature builder's source, sorted. Raises PanelError when there is none."""
    return panel_files(path, PARQUET, SOURCE)


def kind_of(path: str) -> str:
    """Of which kind the files are that `path` stands for, by their names."""
    place = Path(path)
    is_csv = place.name.endswith(tuple(f".{suffix}" for suffix in _CSV_SUFFIXES)) or (
        place.is_dir() and not any(place.rglob(f"*.{PARQUET}"))
    )
    return CSV if is_csv else PARQUET


def row_files(path: str) -> tuple[Path, ...]:
    """The files of a panel to predict on, sorted. Raises PanelError when there is none."""
    return panel_files(path, kind_of(path), ROWS)


def open_tables(files: Sequence[Path], kind: str, symbol_column: str, setting: str) -> tuple[TableFile, ...]:
    """The files, each with its columns.

    A folder `symbol=AAPL` in a path gives the symbol of its files. Raises PanelError for files that cannot be
    read.
    """
    opener = _open_parquet if kind == PARQUET else _open_csv
    return tuple(_with_symbol(opener(file, symbol_column, setting), symbol_column) for file in files)


def fix_for(setting: str) -> str:
    """The advice of an error about what `setting` names."""
    if setting == ROWS:
        return "give a panel with the time, symbol and feature columns of the one that was trained on"
    return f"check `{setting}` in data_config.yaml"


def _open_parquet(file: Path, _: str, setting: str) -> TableFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def read(columns: Sequence[str]) -> "pa.Table":
        try:
            with file.open("rb") as stream:
                # Without metadata, by which pandas would make an index of some columns.
                return pq.ParquetFile(stream).read(columns=list(columns)).replace_schema_metadata(None)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(file, PARQUET, error, setting) from error

    try:
        schema = pq.read_schema(file).remove_metadata()
        # Their names are decoded when they are asked for.
        _ = schema.names
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _unreadable(file, PARQUET, error, setting) from error
    return TableFile(file, schema, read)


def _open_csv(file: Path, symbol_column: str, setting: str) -> TableFile:
    """A CSV has no types of its own: it is read as a whole, and symbols are text whatever they look like."""
    import pyarrow as pa
    from pyarrow import csv

    as_text = csv.ConvertOptions(column_types={symbol_column: pa.string()})
    try:
        table = csv.read_csv(file, convert_options=as_text)
        _ = table.schema.names
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _unreadable(file, CSV, error, setting) from error
    return TableFile(file, table.schema, lambda columns: table.select(list(columns)))


def _with_symbol(table: TableFile, symbol_column: str) -> TableFile:
    """The table with the symbol that its path names, if it has no such column itself."""
    import pyarrow as pa

    symbol = _symbol_in_path(table.path, symbol_column)
    if symbol is None or symbol_column in table.schema.names:
        return table

    def read(columns: Sequence[str]) -> "pa.Table":
        found = table.read([column for column in columns if column != symbol_column])
        filled = found.append_column(symbol_column, pa.array([symbol] * len(found), pa.string()))
        return filled.select(list(columns))

    return TableFile(table.path, table.schema.append(pa.field(symbol_column, pa.string())), read)


def _symbol_in_path(file: Path, symbol_column: str) -> str | None:
    prefix = f"{symbol_column}="
    parts = [part for part in file.parts[:-1] if part.startswith(prefix)]
    return unquote(parts[-1].removeprefix(prefix)) if parts else None


def _unreadable(file: Path, kind: str, error: Exception, setting: str) -> PanelError:
    problem = Problem("", str(error))
    return PanelError(
        f"is not a readable {_written(kind)} file", file=file, problems=[problem], fix=fix_for(setting)
    )


def _written(kind: str) -> str:
    return "Parquet" if kind == PARQUET else "CSV"
