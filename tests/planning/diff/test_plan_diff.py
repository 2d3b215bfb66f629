"""A diff finds every difference and says what caused it."""

import json

from plan_makers import SETTINGS, example_plan
from routing_makers import STAMP, grid, policy, routed, row

from foxml_assets.planning.diff.change_causes import Cause
from foxml_assets.planning.diff.changes import PlanDiff, diff_plans
from foxml_assets.planning.diff.changes_report import diff_headline, diff_json, diff_markdown, diff_rows
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.master_plan import MasterPlan, TrainingHashes
from foxml_assets.routing.policy.routing_config import RoutingPolicy

Rows = list[dict[str, object]]


def made(
    rows: Rows, with_policy: RoutingPolicy | None = None, training: TrainingHashes = SETTINGS, data: str = "d"
) -> MasterPlan:
    chosen = with_policy or policy()
    return build_plan(
        routed(rows, chosen),
        chosen,
        data_hashes=dict.fromkeys((str(one["target"]) for one in rows), dict.fromkeys("AB", data)),
        training_hashes=training,
        parent_plan_hash=None,
        stamp=STAMP,
    )


def causes(diff: PlanDiff) -> set[Cause]:
    return {cause for entry in (*diff.added, *diff.removed, *diff.changed) for cause in entry.causes}


def test_equal_plans_have_no_difference() -> None:
    diff = diff_plans(example_plan(), example_plan(run_id="other", git_commit=None))
    assert not diff.has_changes
    assert diff.exit_code == 0
    assert diff_rows(diff) == []
    assert "No change" in diff_headline(diff)


def test_the_first_plan_is_all_new() -> None:
    diff = diff_plans(None, example_plan())
    assert len(diff.added) == 6
    assert diff.exit_code == 2
    assert causes(diff) == {Cause.FIRST_PLAN}
    assert diff.old_plan_hash is None


def test_moved_evidence_is_the_cause_of_routes_and_scores_that_change() -> None:
    rows = [row("y", None, "strong"), row("y", "A", "strong"), row("y", "B", "none")]
    later = [row("y", None, "strong", score=0.66), row("y", "A", "none"), row("y", "B", "strong")]
    diff = diff_plans(made(rows), made(later))
    assert [entry.symbol for entry in diff.added] == ["B"]
    assert [entry.symbol for entry in diff.removed] == ["A"]
    assert [(change.job_id, change.retrains) for change in diff.changed] == [("cs_y", False)]
    assert {item.field for item in diff.changed[0].fields} == {"metadata.score", "metadata.gate"}
    assert causes(diff) == {Cause.EVIDENCE}


def test_a_changed_policy_is_the_cause_of_what_it_decides() -> None:
    chosen = policy(
        both_strong_behavior="PREFER_CS",
        families=[
            {"when": {"training_type": ["cross_sectional"]}, "use": ["xgboost"]},
            {"use": ["lightgbm"]},
        ],
    )
    rows = [row("y", None, "strong"), row("y", "A", "strong")]
    diff = diff_plans(made(rows), made(rows, chosen))
    assert [entry.symbol for entry in diff.removed] == ["A"]
    assert [(item.field, item.old, item.new) for item in diff.changed[0].fields] == [
        ("model_families", ("lightgbm", "xgboost"), ("xgboost",))
    ]
    assert diff.changed[0].retrains
    assert causes(diff) == {Cause.POLICY}
    assert [item.name for item in diff.inputs] == ["config_hash"]


def test_a_policy_change_that_moves_only_priorities_retrains_nothing() -> None:
    diff = diff_plans(made(grid()), made(grid(), policy(priority={"experimental": 31})))
    assert diff.changed
    assert not any(change.retrains for change in diff.changed)


def test_changed_data_is_the_cause_of_retraining() -> None:
    rows = [row("y", None, "strong"), row("y", "A", "strong")]
    diff = diff_plans(made(rows), made(rows, data="e"))
    assert all(change.retrains and change.causes == (Cause.DATA,) for change in diff.changed)
    assert len(diff.changed) == 2
    assert "data of y" in diff_markdown(diff)


def test_a_symbol_left_out_of_the_pooled_model_is_no_change_of_data() -> None:
    """Its job learns from other rows, and so its hash of data is another."""
    rows = [row("y", None, "strong"), row("y", "A", "none"), row("y", "B", "none")]
    leaks = row("y", "B", "none", leakage_status="BLOCKED", leakage_reason="copies the label")
    diff = diff_plans(made(rows), made([*rows[:2], leaks]))
    (change,) = diff.changed
    assert {"data_hash", "excluded_symbols"} <= {item.field for item in change.fields}
    assert change.causes == (Cause.EVIDENCE,)
    assert [item.name for item in diff.inputs] == ["candidates_hash"]


def test_changed_training_settings_retrain_every_job() -> None:
    diff = diff_plans(made(grid()), made(grid(), training=TrainingHashes("5" * 64, SETTINGS.families)))
    assert len(diff.changed) == len(made(grid()).jobs)
    assert causes(diff) == {Cause.TRAINING}
    assert all(change.retrains and not change.fields for change in diff.changed)


def test_changed_parameters_of_a_family_retrain_the_jobs_that_name_it() -> None:
    rows = [row("y", None, "strong"), row("y", "A", "strong")]
    pooled = {"when": {"training_type": ["cross_sectional"]}, "use": ["lightgbm"]}
    chosen = policy(families=[pooled, {"use": ["xgboost"]}])
    other = TrainingHashes(SETTINGS.settings, {**SETTINGS.families, "xgboost": "6" * 64})
    diff = diff_plans(made(rows, chosen), made(rows, chosen, training=other))
    assert [(change.job_id, change.causes, change.retrains) for change in diff.changed] == [
        ("sym_A_y", (Cause.TRAINING,), True)
    ]
    assert [item.name for item in diff.inputs] == ["training_hashes.families.xgboost"]
    # A family that no job names is none of the plan's inputs.
    unused = TrainingHashes(SETTINGS.settings, {**SETTINGS.families, "ridge": "6" * 64})
    assert made(rows, chosen, training=unused).metadata == made(rows, chosen).metadata


def test_a_change_without_a_moved_input_comes_from_code() -> None:
    old, new = example_plan(), example_plan(git_commit="fffffff")
    reordered = MasterPlan(new.metadata, tuple(job for job in new.jobs if job.symbol != "MSFT"), new.summary)
    diff = diff_plans(old, reordered)
    assert causes(diff) == {Cause.CODE}
    assert [(item.name, item.new) for item in diff.inputs] == [("git_commit", "fffffff")]


def test_if_evidence_and_policy_moved_a_decision_has_both_causes_and_a_score_one() -> None:
    rows = [row("y", None, "strong"), row("y", "A", "strong"), row("z", None, "strong")]
    later = [*rows[:2], row("z", None, "strong", sample_size=90_000)]
    diff = diff_plans(made(rows), made(later, policy(both_strong_behavior="PREFER_CS")))
    assert diff.removed[0].causes == (Cause.EVIDENCE, Cause.POLICY)
    assert {change.job_id: change.causes for change in diff.changed} == {"cs_z": (Cause.EVIDENCE,)}


def test_a_diff_reads_as_rows_markdown_and_json() -> None:
    rows = [row("y", None, "strong"), row("y", "A*`x`", "strong")]
    diff = diff_plans(made(rows), made(rows[:1]))
    assert [one[:2] for one in diff_rows(diff)] == [("removed", "sym_A*`x`_y")]
    assert "sym_A\\*\\`x\\`\\_y" in diff_markdown(diff)
    assert diff_json(diff) == diff_json(diff_plans(made(rows), made(rows[:1])))
    assert json.loads(diff_json(diff))["removed"][0]["causes"] == ["evidence moved"]
