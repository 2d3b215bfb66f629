"""Predictions on disk: one Parquet or CSV file, written piece by piece and put in place as a whole."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from foxml_assets.core.errors import Problem, StorageError
from foxml_assets.storage.files import storage_errors, write_chunks_atomic

if TYPE_CHECKING:
    import pyarrow as pa

_SUFFIXES = (".parquet", ".csv")


def check_suffix(path: Path) -> None:
    """Raise StorageError, before any work, for a file that is to be neither Parquet nor CSV."""
    if path.suffix not in _SUFFIXES:
        problem = Problem("--out", f"must end with {' or '.join(_SUFFIXES)}", path.name)
        raise StorageError("predictions are written as Parquet or CSV", file=path, problems=[problem])


def write_predictions(path: Path, schema: "pa.Schema", tables: Iterable["pa.Table"]) -> None:
    """Write `tables`, all of `schema`, as the file `path`, which may be there already.

    A reader sees the old file or all of the new one. Raises StorageError, and what `tables` raises.
    """
    check_suffix(path)
    chunks = _csv_chunks if path.suffix == ".csv" else _parquet_chunks
    with storage_errors(path):
        write_chunks_atomic(path, chunks(schema, tables))


class _Sink:
    """An open file that holds what was written until it is taken out."""

    # pyarrow asks for it before it writes.
    closed = False

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._written = 0

    def tell(self) -> int:
        return self._written

    def write(self, data: bytes) -> int:
        self._held.append(bytes(data))
        self._written += len(self._held[-1])
        return len(self._held[-1])

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._held = b"".join(self._held), []
        return taken


def _parquet_chunks(schema: "pa.Schema", tables: Iterable["pa.Table"]) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            yield sink.take()
    # Closing the writer has written the footer.
    yield sink.take()


def _csv_chunks(schema: "pa.Schema", tables: Iterable["pa.Table"]) -> Iterator[bytes]:
    import pyarrow as pa

    # Arrow writes no dictionaries as CSV, so texts are spelled out.
    coded = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    plain = pa.schema([field.with_type(pa.string()) if field.name in coded else field for field in schema])
    yield _csv(plain.empty_table(), has_header=True)
    for table in tables:
        yield _csv(table.cast(plain), has_header=False)


def _csv(table: "pa.Table", *, has_header: bool) -> bytes:
    from pyarrow import csv

    buffer = io.BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=has_header))
    return buffer.getvalue()
