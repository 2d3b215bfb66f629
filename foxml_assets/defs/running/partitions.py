"""The dynamic partition sets. The plan is the partition set: what is not planned is not a partition.

A run stores the two ends of its range and finds the keys between them when it executes. So a key keeps its
place for as long as it exists: new keys come last, and none is deleted while something refers to it.
"""

from collections.abc import Iterator, Mapping, Sequence, Set

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.storage.event_log.schema import DynamicPartitionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from foxml_assets.defs.running.ledger import Ledger

TARGETS = "targets"
CROSS_SECTIONAL_JOBS = "cross_sectional_jobs"
SYMBOL_JOBS = "symbol_jobs"

_USERS = {
    TARGETS: ("feature_selections",),
    CROSS_SECTIONAL_JOBS: ("cross_sectional_jobs", "cross_sectional_models"),
    SYMBOL_JOBS: ("symbol_jobs", "symbol_models"),
}
_KEY = "dagster/partition"
_START, _END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_MAX_VARIABLES = 10_000
_OPEN = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]


def add_partitions(ledger: Ledger, partition_set: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Add those of `keys` that are missing, in the given order, and return all keys in theirs."""
    instance, name = ledger.instance, ledger.names.flat(partition_set)
    order = instance.get_dynamic_partitions(name)
    present = set(order)
    missing = [key for key in keys if key not in present]
    if not missing:
        return tuple(order)
    for some in _batches(missing):
        instance.add_dynamic_partitions(name, some)
    return tuple(instance.get_dynamic_partitions(name))


def retire_partitions(ledger: Ledger, partition_set: str, wanted: Set[str]) -> tuple[str, ...]:
    """Delete the keys that are not `wanted`, and return those that must wait.

    A key waits for the queued and running runs whose range it is in, and for the open backfills of its set.
    """
    instance, name = ledger.instance, ledger.names.flat(partition_set)
    order = instance.get_dynamic_partitions(name)
    unwanted = [key for key in order if key not in wanted]
    if not unwanted:
        return ()
    in_use = _keys_in_use(ledger, partition_set, order)
    _delete(instance, name, [key for key in unwanted if key not in in_use])
    return tuple(key for key in unwanted if key in in_use)


def range_tags(keys: Sequence[str]) -> dict[str, str]:
    """The run tags that select the range `keys`."""
    return {_START: keys[0], _END: keys[-1]}


def keys_of(tags: Mapping[str, str], order: Sequence[str]) -> tuple[str, ...]:
    """The partitions that a run with these `tags` is for; none if an end of its range is gone."""
    if _KEY in tags:
        return (tags[_KEY],)
    start, end = tags.get(_START), tags.get(_END)
    if start is None or end is None or start not in order or end not in order:
        return ()
    return tuple(order[order.index(start) : order.index(end) + 1])


def ranges(order: Sequence[str], wanted: Set[str], size: int) -> Iterator[tuple[str, ...]]:
    """Ranges of `order`, of at most `size` keys each, that together hold all `wanted` keys of it.

    A range begins and ends with a wanted key; others may stand between them.
    """
    places = [place for place, key in enumerate(order) if key in wanted]
    first = last = None
    for place in places:
        if first is not None and last is not None and place - first >= size:
            yield tuple(order[first : last + 1])
            first = None
        first, last = place if first is None else first, place
    if first is not None and last is not None:
        yield tuple(order[first : last + 1])


def _delete(instance: dg.DagsterInstance, name: str, keys: Sequence[str]) -> None:
    """Dagster deletes one key in a transaction of its own, which takes a minute for 5,000 on SQLite."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"the instance keeps no partitions in SQL: {type(storage).__name__}")
    columns = DynamicPartitionsTable.c
    with storage.index_connection() as connection:
        for some in _batches(keys):
            is_one = (columns.partitions_def_name == name) & columns.partition.in_(some)
            connection.execute(DynamicPartitionsTable.delete().where(is_one))


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """At most as many keys at once as every build of SQLite takes variables in a statement."""
    for start in range(0, len(keys), _MAX_VARIABLES):
        yield keys[start : start + _MAX_VARIABLES]


def _keys_in_use(ledger: Ledger, partition_set: str, order: Sequence[str]) -> Set[str]:
    instance, users = ledger.instance, set(ledger.names.keys(_USERS[partition_set]))
    # A backfill may yet make a run of any range, so it keeps the whole set.
    open_backfills = instance.get_backfills(filters=BulkActionsFilter(statuses=_OPEN))
    if any(users & set(backfill.asset_selection or ()) for backfill in open_backfills):
        return set(order)
    runs = instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED)))
    return {key for run in runs if users & set(run.asset_selection or ()) for key in keys_of(run.tags, order)}
