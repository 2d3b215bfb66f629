"""The report on disk: JSON and Markdown, with the table of pair scores beside them."""

from pathlib import Path

import msgspec
import pandas as pd

from foxml_assets.core.hashing import canonical_json
from foxml_assets.reporting.report import TrainingReport
from foxml_assets.reporting.report_markdown import report_markdown
from foxml_assets.storage.files import storage_errors, write_if_changed
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import write_table


def write_report(report: TrainingReport, pair_scores: pd.DataFrame, layout: Layout) -> bool:
    """Write `training_report.{json,md}` and the pair scores. True if the report changed.

    Raises StorageError.
    """
    content = msgspec.json.format(canonical_json(report), indent=2) + b"\n"
    with storage_errors(layout.training_report):
        write_table(pair_scores, pair_scores_path(layout))
        write_if_changed(markdown_path(layout), report_markdown(report).encode())
        return write_if_changed(layout.training_report, content)


def markdown_path(layout: Layout) -> Path:
    """`training_report.md`."""
    return layout.training_report.with_suffix(".md")


def pair_scores_path(layout: Layout) -> Path:
    """The Parquet file; without pyarrow its `.csv` sibling holds the table."""
    return layout.metrics / "pair_scores.parquet"
