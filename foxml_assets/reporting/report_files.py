"""The report on disk: JSON, page and pictures, with the table of pair scores beside them."""

from pathlib import Path

import msgspec
import pandas as pd

from foxml_assets.core.hashing import canonical_json
from foxml_assets.reporting.pairs_picture import skill_chart
from foxml_assets.reporting.promise_picture import promise_picture
from foxml_assets.reporting.report import TrainingReport
from foxml_assets.reporting.report_markdown import report_markdown
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import storage_errors, write_if_changed
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import find_table, write_table


def write_report(report: TrainingReport, pair_scores: pd.DataFrame, layout: Layout) -> bool:
    """Write `training_report.{json,md,png}` and `pair_scores.{parquet,png}`. True if the report changed.

    Raises StorageError.
    """
    content = msgspec.json.format(canonical_json(report), indent=2) + b"\n"
    with storage_errors(layout.training_report):
        write_table(pair_scores, pair_scores_path(layout))
        write_if_changed(promise_picture_path(layout), promise_picture(report.models))
        write_if_changed(pairs_picture_path(layout), skill_chart(pair_scores))
        write_if_changed(markdown_path(layout), report_markdown(report).encode())
        # Last: where it is, all that belongs to it is of the same basis.
        return write_if_changed(layout.training_report, content)


def find_report(basis: str, layout: Layout) -> TrainingReport | None:
    """The report on disk, if it was made from what has that hash, and all that belongs to it is there."""
    pictures = (promise_picture_path(layout), pairs_picture_path(layout))
    files = (layout.training_report, markdown_path(layout), *pictures)
    if find_table(pair_scores_path(layout)) is None or not all(path.is_file() for path in files):
        return None
    try:
        report = decode_json(layout.training_report.read_bytes(), TrainingReport)
    except (OSError, msgspec.DecodeError):
        return None
    return report if report.basis == basis else None


def markdown_path(layout: Layout) -> Path:
    """`training_report.md`."""
    return layout.training_report.with_suffix(".md")


def promise_picture_path(layout: Layout) -> Path:
    """`training_report.png`: what was promised of each model against what came of it."""
    return layout.training_report.with_suffix(".png")


def pairs_picture_path(layout: Layout) -> Path:
    """`pair_scores.png`: the skill of every pair as it is served."""
    return pair_scores_path(layout).with_suffix(".png")


def pair_scores_path(layout: Layout) -> Path:
    """The Parquet file; without pyarrow its `.csv` sibling holds the table."""
    return layout.metrics / "pair_scores.parquet"
