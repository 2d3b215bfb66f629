"""The audit on disk: JSON, page and picture, with the table of pairs beside them."""

from pathlib import Path

import msgspec
import pandas as pd

from foxml_assets.auditing.pages.audit_markdown import audit_markdown
from foxml_assets.auditing.pages.audit_picture import audit_picture
from foxml_assets.auditing.routing_audit import RoutingAudit, Scheme
from foxml_assets.core.errors import Problem, TrainingError
from foxml_assets.core.hashing import canonical_json
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import storage_errors, write_if_changed
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import write_table


def write_audit(audit: RoutingAudit, pairs: pd.DataFrame, layout: Layout) -> bool:
    """Write `routing_audit.{json,md,png}` and the pairs; the JSON last. True if it changed.

    Raises StorageError.
    """
    path = layout.routing_audit
    with storage_errors(path):
        write_table(pairs, pairs_path(layout))
        write_if_changed(picture_path(layout), audit_picture(audit))
        write_if_changed(page_path(layout), audit_markdown(audit).encode())
        return write_if_changed(path, msgspec.json.format(canonical_json(audit), indent=2) + b"\n")


def read_audit(layout: Layout) -> RoutingAudit:
    """The audit on disk. Raises TrainingError if there is none or it is damaged."""
    path = layout.routing_audit
    try:
        return decode_json(path.read_bytes(), RoutingAudit)
    except (OSError, msgspec.DecodeError) as error:
        problem = Problem("", str(error))
        raise TrainingError(
            "the audit cannot be read", file=path, problems=[problem], fix="make it again: foxml audit"
        ) from error


def read_current_audit(layout: Layout, plan_hash: str, trained: int) -> RoutingAudit | None:
    """The audit of the plan of that hash with that many `trained` jobs; None if there is no such.

    Raises TrainingError if the audit is damaged.
    """
    if not layout.routing_audit.is_file():
        return None
    audit = read_audit(layout)
    cost = audit.line(Scheme.PLAN).cost
    is_current = audit.plan_hash == plan_hash and cost is not None and cost.trained == trained
    return audit if is_current else None


def page_path(layout: Layout) -> Path:
    """`routing_audit.md`."""
    return layout.routing_audit.with_suffix(".md")


def picture_path(layout: Layout) -> Path:
    """`routing_audit.png`."""
    return layout.routing_audit.with_suffix(".png")


def pairs_path(layout: Layout) -> Path:
    """The Parquet file; without pyarrow its `.csv` sibling holds the table."""
    return layout.routing_audit.with_name("pairs.parquet")
