"""The columnar form of a plan: three Parquet files that carry the plan's metadata and hash."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from foxml_assets.core.errors import Problem, RoutingPlanError
from foxml_assets.core.hashing import canonical_json
from foxml_assets.routing.candidates.table_columns import Column, Kind, Values, counts, floats, frame
from foxml_assets.routing.plan.plan_words import unreadable_texts
from foxml_assets.routing.plan.routing_plan import (
    PAIR_COLUMNS,
    QUARANTINE_COLUMNS,
    TARGET_COLUMNS,
    RoutingMetadata,
    RoutingPlan,
)
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.tables import column_problems

PAIRS_NAME = "routing_plan.parquet"
TARGETS_NAME = "routing_plan_targets.parquet"
QUARANTINE_NAME = "routing_plan_quarantine.parquet"

_METADATA_KEY = b"routing_plan"
_JSON_KEY = b"routing_plan_json_sha256"


def parquet_files(plan: RoutingPlan, json_sha256: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of the three files, bound to the JSON file of this digest."""
    tables = {PAIRS_NAME: plan.pairs, TARGETS_NAME: plan.targets, QUARANTINE_NAME: plan.quarantine}
    for name, table in tables.items():
        yield name, _parquet(table, plan.metadata, json_sha256)


def read_parquet(folder: Path) -> tuple[RoutingPlan, str]:
    """The plan in `folder`, its hash not yet verified, and the SHA-256 of the JSON it was written with.

    Raises RoutingPlanError if a file is missing or unreadable, or the files are of different plans.
    """
    pairs, metadata, digest = _read(folder / PAIRS_NAME, PAIR_COLUMNS)
    targets, *of_targets = _read(folder / TARGETS_NAME, TARGET_COLUMNS)
    quarantine, *of_quarantine = _read(folder / QUARANTINE_NAME, QUARANTINE_COLUMNS)
    if not (of_targets == of_quarantine == [metadata, digest]):
        raise unusable(folder, "its Parquet files are of different plans")
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


def unusable(path: Path, what: str, *problems: Problem) -> RoutingPlanError:
    """The error for a file of the plan that cannot be used."""
    return RoutingPlanError(what, file=path, problems=problems, fix="run `foxml run --until plan` again")


def _read(path: Path, columns: tuple[Column, ...]) -> tuple[pd.DataFrame, RoutingMetadata, str]:
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
        raise unusable(path, "is not a routing plan", problem) from error
    problems = column_problems(names, [column.name for column in columns])
    if problems:
        raise unusable(path, "the columns are not those of a routing plan", *problems)
    try:
        table = frame(
            columns,
            {column.name: _column(arrow.column(column.name).to_pandas(), column.kind) for column in columns},
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise unusable(path, "a column is of another type", Problem("", str(error))) from error
    unreadable = unreadable_texts(table, columns)
    if unreadable:
        raise unusable(path, "is not a routing plan", *unreadable)
    return table, metadata, digest


def _column(series: pd.Series, kind: Kind) -> Values:
    if kind is Kind.TEXT:
        return pd.Categorical(series)
    if kind is Kind.FLAG:
        return series.to_numpy(dtype=bool)
    return counts(floats(series)) if kind is Kind.COUNT else floats(series)
