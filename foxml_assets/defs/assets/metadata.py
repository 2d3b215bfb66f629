"""Metadata values for the UI: tables with their schema, Markdown, pictures."""

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg
import pandas as pd

from foxml_assets.core.markdown import Markup, escape, table


def table_metadata(frame: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    """Row count and column schema, under the names the UI knows."""
    columns = [dg.TableColumn(name=str(name), type=str(dtype)) for name, dtype in frame.dtypes.items()]
    return {
        "dagster/row_count": dg.MetadataValue.int(len(frame)),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
    }


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MetadataValue:
    """A Markdown table; cells are escaped, since names are the user's."""
    return dg.MetadataValue.md(table(header, rows))


def table_of_numbers(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MetadataValue:
    """The same with cells that are never broken over lines, as the UI's narrow columns would."""
    return markdown_table(header, [[_unbroken(cell) for cell in row] for row in rows])


def picture(png: bytes, title: str) -> dg.MetadataValue:
    """A PNG shown in place, as Markdown with the image inside."""
    encoded = base64.b64encode(png).decode("ascii")
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")


def _unbroken(cell: object) -> Markup:
    return Markup(escape(cell).replace(" ", "&nbsp;"))


def file_link(path: Path) -> dg.MetadataValue:
    """A path the UI shows as such."""
    return dg.MetadataValue.path(path)
