"""Events of single partitions, written by hand so that one run can report each as it finishes.

Such events carry no provenance of their own, and an asset without provenance is judged stale by time.
The private tag names that supply it live here alone; a test guards them.
"""

from collections.abc import Mapping

import dagster as dg

from foxml_assets.defs.running.ledger import Ledger, Names

_DATA_VERSION = "dagster/data_version"
_CODE_VERSION = "dagster/code_version"
_INPUT_VERSION = "dagster/input_data_version/{}"
_INPUT_POINTER = "dagster/input_event_pointer/{}"
# The first event of an instance, which is none of a job. Dagster takes 0 for no pointer at all.
_BEFORE_ALL = "1"

Metadata = Mapping[str, dg.MetadataValue]


def job_observation(
    key: dg.AssetKey, partition: str, data_version: str | None, metadata: Metadata
) -> dg.AssetObservation:
    """Report what a job is to the model that stands: of another version, or with None that of the model.

    The event of a model points before all observations, and Dagster holds the version of the latest
    observation after that against the latest before it, of which there is none.
    """
    tags = {_DATA_VERSION: data_version} if data_version is not None else {}
    return dg.AssetObservation(key, partition=partition, tags=tags, metadata=metadata)


def version_observation(key: dg.AssetKey, data_version: str, metadata: Metadata) -> dg.AssetObservation:
    """Report the version of an asset that the graph observes and does not make."""
    return dg.AssetObservation(key, tags={_DATA_VERSION: data_version}, metadata=metadata)


def output_event(
    context: dg.AssetExecutionContext,
    names: Names,
    partition: str,
    data_version: str,
    metadata: Metadata,
    *,
    jobs: Mapping[str, str] | None = None,
    made: tuple[str, ...] = (),
    observed: tuple[str, ...] = (),
    description: str | None = None,
) -> dg.AssetMaterialization:
    """Report one finished partition of the running asset.

    It was made from `jobs`, versions of external assets with the same partition key by asset name, and from
    the current versions of unpartitioned assets, `made` by the graph or `observed`. The log of the run and
    a terminal that follows it show `description`.
    """
    tags = {_DATA_VERSION: data_version, _CODE_VERSION: _code_version(context)}
    for name, version in (jobs or {}).items():
        key = names.key(name).to_user_string()
        tags |= {_INPUT_VERSION.format(key): version, _INPUT_POINTER.format(key): _BEFORE_ALL}
    ledger = Ledger(context.instance, names)
    for name in (*made, *observed):
        tags |= _provenance(ledger, name, is_source=name in observed)
    return dg.AssetMaterialization(
        context.asset_key, partition=partition, tags=tags, metadata=metadata, description=description
    )


def data_version_of(ledger: Ledger, asset: str, partition: str | None = None) -> tuple[str | None, int]:
    """The data version of the latest materialization and its storage id; (None, 0) if there is none."""
    return _version_of(ledger, asset, partition, is_source=False)


def observed_version(ledger: Ledger, asset: str) -> str | None:
    """The data version of the latest observation of an input; None if there is none."""
    return _version_of(ledger, asset, None, is_source=True)[0]


def made_from(ledger: Ledger, asset: str, source: str) -> tuple[str | None, int]:
    """The version of `source` that the latest materialization of `asset` was made from, and the storage id
    of that; (None, 0) if there is none."""
    record = ledger.instance.get_latest_data_version_record(ledger.names.key(asset), False)
    if record is None:
        return None, 0
    event = record.event_log_entry.asset_materialization
    name = _INPUT_VERSION.format(ledger.names.key(source).to_user_string())
    return ((event.tags if event else None) or {}).get(name), record.storage_id


def metadata_of(ledger: Ledger, asset: str, name: str) -> tuple[object, int]:
    """A metadata value of the latest materialization and its storage id; (None, 0) if there is none."""
    event = ledger.instance.get_latest_materialization_event(ledger.names.key(asset))
    if event is None or event.asset_materialization is None:
        return None, 0
    value = event.asset_materialization.metadata.get(name)
    _, storage_id = data_version_of(ledger, asset)
    return (value.value if value is not None else None), storage_id


def made_versions(ledger: Ledger, asset: str) -> Mapping[str, str]:
    """The data version of each materialized partition of `asset`, in one query."""
    return _latest_versions(ledger, asset, dg.DagsterEventType.ASSET_MATERIALIZATION)


def told_versions(ledger: Ledger, asset: str) -> Mapping[str, str]:
    """The version in the latest observation of each partition of `asset` that has one, in one query."""
    return _latest_versions(ledger, asset, dg.DagsterEventType.ASSET_OBSERVATION)


def _latest_versions(ledger: Ledger, asset: str, kind: dg.DagsterEventType) -> Mapping[str, str]:
    storage = ledger.instance.event_log_storage
    found = storage.get_latest_tags_by_partition(ledger.names.key(asset), kind, [_DATA_VERSION])
    return {partition: tags[_DATA_VERSION] for partition, tags in found.items()}


def _version_of(
    ledger: Ledger, asset: str, partition: str | None, *, is_source: bool
) -> tuple[str | None, int]:
    record = ledger.instance.get_latest_data_version_record(ledger.names.key(asset), is_source, partition)
    if record is None:
        return None, 0
    event = record.event_log_entry.asset_observation or record.event_log_entry.asset_materialization
    return ((event.tags if event else None) or {}).get(_DATA_VERSION), record.storage_id


def _provenance(ledger: Ledger, name: str, *, is_source: bool) -> dict[str, str]:
    version, storage_id = _version_of(ledger, name, None, is_source=is_source)
    if not storage_id:
        return {}
    key = ledger.names.key(name).to_user_string()
    return {_INPUT_VERSION.format(key): version or "", _INPUT_POINTER.format(key): str(storage_id)}


def _code_version(context: dg.AssetExecutionContext) -> str:
    return context.assets_def.code_versions_by_key[context.asset_key] or ""
