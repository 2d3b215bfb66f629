"""Training is refused under a plan that cannot be trusted, with a message that says what moved."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from plan_makers import example_plan, job, master_bytes, plan
from routing_makers import STAMP, candidates, grid, policy

from foxml_assets.errors import (
    PlanCorruptError,
    PlanInconsistentError,
    PlanMissingError,
    PlanStaleError,
)
from foxml_assets.layout import Layout
from foxml_assets.planning.builder import build_plan
from foxml_assets.planning.fallback import build_fallback_plan
from foxml_assets.planning.gate import require_current_plan
from foxml_assets.planning.plan import ABSENT, MasterPlan
from foxml_assets.planning.staleness import CurrentInputs, read_current_inputs, stale_inputs
from foxml_assets.planning.writer import write_plan
from foxml_assets.routing.candidates_file import write_candidates
from foxml_assets.routing.plan_files import write_routing_plan
from foxml_assets.routing.router import route
from foxml_assets.selection.panel_info import PanelInfo, TargetSpec
from foxml_assets.vocabulary import OnMissingPlan, OnStalePlan, Route, TaskType

FRESH = CurrentInputs(routing_plan_hash="1" * 64, candidates_hash="2" * 64, config_hash="3" * 64)
PANEL = PanelInfo(
    time_column="time",
    symbol_column="symbol",
    features=("momentum",),
    targets=(
        TargetSpec("y", TaskType.CLASSIFICATION, 5, 7200.0),
        TargetSpec("z", TaskType.REGRESSION, 1, 1440.0),
    ),
    symbols=("A", "B"),
    n_rows=10,
    start="2020-01-01",
    end="2020-01-10",
    column_hashes={name: name for name in ("time", "symbol", "momentum", "y", "z")},
)
FAMILIES = ("lightgbm", "xgboost", "ridge")


def fallback() -> MasterPlan:
    return build_fallback_plan(PANEL, families=FAMILIES, training_hash="4" * 64, stamp=STAMP)


def required(
    layout: Layout,
    current: CurrentInputs = FRESH,
    on_stale: OnStalePlan = OnStalePlan.REFUSE,
    on_missing: OnMissingPlan = OnMissingPlan.TRAIN_ALL,
) -> tuple[MasterPlan, list[str]]:
    warnings: list[str] = []
    found = require_current_plan(
        layout, current, on_stale=on_stale, on_missing=on_missing, fallback=fallback, warn=warnings.append
    )
    return found, warnings


def test_a_fresh_plan_passes_without_a_word(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=1)
    assert required(layout) == (example_plan(), [])


def test_without_a_plan_every_target_is_trained_pooled_and_a_warning_says_so(tmp_path: Path) -> None:
    found, warnings = required(Layout(tmp_path))
    assert [(one.target, one.symbol, one.route) for one in found.jobs] == [
        ("y", None, Route.CROSS_SECTIONAL),
        ("z", None, Route.CROSS_SECTIONAL),
    ]
    assert all(one.model_families == FAMILIES and one.features is None for one in found.jobs)
    assert [one.task_type for one in found.jobs] == [TaskType.CLASSIFICATION, TaskType.REGRESSION]
    assert "train_all" in warnings[0]
    assert not list(tmp_path.iterdir())


def test_without_a_plan_training_is_refused_if_so_configured(tmp_path: Path) -> None:
    with pytest.raises(PlanMissingError):
        required(Layout(tmp_path), on_missing=OnMissingPlan.REFUSE)


def test_a_plan_without_jobs_is_a_plan(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(plan([]), layout, history=1)
    found, warnings = required(layout)
    assert found.jobs == ()
    assert warnings == []


@pytest.mark.parametrize("on_stale", OnStalePlan)
@pytest.mark.parametrize("on_missing", OnMissingPlan)
def test_a_corrupt_plan_is_refused_under_every_setting(
    tmp_path: Path, on_stale: OnStalePlan, on_missing: OnMissingPlan
) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=1)
    layout.master_plan.write_bytes(layout.master_plan.read_bytes()[:-100])
    with pytest.raises(PlanCorruptError):
        required(layout, on_stale=on_stale, on_missing=on_missing)


def test_a_switch_that_a_kill_interrupted_is_not_taken_for_no_plan(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=1)
    layout.training_plan_dir.rename(layout.metrics / ".training_plan.retired")
    with pytest.raises(PlanCorruptError, match="interrupted"):
        required(layout)
    assert not write_plan(example_plan(), layout, history=1).changed
    assert required(layout)[0] == example_plan()


def test_an_edited_plan_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=1)
    edited = json.loads(layout.master_plan.read_bytes())
    edited["jobs"][0]["model_families"] = ["xgboost"]
    layout.master_plan.write_text(json.dumps(edited))
    with pytest.raises(PlanInconsistentError, match="plan_hash"):
        required(layout)


def test_a_plan_that_contradicts_itself_is_refused_though_its_hash_is_right(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    twice = job("y", "A", job_id="same"), job("y", "B", job_id="same")
    layout.training_plan_dir.mkdir(parents=True)
    layout.master_plan.write_bytes(master_bytes(plan(twice)))
    with pytest.raises(PlanInconsistentError, match="2 jobs have the same job_id"):
        required(layout)


@pytest.mark.parametrize(
    ("current", "name"),
    [
        (replace(FRESH, routing_plan_hash="a" * 64), "routing plan"),
        (replace(FRESH, candidates_hash="a" * 64), "routing candidates"),
        (replace(FRESH, config_hash="a" * 64), "routing policy"),
        (replace(FRESH, training_hash="a" * 64), "training settings"),
        (
            replace(FRESH, data_hashes={"fwd_ret_5d": "a" * 64, "y_will_swing_low_10m_0.20": "d" * 64}),
            "data of fwd_ret_5d",
        ),
    ],
)
def test_a_stale_plan_is_refused_with_what_moved_from_what_to_what(
    tmp_path: Path, current: CurrentInputs, name: str
) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=1)
    with pytest.raises(PlanStaleError) as caught:
        required(layout, current)
    assert [problem.field for problem in caught.value.problems] == [name]
    assert "now aaaaaaaaaaaa" in str(caught.value)
    assert "foxml run --until plan" in str(caught.value)
    found, warnings = required(layout, current, on_stale=OnStalePlan.WARN)
    assert found == example_plan()
    assert warnings == [str(caught.value)]


def test_an_input_that_is_gone_counts_as_moved_and_one_not_given_does_not() -> None:
    gone = stale_inputs(example_plan(), replace(FRESH, routing_plan_hash=ABSENT, data_hashes={}))
    assert [(item.name, item.current) for item in gone] == [
        ("routing plan", ABSENT),
        ("data of fwd_ret_5d", ABSENT),
        ("data of y_will_swing_low_10m_0.20", ABSENT),
    ]
    assert stale_inputs(example_plan(), CurrentInputs()) == ()


def test_current_inputs_are_read_from_disk_and_match_a_new_plan(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    absent = read_current_inputs(layout, policy())
    assert (absent.routing_plan_hash, absent.candidates_hash) == (ABSENT, ABSENT)
    table = candidates(grid())
    routing = route(table, policy(), stamp=STAMP)
    write_candidates(table, layout.routing_candidates)
    write_routing_plan(routing, layout)
    made = build_plan(
        routing, policy(), data_hashes={}, training_hash="4" * 64, parent_plan_hash=None, stamp=STAMP
    )
    assert stale_inputs(made, read_current_inputs(layout, policy(), training_hash="4" * 64)) == ()
    other = policy(priority={"experimental": 31})
    assert [item.name for item in stale_inputs(made, read_current_inputs(layout, other))] == [
        "routing policy"
    ]
