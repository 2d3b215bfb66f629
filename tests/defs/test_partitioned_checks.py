"""Why no check of this graph has partitions: when one of these fails, Dagster may have learned it."""

from collections.abc import Iterator

import dagster as dg
import pytest

KEYS = ("first", "second", "third")
PARTITIONS = dg.DynamicPartitionsDefinition(name="keys")
RANGE = {
    "dagster/asset_partition_range_start": KEYS[0],
    "dagster/asset_partition_range_end": KEYS[1],
}
pytestmark = pytest.mark.filterwarnings("ignore::dagster.PreviewWarning", "ignore::dagster.BetaWarning")


@pytest.fixture
def definitions() -> dg.Definitions:
    @dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def models(context: dg.AssetExecutionContext) -> None: ...

    @dg.asset_check(asset=models, partitions_def=PARTITIONS)
    def intact() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    checks = dg.define_asset_job("all_checks", dg.AssetSelection.all_asset_checks())
    return dg.Definitions([models], asset_checks=[intact], jobs=[checks], executor=dg.in_process_executor)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        opened.add_dynamic_partitions("keys", KEYS)
        yield opened


def test_the_result_of_a_range_belongs_to_no_partition(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    job = definitions.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(instance=instance, tags=RANGE).success
    key = dg.AssetCheckKey(dg.AssetKey("models"), "intact")
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    states = {record.partition: record.status.value for record in records}
    assert states == {None: "SUCCEEDED", KEYS[0]: "PLANNED", KEYS[1]: "PLANNED"}


def test_a_job_of_all_checks_fails_on_it(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance, tags=RANGE)
    result = definitions.resolve_job_def("all_checks").execute_in_process(
        instance=instance, raise_on_error=False
    )
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert "partition_key for a non-partitioned run" in str(failure.step_failure_data.error)
