"""The dynamic partition sets. The plan is the partition set: what is not planned is not a partition."""

from collections.abc import Sequence

import dagster as dg

targets = dg.DynamicPartitionsDefinition(name="targets")
cross_sectional_partitions = dg.DynamicPartitionsDefinition(name="cross_sectional_jobs")
symbol_partitions = dg.DynamicPartitionsDefinition(name="symbol_jobs")


def set_partitions(
    instance: dg.DagsterInstance, definition: dg.DynamicPartitionsDefinition, keys: Sequence[str]
) -> None:
    """Make `keys` the whole partition set: add what is missing, delete what is no longer there."""
    name = _name(definition)
    present = set(instance.get_dynamic_partitions(name))
    for key in sorted(present - set(keys)):
        instance.delete_dynamic_partition(name, key)
    missing = [key for key in keys if key not in present]
    if missing:
        instance.add_dynamic_partitions(name, missing)


def queue_partitions(
    instance: dg.DagsterInstance, definition: dg.DynamicPartitionsDefinition, keys: Sequence[str]
) -> dict[str, str]:
    """Make `keys` one contiguous range in the given order and return the run tags that select it.

    A run can name a range of partitions, not a set, and dynamic partitions stand in the order in which
    they were added. So the keys of a batch are added anew; their history stays with the asset.
    """
    name = _name(definition)
    present = instance.get_dynamic_partitions(name)
    if list(keys) != present[-len(keys) :]:
        for key in keys:
            if key in present:
                instance.delete_dynamic_partition(name, key)
        instance.add_dynamic_partitions(name, keys)
    return {
        "dagster/asset_partition_range_start": keys[0],
        "dagster/asset_partition_range_end": keys[-1],
    }


def _name(definition: dg.DynamicPartitionsDefinition) -> str:
    if definition.name is None:
        raise ValueError("the partitions definition has no name")
    return definition.name
