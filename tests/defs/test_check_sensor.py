"""The results of the checks in the UI are those that `foxml check` would find, whoever changed the files."""

import dagster as dg
import pytest
from shell_world import Shell, Tick

from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.checking.check_findings import all_findings
from foxml_assets.defs.sensors.check_sensor import ARTIFACT_CHECK_JOB, outdated_checks

LOOKS = 6


@pytest.fixture
def checked(shell: Shell) -> Shell:
    """A planned root whose checks have just run."""
    check(shell)
    return shell


def check(shell: Shell, tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
    job = build_definitions(shell.workspace).resolve_job_def(ARTIFACT_CHECK_JOB)
    return job.execute_in_process(instance=shell.instance, tags=tags, raise_on_error=False)


def shown(shell: Shell) -> dict[tuple[str, str], bool]:
    """Whether each check passed when it last ran, as the UI shows it."""
    keys = [dg.AssetCheckKey(dg.AssetKey(asset), name) for asset, name in all_findings(shell.workspace)]
    records = shell.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    return {
        (key.asset_key.to_user_string(), key.name): record.status.value == "SUCCEEDED"
        for key, record in records.items()
    }


def true(shell: Shell) -> dict[tuple[str, str], bool]:
    """Whether each check passes now."""
    return {key: not problems for key, problems in all_findings(shell.workspace).items()}


def look(shell: Shell, times: int = LOOKS) -> Tick:
    """The last of several ticks, each of which goes on from where the one before stopped."""
    tick = shell.tick(outdated_checks)
    for _ in range(times - 1):
        tick = shell.tick(outdated_checks, tick.cursor)
    return tick


def test_an_edited_config_that_no_plan_follows_turns_its_check_red(checked: Shell) -> None:
    assert shown(checked)["master_training_plan", "not_stale"]
    assert look(checked).reason == "every check shows what is"
    checked.edit("training_config.yaml", seed=4711)
    early = look(checked, LOOKS - 1)
    assert early.requests == []
    assert early.reason.startswith("not_stale of master_training_plan to be checked again")
    (request,) = look(checked).requests
    check(checked, dict(request.tags))
    assert not shown(checked)["master_training_plan", "not_stale"]
    assert shown(checked) == true(checked)
    assert look(checked).requests == [], "now the UI shows what is"


def test_a_file_that_was_edited_by_hand_is_noticed(checked: Shell) -> None:
    view = next((checked.layout.training_plan_dir / "by_symbol").glob("*.json"))
    good = view.read_bytes()
    view.write_text("{}", encoding="utf-8")
    (request,) = look(checked).requests
    check(checked, dict(request.tags))
    assert not shown(checked)["plan_by_symbol", "equal_to_master_plan"]
    view.write_bytes(good)
    assert len(look(checked).requests) == 1
    check(checked)
    assert shown(checked) == true(checked)


def test_a_plan_that_training_would_refuse_stops_what_follows_in_its_run(checked: Shell) -> None:
    checked.layout.master_plan.write_text("{}", encoding="utf-8")
    assert not check(checked).success
    assert shown(checked) == true(checked), "every result is recorded, also behind the one that stops"
    checked.layout.routing_plan.unlink()
    assert not check(checked).success
    assert shown(checked) == true(checked), "the checks of one artifact do not hide those of another"
    for name in ("ids_unique", "hashes_recomputed", "not_stale"):
        key = dg.AssetCheckKey(dg.AssetKey("master_training_plan"), name)
        graph = build_definitions(checked.workspace).resolve_asset_graph()
        assert graph.get(key).blocking


def test_it_waits_for_a_run_that_renews_the_plan(checked: Shell) -> None:
    checked.edit("training_config.yaml", seed=4711)
    run = checked.queue(["routing_plan"], {}, dg.DagsterRunStatus.QUEUED)
    assert run.run_id[:8] in look(checked).reason


def test_the_button_of_one_check_makes_that_check_alone(checked: Shell) -> None:
    key = dg.AssetCheckKey(dg.AssetKey("plan_by_route"), "equal_to_master_plan")
    job = build_definitions(checked.workspace).resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection=set(), asset_check_selection={key})
    result = alone.execute_in_process(instance=checked.instance)
    assert [made.asset_check_key for made in result.get_asset_check_evaluations()] == [key]
