"""The demo from prices to models, and what a user does next."""

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest
from worlds import World, accept_more_discoveries, model_times

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.stage_runs import QUIET
from foxml_assets.evidence.evidence_files import read_all_evidence
from foxml_assets.reporting.report_files import markdown_path
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.stages import Stage
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

NOISE_TARGET, NOISE_ECHO = "y_coin_flip_5d", "coin_flip_echo"


RECORDS = ("dagster", ".claims")


def state_of(world: World, *, but: tuple[str, ...]) -> dict[str, tuple[int, int, bytes | None]]:
    """Each file and folder: its time, inode and content."""
    ours = [path for path in world.root.iterdir() if path.name not in but]
    return {
        path.relative_to(world.root).as_posix(): (
            path.stat().st_mtime_ns,
            path.stat().st_ino,
            path.read_bytes() if path.is_file() else None,
        )
        for path in (world.root, *ours, *(below for one in ours for below in one.rglob("*")))
    }


def test_the_first_run_trains_exactly_the_plan_and_reports(first_run: tuple[World, str]) -> None:
    world, printed = first_run
    layout = Layout(world.root)
    jobs = json.loads(layout.master_plan.read_bytes())["jobs"]
    planned = {
        layout.model_dir(job["target"], job["symbol"], family).relative_to(layout.models).as_posix()
        for job in jobs
        for family in job["model_families"]
    }
    assert {Path(name).parent.as_posix() for name in model_times(world)} == planned
    assert {job["training_type"] for job in jobs} == {"cross_sectional", "symbol_specific"}
    assert f"{len(jobs)} of {len(jobs)} planned jobs are trained" in printed
    assert printed.count("[FILTER] Training plan filter applied: 8 ->") == 1
    for told in ("Pairs by route", "hold-out", "foxml dev", str(layout.models)):
        assert told in printed


def test_every_artifact_of_the_design_is_there(trained: World) -> None:
    metrics = trained.root / "METRICS"
    for name in (
        "routing_candidates.parquet",
        "routing_plan/routing_plan.json",
        "routing_plan/routing_plan.yaml",
        "routing_plan/routing_plan.md",
        "training_plan/master_training_plan.json",
        "training_plan/training_plan.json",
        "training_plan/training_plan.yaml",
        "training_plan/training_plan.md",
        "training_plan/MASTER_TRAINING_PLAN_SUMMARY.md",
        "training_plan/by_type/cross_sectional.json",
        "training_report.json",
        "training_report.md",
        "training_plan_diff.json",
    ):
        assert (metrics / name).stat().st_size > 0, name
    for view in ("by_target", "by_symbol", "by_type", "by_route"):
        assert list((metrics / "training_plan" / view).glob("*.json")), view


def test_the_planted_leak_is_blocked_and_no_honest_feature_is(trained: World) -> None:
    layout = Layout(trained.root)
    plan = read_routing_plan(layout)
    noise = plan.pairs[plan.pairs["target"].astype(str) == NOISE_TARGET]
    assert set(noise["route"]) == {"ROUTE_BLOCKED"}
    for evidence in read_all_evidence(layout):
        flagged = {name for name, status in evidence.features.items() if status is not LeakageStatus.SAFE}
        assert flagged == ({NOISE_ECHO} if evidence.target == NOISE_TARGET else set()), evidence.target


def test_a_second_run_trains_nothing_and_says_so(own_world: World) -> None:
    # What is remembered of the inodes of another copy is renewed.
    before = state_of(own_world, but=(*RECORDS, ".cache"))
    again = own_world.foxml("demo")
    assert again.returncode == 0, again.stderr
    assert "Panel: up to date with its source" in again.stdout
    assert "Evidence: every target is up to date" in again.stdout
    assert "nothing to do" in again.stdout
    assert state_of(own_world, but=(*RECORDS, ".cache")) == before


@pytest.mark.slow
def test_a_run_with_nothing_to_do_touches_nothing_but_records_and_claims(own_world: World) -> None:
    assert own_world.foxml("run").returncode == 0
    before = state_of(own_world, but=RECORDS)
    again = own_world.foxml("run")
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stdout
    assert ".cache/models.json" in before
    assert state_of(own_world, but=RECORDS) == before


def test_all_checks_pass_after_a_run(own_world: World) -> None:
    result = own_world.foxml("check")
    assert result.returncode == 0, result.stdout
    assert "30 of 30 checks passed" in result.stdout


@pytest.mark.parametrize("view", ["by_symbol", "by_target"])
def test_a_view_that_was_edited_fails_the_check(own_world: World, view: str) -> None:
    edited = next((Layout(own_world.root).training_plan_dir / view).glob("*.json"))
    edited.write_text("{}", encoding="utf-8")
    result = own_world.foxml("check")
    assert result.returncode == 1
    assert "differs from the master plan" in result.stdout


def test_a_damaged_model_fails_the_check_and_is_trained_again_alone(own_world: World) -> None:
    damaged = next(iter(sorted(Layout(own_world.root).models.rglob("model.*"))))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    before = model_times(own_world)
    assert own_world.foxml("check").returncode == 1
    result = own_world.foxml("train")
    assert result.returncode == 0, result.stdout + result.stderr
    after = model_times(own_world)
    name = damaged.relative_to(Layout(own_world.root).models).as_posix()
    assert {changed for changed in after if after[changed] != before[changed]} == {name}


def test_training_under_a_changed_policy_is_refused_and_nothing_is_touched(own_world: World) -> None:
    layout = Layout(own_world.root)
    before, plan = model_times(own_world), layout.master_plan.read_bytes()
    own_world.edit("routing_config.yaml", lambda s: s["symbol"]["ic"].update(min_score=0.031))
    result = own_world.foxml("train")
    assert result.returncode == 1
    assert "routing policy" in result.stderr
    assert "foxml run --until plan" in result.stderr
    assert model_times(own_world) == before
    assert layout.master_plan.read_bytes() == plan


def test_a_changed_threshold_retrains_exactly_the_changed_jobs(own_world: World) -> None:
    own_world.edit("routing_config.yaml", accept_more_discoveries)
    preview = own_world.foxml("plan", "--format", "json")
    assert preview.returncode == 2, preview.stderr
    before = model_times(own_world)
    result = own_world.foxml("run")
    assert result.returncode == 0, result.stdout + result.stderr
    diff = json.loads(own_world.foxml("diff", "--format", "json").stdout)
    assert diff == json.loads(preview.stdout)["diff"]
    after = model_times(own_world)
    assert all(after[name] == moment for name, moment in before.items())
    added = {(entry["target"], entry["symbol"]) for entry in diff["added"]}
    assert added
    trained = {Path(name).parts[1:3] for name in after.keys() - before.keys()}
    assert trained == added
    assert own_world.foxml("diff").returncode == 2


def test_a_wrong_config_costs_nothing_and_names_every_problem(own_world: World) -> None:
    own_world.edit("routing_config.yaml", lambda s: s.update(gate_on="hope", unknown_key=1))
    result = own_world.foxml("run")
    assert result.returncode == 1
    assert "gate_on" in result.stderr
    assert "unknown_key" in result.stderr
    assert "line" in result.stderr
    assert result.stdout == ""


def test_status_and_explain_answer_without_dagster(trained: World) -> None:
    status = trained.foxml("status")
    assert status.returncode == 0
    told = ("trained", "not reached", "that the evidence promised", "Training time by family")
    assert all(text in status.stdout for text in told)
    explained = trained.foxml("explain", "fwd_log_vol_10d", "AAPL")
    assert explained.returncode == 0
    assert "fwd_log_vol_10d / AAPL: ROUTE_" in explained.stdout
    assert trained.foxml("explain", "no_such_target").returncode == 1


def test_a_run_that_stops_at_the_plan_trains_nothing(own_world: World) -> None:
    before = model_times(own_world)
    own_world.edit("training_config.yaml", lambda s: s.update(seed=1))
    assert own_world.foxml("run", "--until", "plan").returncode == 0
    assert model_times(own_world) == before
    status = own_world.foxml("status")
    assert "Planned against trained" in status.stdout
    assert "trained for another spec" in status.stdout


def test_imported_candidates_make_a_plan_without_a_panel(trained: World, empty_world: World) -> None:
    table = Layout(trained.root).routing_candidates
    assert empty_world.foxml("import-candidates", str(table)).returncode == 0
    result = empty_world.foxml("run", "--until", "plan")
    assert result.returncode == 0, result.stdout + result.stderr
    assert not Layout(empty_world.root).panel.exists()
    mine = json.loads(Layout(empty_world.root).master_plan.read_bytes())
    theirs = json.loads(Layout(trained.root).master_plan.read_bytes())
    assert [job["job_id"] for job in mine["jobs"]] == [job["job_id"] for job in theirs["jobs"]]
    trained_too = empty_world.foxml("run")
    assert trained_too.returncode == 0, trained_too.stdout + trained_too.stderr
    assert model_times(empty_world).keys() == model_times(trained).keys()
    assert not Layout(empty_world.root).feature_selections.exists()
    assert empty_world.foxml("drop-import").returncode == 0


def test_a_wrong_usage_is_an_error_and_not_a_changed_plan(trained: World) -> None:
    assert trained.foxml("diff", "a", "b", "c").returncode == 1


def test_an_audit_trains_nothing_and_is_an_asset(own_world: World) -> None:
    layout, before = Layout(own_world.root), model_times(own_world)
    result = own_world.foxml("audit")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "foxml audit --baselines" in result.stdout
    assert not layout.baselines.exists()
    assert model_times(own_world) == before
    audit = json.loads(layout.routing_audit.read_bytes())
    assert audit["screening"]["timed"] == audit["screening"]["targets"] == 8
    assert audit["screening"]["cpu_seconds"] > 0
    workspace = Workspace(own_world.root, own_world.config_dir)
    shown = metadata(workspace, "routing_audit")
    assert {"verdict", "comparison", "picture", "audit"} <= set(shown)
    assert str(shown["picture"].value).startswith("![")
    # The report is made again with it, and opens with it.
    reported = metadata(workspace, "training_report")
    assert list(reported)[:3] == ["verdict", "comparison", "above chance"]
    assert reported["verdict"].value == shown["verdict"].value
    assert str(shown["verdict"].value) in markdown_path(layout).read_text(encoding="utf-8").partition("##")[0]


def metadata(workspace: Workspace, asset: str, partition: str | None = None) -> dict[str, dg.MetadataValue]:
    """What the page of an asset shows."""
    keys = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition] if partition else None)
    with open_instance(workspace.dagster_home) as instance:
        (record,) = instance.fetch_materializations(keys, limit=1).records
    assert record.asset_materialization is not None
    return dict(record.asset_materialization.metadata)


def test_the_page_of_a_target_that_leaks_leads_with_the_leak(trained: World) -> None:
    shown = metadata(Workspace(trained.root, trained.config_dir), "feature_selections", "y_coin_flip_5d")
    assert list(shown)[:5] == ["verdict", "leakage", "lag profile", "lag profile, drawn", "pooled model"]
    assert str(shown["verdict"].value).startswith("coin_flip_echo is nearly the label: skill 1.000")
    # The web page shows a text in place only if it is shorter than a thousand characters.
    assert all(len(str(shown[name].value)) < 1_000 for name in ("leakage", "lag profile", "pooled model"))


def test_without_metrics_the_run_succeeds_says_how_to_mend_it_and_trains_nothing(empty_world: World) -> None:
    workspace = Workspace(empty_world.root, empty_world.config_dir)
    job = build_definitions(workspace).resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(name) for name in ("routing_candidates", "routing_plan", *Stage.PLAN.assets)]
    with open_instance(workspace.dagster_home) as instance:
        result = job.execute_in_process(instance=instance, asset_selection=keys, run_config=QUIET)
    assert result.success
    assert json.loads(workspace.layout.master_plan.read_bytes())["jobs"] == []
    trained = empty_world.foxml("train")
    assert trained.returncode == 0
    assert "nothing can be routed" in trained.stdout
    assert "foxml run --until evidence" in trained.stdout
    assert not workspace.layout.models.exists()


def test_without_a_plan_training_pools_every_target_loudly_or_refuses(own_world: World) -> None:
    shutil.rmtree(Layout(own_world.root).training_plan_dir)
    own_world.edit("training_config.yaml", lambda s: s.update(on_missing_plan="refuse"))
    refused = own_world.foxml("train")
    assert refused.returncode == 1
    assert "there is no master training plan" in refused.stderr
    own_world.edit("training_config.yaml", lambda s: s.update(on_missing_plan="train_all"))
    trained = own_world.foxml("train")
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert "on_missing_plan: train_all" in " ".join(trained.stdout.split())
    assert "8 of 8 planned jobs are trained" in trained.stdout


def test_checks_of_an_empty_root_fail_in_a_table(empty_world: World) -> None:
    result = empty_world.foxml("check")
    assert result.returncode == 1
    assert "4 of 30 checks passed" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_the_run_itself_has_checked_every_artifact(trained: World) -> None:
    workspace = Workspace(trained.root, trained.config_dir)
    keys = list(build_definitions(workspace).resolve_asset_graph().asset_check_keys)
    with open_instance(workspace.dagster_home) as instance:
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert {latest[key].status.value for key in keys} == {"SUCCEEDED"}


def test_every_run_of_a_command_names_what_it_made_so_that_it_can_be_executed_again(trained: World) -> None:
    workspace = Workspace(trained.root, trained.config_dir)
    with open_instance(workspace.dagster_home) as instance:
        runs = instance.get_runs()
    assert {run.job_name for run in runs if not run.asset_selection} == {"report"}
    selected = {key.to_user_string() for run in runs for key in run.asset_selection or ()}
    assert {"panel", "feature_selections", "master_training_plan", "symbol_models"} <= selected
