"""Metadata values for the UI: tables with their schema, Markdown, pictures."""

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg
import pandas as pd


def table_metadata(table: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    """Row count and column schema, under the names the UI knows."""
    columns = [dg.TableColumn(name=str(name), type=str(dtype)) for name, dtype in table.dtypes.items()]
    return {
        "dagster/row_count": dg.MetadataValue.int(len(table)),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
    }


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MetadataValue:
    """A Markdown table; cells are escaped, since names are the user's."""
    lines = [_row(header), "|" + "---|" * len(header), *(_row(row) for row in rows)]
    return dg.MetadataValue.md("\n".join(lines))


def picture(png: bytes, title: str) -> dg.MetadataValue:
    """A PNG shown in place, as Markdown with the image inside."""
    encoded = base64.b64encode(png).decode("ascii")
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")


def file_link(path: Path) -> dg.MetadataValue:
    """A path the UI shows as such."""
    return dg.MetadataValue.path(path)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(_escape(str(cell)) for cell in cells) + " |"


def _escape(cell: str) -> str:
    for mark in ("\\", "|", "`", "*", "_", "[", "]", "<"):
        cell = cell.replace(mark, f"\\{mark}" if mark != "<" else "&lt;")
    return " ".join(cell.split())
