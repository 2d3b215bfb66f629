"""fdr_history.json: the history of false-discovery control, in the folder of the routing plan."""

from pathlib import Path

import msgspec

from foxml_assets.core.errors import FdrHistoryError, Problem
from foxml_assets.core.hashing import canonical_json
from foxml_assets.routing.decide.fdr_history import Batch, FdrHistory, with_plan
from foxml_assets.routing.plan.plan_json import read_metadata
from foxml_assets.routing.plan.routing_plan import RoutingMetadata, RoutingPlan
from foxml_assets.storage.directories import is_switch_interrupted, read_version
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.layout import Layout

SCHEMA_VERSION = 1


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema_version: int
    history_hash: str
    batches: msgspec.Raw


def read_history(layout: Layout) -> FdrHistory:
    """The history on disk; empty where neither it nor a plan that belongs to one was ever written.

    Raises FdrHistoryError if it is lost, cannot be parsed, was changed, or is not that of the routing plan
    beside it.
    """
    return read_version(layout.routing_plan_dir, lambda: _read(layout))


def _read(layout: Layout) -> FdrHistory:
    path = layout.fdr_history
    if is_switch_interrupted(layout.routing_plan_dir):
        fix = "run `foxml run --until plan`"
        raise FdrHistoryError("writing the routing plan was interrupted", file=path, fix=fix)
    plan = read_metadata(layout.routing_plan)
    if not path.is_file():
        if layout.routing_plan.is_file() and (plan is None or _has_batch(plan)):
            what = "the routing plan beside it cannot be read" if plan is None else _belongs_to(plan)
            raise _refused(layout, "the history is lost", Problem("", what))
        return FdrHistory()
    history = _parse(path, layout)
    if plan is not None and _has_batch(plan) and not _holds(history, plan):
        what = _belongs_to(plan)
        raise _refused(layout, "is not the history of the routing plan beside it", Problem("batches", what))
    return history


def history_after(plan: RoutingPlan, layout: Layout) -> bytes | None:
    """The file as it must be once `plan` is written; None for no file. Raises FdrHistoryError.

    A plan without a history leaves the file as it is, whatever it holds.
    """
    if plan.metadata.policy.fdr_batch is None:
        return layout.fdr_history.read_bytes() if layout.fdr_history.is_file() else None
    history = with_plan(read_history(layout), plan)
    return history_json(history) if history.batches else None


def history_json(history: FdrHistory) -> bytes:
    """The file, a line per batch."""
    lines = b",\n".join(canonical_json(batch) for batch in history.batches)
    return b'{"schema_version":%d,\n"history_hash":"%b",\n"batches":[\n%b\n]}\n' % (
        SCHEMA_VERSION,
        history.content_hash().encode(),
        lines,
    )


def _parse(path: Path, layout: Layout) -> FdrHistory:
    try:
        document = decode_json(path.read_bytes(), _Document)
        if document.schema_version != SCHEMA_VERSION:
            wrong = Problem("schema_version", f"this program reads {SCHEMA_VERSION}", document.schema_version)
            raise _refused(layout, "is of another version", wrong)
        history = FdrHistory(decode_json(document.batches, tuple[Batch, ...]))
    except msgspec.DecodeError as error:
        problem = Problem("", str(error))
        raise _refused(layout, "is not a history of false-discovery control", problem) from error
    found = history.content_hash()
    if found != document.history_hash:
        problem = Problem("history_hash", f"the content's hash is {found}", document.history_hash)
        raise _refused(layout, "was changed after it was written", problem)
    return history


def _has_batch(plan: RoutingMetadata) -> bool:
    """Whether the plan spent a batch of a history; one that tested nothing did not."""
    return plan.policy.fdr_batch is not None and plan.cross_sectional.tested + plan.symbol.tested > 0


def _holds(history: FdrHistory, plan: RoutingMetadata) -> bool:
    before, batch = history.before(plan.candidates_hash), plan.policy.fdr_batch
    # `before` ends at the batch of these candidates, and is the whole history where there is none.
    is_known = len(before.batches) < len(history.batches)
    return is_known and batch is not None and before.content_hash() == batch.earlier_hash


def _belongs_to(plan: RoutingMetadata) -> str:
    number = plan.policy.fdr_batch.number if plan.policy.fdr_batch is not None else 0
    return f"the routing plan beside it is batch {number} of one"


def _refused(layout: Layout, summary: str, problem: Problem) -> FdrHistoryError:
    fix = (
        f"restore the file; or start a new history, in which earlier discoveries no longer count: delete"
        f" {layout.routing_plan_dir} and run `foxml run --until plan`"
    )
    return FdrHistoryError(summary, file=layout.fdr_history, problems=[problem], fix=fix)
