"""Reading the routing plan on disk, for whoever goes by its decisions: nothing that decides is imported.

It is read from its columnar form, three Parquet files that carry the plan's metadata and the digest of its
JSON, or from the JSON where these are not there.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.errors import Problem, RoutingPlanError
from foxml_assets.core.hashing import canonical_json, file_hash
from foxml_assets.routing.frames import Column, Kind, Values, floats, frame
from foxml_assets.routing.plan.plan_json import parse_plan, unreadable_texts
from foxml_assets.routing.plan.routing_plan import TABLES, RoutingMetadata, RoutingPlan, routing_plan_hash
from foxml_assets.storage.directories import read_version
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import column_problems

PAIRS_NAME = "routing_plan.parquet"
TARGETS_NAME = "routing_plan_targets.parquet"
QUARANTINE_NAME = "routing_plan_quarantine.parquet"

_METADATA_KEY = b"routing_plan"
_JSON_KEY = b"routing_plan_json_sha256"


def read_routing_plan(layout: Layout) -> RoutingPlan:
    """The plan on disk, from its columnar form where it is there, else from the JSON.

    Raises RoutingPlanError if there is none, it cannot be parsed, its files do not belong together, or
    its hash is not that of its content.
    """
    return read_version(layout.routing_plan_dir, lambda: _read(layout))


def find_routing_plan(layout: Layout) -> RoutingPlan | None:
    """The plan on disk, None if there is none. Raises RoutingPlanError for one that cannot be used."""
    return read_version(
        layout.routing_plan_dir, lambda: _read(layout) if layout.routing_plan.is_file() else None
    )


def _read(layout: Layout) -> RoutingPlan:
    path = layout.routing_plan
    if not path.is_file():
        raise _unusable(path, "there is no routing plan")
    has_columns = (layout.routing_plan_dir / PAIRS_NAME).is_file()
    plan = _read_columnar(path) if has_columns else _read_json(path)
    stated = plan.metadata.routing_plan_hash
    found = routing_plan_hash(plan.metadata, (plan.targets, plan.pairs, plan.quarantine))
    if found != stated:
        problem = Problem("metadata.routing_plan_hash", f"the content's hash is {found}", stated)
        raise _unusable(path, "the plan was changed after it was written", problem)
    return plan


def _read_columnar(path: Path) -> RoutingPlan:
    plan, digest = read_parquet(path.parent)
    found = file_hash(path)
    if found != digest:
        problem = Problem("sha256", f"{PAIRS_NAME} was written with {digest}", found)
        raise _unusable(path, "does not belong to the Parquet files beside it", problem)
    return plan


def _read_json(path: Path) -> RoutingPlan:
    try:
        return parse_plan(path.read_bytes())
    except msgspec.DecodeError as error:
        raise _unusable(path, "is not a routing plan", Problem("", str(error))) from error


def parquet_files(plan: RoutingPlan, json_sha256: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of the three files, bound to the JSON file of this digest."""
    tables = {PAIRS_NAME: plan.pairs, TARGETS_NAME: plan.targets, QUARANTINE_NAME: plan.quarantine}
    for name, table in tables.items():
        yield name, _parquet(table, plan.metadata, json_sha256)


def read_parquet(folder: Path) -> tuple[RoutingPlan, str]:
    """The plan in `folder`, its hash not yet verified, and the SHA-256 of the JSON it was written with.

    Raises RoutingPlanError if a file is missing or unreadable, or the files are of different plans.
    """
    pairs, metadata, digest = _read_table(folder / PAIRS_NAME, TABLES["pairs"])
    targets, *of_targets = _read_table(folder / TARGETS_NAME, TABLES["targets"])
    quarantine, *of_quarantine = _read_table(folder / QUARANTINE_NAME, TABLES["quarantine"])
    if not (of_targets == of_quarantine == [metadata, digest]):
        raise _unusable(folder, "its Parquet files are of different plans")
    return RoutingPlan(metadata, targets, pairs, quarantine), digest


def _parquet(table: pd.DataFrame, metadata: RoutingMetadata, json_sha256: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    stamped = {_METADATA_KEY: canonical_json(metadata), _JSON_KEY: json_sha256.encode()}
    sink = pa.BufferOutputStream()
    # In place of pandas' metadata, which names its version: the same plan gives the same bytes.
    pq.write_table(arrow.replace_schema_metadata(stamped), sink, compression="zstd", compression_level=1)
    return bytes(sink.getvalue())


def _read_table(path: Path, columns: tuple[Column, ...]) -> tuple[pd.DataFrame, RoutingMetadata, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path, partitioning=None)
        stamped = arrow.schema.metadata or {}
        metadata = decode_json(stamped[_METADATA_KEY], RoutingMetadata)
        digest = stamped[_JSON_KEY].decode("ascii")
        names = arrow.column_names
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        problem = Problem("", str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise _unusable(path, "is not a routing plan", problem) from error
    problems = column_problems(names, [column.name for column in columns])
    if problems:
        raise _unusable(path, "the columns are not those of a routing plan", *problems)
    try:
        held = {one.name: _values(arrow.column(one.name).to_pandas(), one.kind) for one in columns}
        table = frame(columns, held)
    except (ValueError, TypeError, OverflowError) as error:
        raise _unusable(path, "a column is of another type", Problem("", str(error))) from error
    unreadable = unreadable_texts(table, columns)
    if unreadable:
        raise _unusable(path, "is not a routing plan", *unreadable)
    return table, metadata, digest


def _values(column: pd.Series, kind: Kind) -> Values:
    """A column as it is held in a table. Raises ValueError, TypeError or OverflowError if it cannot be."""
    if kind is Kind.TEXT:
        return pd.Categorical(column)
    return column.to_numpy(dtype=np.bool_) if kind is Kind.FLAG else floats(column)


def _unusable(path: Path, what: str, *problems: Problem) -> RoutingPlanError:
    """The error for a file of the plan that cannot be used."""
    return RoutingPlanError(what, file=path, problems=problems, fix="run `foxml run --until plan` again")
