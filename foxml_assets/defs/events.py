"""Events of single partitions, written by hand so that one run can report each as it finishes.

Such events carry no provenance of their own, and an asset without provenance is judged stale by time.
The private tag names that supply it live here alone; a test guards them.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

_DATA_VERSION = "dagster/data_version"
_CODE_VERSION = "dagster/code_version"
_INPUT_VERSION = "dagster/input_data_version/{}"
_INPUT_POINTER = "dagster/input_event_pointer/{}"

Metadata = Mapping[str, dg.MetadataValue]


def input_event(
    asset: str, partition: str, data_version: str, metadata: Metadata
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Report a new version of one partition of an external asset.

    The materialization shows the partition as present; the observation carries the version, which is
    where Dagster looks for the version of an external asset.
    """
    tags = {_DATA_VERSION: data_version}
    yield dg.AssetMaterialization(asset, partition=partition, tags=tags, metadata=metadata)
    yield dg.AssetObservation(asset, partition=partition, tags=tags)


def output_event(
    context: dg.AssetExecutionContext,
    partition: str,
    data_version: str,
    metadata: Metadata,
    *,
    partitioned_inputs: tuple[str, ...] = (),
    inputs: tuple[str, ...] = (),
) -> dg.AssetMaterialization:
    """Report one finished partition of the running asset, made from the current versions of its inputs.

    `partitioned_inputs` are external assets with the same partition key, `inputs` are unpartitioned
    assets.
    """
    tags = {_DATA_VERSION: data_version, _CODE_VERSION: _code_version(context)}
    for name in partitioned_inputs:
        tags |= _provenance(context, name, partition, is_external=True)
    for name in inputs:
        tags |= _provenance(context, name, None, is_external=False)
    return dg.AssetMaterialization(context.asset_key, partition=partition, tags=tags, metadata=metadata)


def data_version_of(
    instance: dg.DagsterInstance, asset: str, partition: str | None = None
) -> tuple[str | None, int]:
    """The data version of the latest materialization and its storage id; (None, 0) if there is none."""
    record = instance.get_latest_data_version_record(dg.AssetKey(asset), False, partition)
    if record is None:
        return None, 0
    materialization = record.event_log_entry.asset_materialization
    tags = materialization.tags if materialization else None
    return (tags or {}).get(_DATA_VERSION), record.storage_id


def metadata_of(instance: dg.DagsterInstance, asset: str, name: str) -> tuple[object, int]:
    """A metadata value of the latest materialization and its storage id; (None, 0) if there is none."""
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    if event is None or event.asset_materialization is None:
        return None, 0
    value = event.asset_materialization.metadata.get(name)
    _, storage_id = data_version_of(instance, asset)
    return (value.value if value is not None else None), storage_id


def data_versions_of(
    instance: dg.DagsterInstance, asset: str, partitions: Sequence[str]
) -> Mapping[str, str]:
    """The data version of each materialized partition among `partitions`, in one query."""
    if not partitions:
        return {}
    tags = instance.event_log_storage.get_latest_tags_by_partition(
        dg.AssetKey(asset), dg.DagsterEventType.ASSET_MATERIALIZATION, [_DATA_VERSION], partitions
    )
    return {partition: found[_DATA_VERSION] for partition, found in tags.items() if _DATA_VERSION in found}


def _provenance(
    context: dg.AssetExecutionContext, name: str, partition: str | None, *, is_external: bool
) -> dict[str, str]:
    record = context.instance.get_latest_data_version_record(dg.AssetKey(name), is_external, partition)
    if record is None:
        return {}
    entry = record.event_log_entry
    event = entry.asset_observation if is_external else entry.asset_materialization
    version = (event.tags if event else {}).get(_DATA_VERSION, "")
    return {_INPUT_VERSION.format(name): version, _INPUT_POINTER.format(name): str(record.storage_id)}


def _code_version(context: dg.AssetExecutionContext) -> str:
    return context.assets_def.code_versions_by_key[context.asset_key] or ""
