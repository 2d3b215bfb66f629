"""A batch trains what it was launched for, whatever happens to the partitions in between."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack

import dagster as dg
from dagster._core.definitions.automation_tick_evaluation_context import (
    build_run_requests_with_backfill_policies,
)
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from shell_world import Shell
from training_world import RETURN, UP

from foxml_assets.defs.running.origin import origin_tags
from foxml_assets.defs.running.partitions import SYMBOL_JOBS, add_partitions, keys_of, retire_partitions
from foxml_assets.defs.running.stage_runs import QUIET, StageRun, partition_key
from foxml_assets.stages import Stage
from foxml_assets.storage.locks import hold_lock
from foxml_assets.training.models.pending import pending_jobs


def keys(shell: Shell) -> list[str]:
    return list(shell.instance.get_dynamic_partitions("symbol_jobs"))


def batch_of(shell: Shell) -> StageRun:
    (run,) = shell.runs_of(pending_jobs(shell.plan, shell.world.context))
    return run


def test_partitions_stand_in_the_order_of_the_plan_and_new_ones_come_last(shell: Shell) -> None:
    first = [partition_key(job) for job in shell.plan.jobs]
    assert keys(shell) == first
    plan = shell.make_plan({UP: ("AAA", "CCC", "DDD"), RETURN: ("BBB", "CCC", "DDD")})
    stand = [key for key in first if key not in (f"{UP}@BBB", f"{RETURN}@AAA")]
    assert keys(shell) == [*stand, *(key for job in plan.jobs if (key := partition_key(job)) not in first)]


def test_a_second_batch_moves_no_key_of_the_first(shell: Shell) -> None:
    plan = shell.plan
    before = keys(shell)
    queued = batch_of(shell)
    shell.runs_of([plan.jobs[2]])
    shell.runs_of([plan.jobs[5], plan.jobs[0]])
    assert keys(shell) == before
    assert shell.execute(queued).success
    assert shell.pending() == []


def test_jobs_of_the_range_that_are_trained_already_are_skipped_and_reported(shell: Shell) -> None:
    plan = shell.plan
    middle = [plan.jobs[2], plan.jobs[3]]
    assert shell.execute(shell.runs_of(middle)[0]).success
    times = {path: path.stat().st_mtime_ns for path in shell.layout.models.rglob("model.*")}
    result = shell.execute(batch_of(shell))
    assert result.success
    assert shell.pending() == []
    assert {path: path.stat().st_mtime_ns for path in times} == times
    events = result.asset_materializations_for_node("symbol_models")
    trained = {event.partition: event.metadata["trained in this run"].value for event in events}
    assert {key for key, now in trained.items() if not now} == {partition_key(job) for job in middle}
    assert len(trained) == 6


def test_a_trained_job_is_one_event_that_tells_what_became_of_it(shell: Shell) -> None:
    result = shell.execute(batch_of(shell))
    records = shell.instance.get_records_for_run(result.run_id, limit=None).records
    entries = [record.event_log_entry for record in records]
    told = [made.description for entry in entries if (made := entry.asset_materialization) is not None]
    assert [line.partition(":")[0] for line in told] == [f"{number} of 6" for number in range(1, 7)]
    assert all(" done in " in line for line in told)
    messages = [entry.user_message for entry in entries if entry.dagster_event is None]
    assert not any(job.job_id in message for message in messages for job in shell.plan.jobs)
    assert any("6 trained, 0 trained already, 0 failed" in message for message in messages)


def test_batches_are_short_ranges_that_together_hold_every_pending_job_once(shell: Shell) -> None:
    plan = shell.plan
    order = keys(shell)
    ends = [plan.jobs[0], plan.jobs[5]]
    assert [run.keys for run in shell.runs_of(ends, batch_size=3)] == [(order[0],), (order[5],)]
    runs = shell.runs_of(plan.jobs, batch_size=4)
    assert [len(run.keys) for run in runs] == [4, 2]
    assert [key for run in runs for key in run.keys] == order


def test_a_range_that_is_not_what_the_run_was_meant_for_fails_and_names_the_difference(shell: Shell) -> None:
    queued, order = batch_of(shell), keys(shell)
    shell.instance.delete_dynamic_partition("symbol_jobs", order[2])
    result = shell.execute(queued)
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert f"missing: {order[2]}" in str(failure.step_failure_data.user_failure_data.description)
    assert not shell.layout.models.exists()


def test_a_batch_of_an_earlier_plan_trains_what_is_still_planned(shell: Shell) -> None:
    queued, before = batch_of(shell), keys(shell)
    waiting = shell.queue(queued.assets, dict(queued.tags), dg.DagsterRunStatus.QUEUED)
    plan = shell.make_plan({UP: ("AAA", "BBB"), RETURN: ("AAA", "CCC", "DDD")})
    gone = [key for key in before if key not in {partition_key(job) for job in plan.jobs}]
    assert len(gone) == 2
    assert keys(shell)[:6] == before, "a key that a queued run is for is not retired"
    assert shell.execute(queued).success
    assert shell.pending() == ["sym_DDD_fwd_ret_5d"]
    shell.instance.report_run_canceled(waiting)
    wanted = {partition_key(job) for job in plan.jobs}
    assert retire_partitions(shell.ledger, SYMBOL_JOBS, wanted) == ()
    assert keys(shell) == [*(key for key in before if key not in gone), f"{RETURN}@DDD"]


def test_an_open_backfill_keeps_the_keys_of_its_set(shell: Shell) -> None:
    before = keys(shell)
    graph = shell.job().asset_layer.asset_graph
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id="open",
        asset_graph=graph,
        partition_names=before,
        asset_selection=[dg.AssetKey("symbol_models")],
        backfill_timestamp=0.0,
        tags={},
        dynamic_partitions_store=shell.instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    shell.instance.add_backfill(backfill)
    assert retire_partitions(shell.ledger, SYMBOL_JOBS, {f"{UP}@AAA"})
    assert keys(shell) == before
    shell.instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))
    assert retire_partitions(shell.ledger, SYMBOL_JOBS, {f"{UP}@AAA"}) == ()
    assert keys(shell) == [f"{UP}@AAA"]


def backfilled(shell: Shell, chosen: Sequence[str]) -> list[tuple[str, ...]]:
    """The partitions of each run that a backfill of the `chosen` ones launches."""
    order, asset = keys(shell), dg.AssetKey("symbol_models")
    graph = shell.job().asset_layer.asset_graph
    with partition_loading_context(dynamic_partitions_store=shell.instance):
        requests = build_run_requests_with_backfill_policies(
            {AssetKeyPartitionKey(asset, key) for key in chosen}, graph, shell.instance
        )
    found = (keys_of(request.tags, order) for request in requests)
    return sorted(found, key=lambda batch: order.index(batch[0]))


def test_a_backfill_of_any_selection_makes_batches_of_the_same_size(shell: Shell) -> None:
    shell.edit("training_config.yaml", batch_size=2)
    order = keys(shell)
    found = backfilled(shell, [key for key in order if key != order[3]])
    assert found == [tuple(order[0:2]), (order[2],), tuple(order[4:6])]


def test_what_are_no_neighbours_are_runs_of_a_backfill_and_one_run_of_a_command(shell: Shell) -> None:
    order, jobs = keys(shell), {partition_key(job): job for job in shell.plan.jobs}
    chosen = order[0::2]
    assert backfilled(shell, chosen) == [(key,) for key in chosen]
    (run,) = shell.runs_of([jobs[key] for key in chosen], no_others=True)
    assert set(run.chosen) == set(chosen)


def as_launched_by_a_person(shell: Shell, partition: str, chosen: list[str]) -> dg.ExecuteInProcessResult:
    """A run of one partition whose config names the ones to train, as the dialog of the UI launches it."""
    return shell.job().execute_in_process(
        instance=shell.instance,
        asset_selection=[dg.AssetKey("symbol_models")],
        tags={"dagster/partition": partition, **origin_tags()},
        run_config={**QUIET, "ops": {"symbol_models": {"config": {"chosen": chosen}}}},
        raise_on_error=False,
    )


def test_a_run_of_one_partition_trains_those_that_its_config_names(shell: Shell) -> None:
    chosen = keys(shell)[0::2]
    result = as_launched_by_a_person(shell, chosen[0], chosen)
    assert result.success
    events = result.asset_materializations_for_node("symbol_models")
    assert sorted(event.partition for event in events) == sorted(chosen)
    left = {partition_key(job) for job in shell.plan.jobs if job.job_id in shell.pending()}
    assert left == set(keys(shell)) - set(chosen)


def test_a_name_that_is_no_job_fails_the_run_and_costs_no_other_its_model(shell: Shell) -> None:
    first = keys(shell)[0]
    result = as_launched_by_a_person(shell, first, [first, "nobody@AAA", first])
    assert not result.success
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert "'nobody@AAA' is not a job of the plan" in str(failure.step_failure_data.error)
    assert len(result.asset_materializations_for_node("symbol_models")) == 1


def test_a_plan_that_another_process_is_writing_is_written_a_moment_later(shell: Shell) -> None:
    with ExitStack() as lock:
        lock.enter_context(hold_lock(shell.layout.metrics / ".training_plan.lock", purpose="a test"))

        def release() -> None:
            while not retried(shell):
                time.sleep(0.05)
            lock.close()

        releaser = threading.Thread(target=release)
        releaser.start()
        assert shell.execute(StageRun(Stage.PLAN.assets)).success
        releaser.join()


def retried(shell: Shell) -> bool:
    """Whether a step of the latest run waits to be repeated."""
    (run,) = shell.instance.get_runs(limit=1)
    return bool(shell.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY))


def test_a_partition_that_is_no_job_of_the_plan_fails_a_run_that_asks_for_it(shell: Shell) -> None:
    shell.instance.add_dynamic_partitions("symbol_jobs", [f"{UP}@DDD"])
    result = shell.execute(StageRun(("symbol_models",), {"dagster/partition": f"{UP}@DDD"}))
    assert not result.success


def test_more_partitions_than_one_statement_takes_are_added_in_order_and_deleted(shell: Shell) -> None:
    before = keys(shell)
    many = [f"{UP}@S{number:05d}" for number in range(10_500)]
    assert add_partitions(shell.ledger, SYMBOL_JOBS, many) == (*before, *many)
    assert retire_partitions(shell.ledger, SYMBOL_JOBS, set(before)) == ()
    assert keys(shell) == before


def test_why_a_job_failed_stands_on_its_partition(shell: Shell) -> None:
    failing = shell.plan.jobs[2]
    folder = shell.layout.model_dir(failing.target, failing.symbol, "lightgbm").parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    batch = batch_of(shell)
    assert not shell.execute(batch).success
    seen = shell.instance.fetch_observations(shell.ledger.names.key("symbol_models"), limit=10).records
    (event,) = (record.event_log_entry.asset_observation for record in seen)
    assert event is not None
    assert event.partition == partition_key(failing)
    assert str(folder) in str(event.metadata["failed"].value)
    assert shell.pending() == [failing.job_id]
    # The reason is no version: once the job is trained nothing is stale for it.
    folder.unlink()
    assert shell.execute(batch_of(shell)).success
    assert shell.pending() == []
