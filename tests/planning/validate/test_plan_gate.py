"""Training is refused under a plan that cannot be trusted, with a message that says what moved."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as with_fields
from plan_makers import SETTINGS, job, master_bytes, plan
from routing_makers import STAMP, candidates, described, grid, inputs_of, panel_of, policy, routed

from foxml_assets.core.errors import (
    PlanCorruptError,
    PlanInconsistentError,
    PlanMissingError,
    PlanStaleError,
)
from foxml_assets.core.vocabulary import OnMissingPlan, OnStalePlan, Route, TaskType
from foxml_assets.panel.panel_info import TargetSpec
from foxml_assets.planning.jobs.builder import assemble_plan, build_plan
from foxml_assets.planning.jobs.fallback import build_fallback_plan
from foxml_assets.planning.plan.data_hashes import DataHashes
from foxml_assets.planning.plan.master_plan import ABSENT, Job, MasterPlan, TrainingHashes
from foxml_assets.planning.plan.specs import with_spec_hashes
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.planning.validate.plan_checks import Basis, read_basis
from foxml_assets.planning.validate.plan_gate import require_current_plan
from foxml_assets.planning.validate.staleness import CurrentInputs, stale_inputs
from foxml_assets.routing.candidates.candidates_file import write_candidates
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.storage.layout import Layout

ROUTING = routed(grid())
STATES = ("strong", "weak", "experimental", "none")
DATA = {f"y_{state}": {other.upper(): f"{state} {other}" for other in STATES} for state in STATES}
KNOWN = panel_of([f"y_{state}" for state in STATES], [state.upper() for state in STATES])
PANEL = described(
    ("momentum",),
    (
        TargetSpec("y", TaskType.CLASSIFICATION, 5, 7200.0),
        TargetSpec("z", TaskType.REGRESSION, 1, 1440.0),
    ),
    ("A", "B"),
)
FAMILIES = ("lightgbm", "xgboost", "ridge")


def fallback() -> MasterPlan:
    return build_fallback_plan(PANEL, families=FAMILIES, training_hashes=SETTINGS, stamp=STAMP)


def sound() -> MasterPlan:
    """A plan that agrees with ROUTING and KNOWN."""
    return build_plan(
        ROUTING, policy(), data_hashes=DATA, training_hashes=SETTINGS, parent_plan_hash=None, stamp=STAMP
    )


def moved(target: str, *symbols: str) -> DataHashes:
    """The data when that of `symbols` has changed."""
    return {**DATA, target: DATA[target] | dict.fromkeys(symbols, "a" * 64)}


FRESH = inputs_of(sound(), DATA)


def required(
    layout: Layout,
    current: CurrentInputs = FRESH,
    on_stale: OnStalePlan = OnStalePlan.REFUSE,
    on_missing: OnMissingPlan = OnMissingPlan.TRAIN_ALL,
) -> tuple[MasterPlan, list[str]]:
    warnings: list[str] = []
    found = require_current_plan(
        layout,
        Basis(ROUTING, policy(), KNOWN, current),
        on_stale=on_stale,
        on_missing=on_missing,
        fallback=fallback,
        warn=warnings.append,
    )
    return found, warnings


def test_a_fresh_plan_passes_without_a_word(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(sound(), layout, history=1)
    assert required(layout) == (sound(), [])


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


@pytest.mark.parametrize("on_stale", OnStalePlan)
@pytest.mark.parametrize("on_missing", OnMissingPlan)
def test_a_corrupt_plan_is_refused_under_every_setting(
    tmp_path: Path, on_stale: OnStalePlan, on_missing: OnMissingPlan
) -> None:
    layout = Layout(tmp_path)
    write_plan(sound(), layout, history=1)
    layout.master_plan.write_bytes(layout.master_plan.read_bytes()[:-100])
    with pytest.raises(PlanCorruptError):
        required(layout, on_stale=on_stale, on_missing=on_missing)


def test_a_switch_that_a_kill_interrupted_is_not_taken_for_no_plan(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(sound(), layout, history=1)
    layout.training_plan_dir.rename(layout.metrics / ".training_plan.retired")
    with pytest.raises(PlanCorruptError, match="interrupted"):
        required(layout)
    assert not write_plan(sound(), layout, history=1).changed
    assert required(layout)[0] == sound()


def test_an_edited_plan_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(sound(), layout, history=1)
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


def with_parameters(family: str) -> TrainingHashes:
    return TrainingHashes(SETTINGS.settings, {**SETTINGS.families, family: "a" * 64})


def test_parameters_of_a_family_that_is_not_planned_are_free(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(sound(), layout, history=1)
    required(layout, replace(FRESH, training_hashes=with_parameters("ridge")))


@pytest.mark.parametrize(
    ("current", "name"),
    [
        (replace(FRESH, routing_plan_hash="a" * 64), "routing plan"),
        (replace(FRESH, candidates_hash="a" * 64), "routing candidates"),
        (replace(FRESH, config_hash="a" * 64), "routing policy"),
        (replace(FRESH, training_hashes=TrainingHashes("a" * 64, SETTINGS.families)), "training settings"),
        (replace(FRESH, training_hashes=with_parameters("xgboost")), "parameters of xgboost"),
        (
            replace(FRESH, data_hashes=moved("y_experimental", *(state.upper() for state in STATES))),
            "data of y_experimental on EXPERIMENTAL, STRONG, WEAK",
        ),
        (
            replace(FRESH, data_hashes=moved("y_none", "STRONG")),
            "data of y_none on STRONG",
        ),
    ],
)
def test_a_stale_plan_is_refused_with_what_moved_from_what_to_what(
    tmp_path: Path, current: CurrentInputs, name: str
) -> None:
    layout = Layout(tmp_path)
    write_plan(sound(), layout, history=1)
    with pytest.raises(PlanStaleError) as caught:
        required(layout, current)
    assert [problem.field for problem in caught.value.problems] == [name]
    assert "now aaaaaaaaaaaa" in str(caught.value)
    assert "foxml run --until plan" in str(caught.value)
    found, warnings = required(layout, current, on_stale=OnStalePlan.WARN)
    assert found == sound()
    assert warnings == [str(caught.value)]


def test_an_input_that_is_gone_counts_as_moved_and_one_not_given_does_not() -> None:
    gone = stale_inputs(sound(), replace(FRESH, routing_plan_hash=ABSENT, data_hashes={}))
    assert [(item.name, item.current) for item in gone] == [
        ("routing plan", ABSENT),
        ("data of y_experimental on EXPERIMENTAL, STRONG, WEAK", ABSENT),
        ("data of y_none on EXPERIMENTAL, STRONG, WEAK", ABSENT),
        ("data of y_strong", ABSENT),
        ("data of y_weak", ABSENT),
    ]
    assert stale_inputs(sound(), CurrentInputs()) == ()


def test_what_a_plan_must_agree_with_is_read_from_disk_and_matches_a_new_plan(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    absent = read_basis(layout, policy(), None, SETTINGS)
    assert (absent.current.routing_plan_hash, absent.current.candidates_hash) == (ABSENT, ABSENT)
    write_candidates(candidates(grid()), layout.routing_candidates)
    write_routing_plan(ROUTING, layout)
    found = read_basis(layout, policy(), None, SETTINGS).current
    assert stale_inputs(sound(), replace(found, data_hashes=DATA)) == ()
    other = read_basis(layout, policy(priority={"experimental": 31}), None, SETTINGS).current
    assert [item.name for item in stale_inputs(sound(), replace(other, data_hashes=DATA))] == [
        "routing policy"
    ]


def forged(**changes: object) -> MasterPlan:
    """The sound plan with its first job of a symbol changed, and every hash of it computed anew."""
    master = sound()
    (at, *_) = [at for at, one in enumerate(master.jobs) if one.symbol is not None]
    jobs = list(master.jobs)
    jobs[at] = with_fields(jobs[at], **changes)
    return rehashed(jobs)


def rehashed(jobs: list[Job]) -> MasterPlan:
    summary, metadata = sound().summary, sound().metadata
    hashed = with_spec_hashes(jobs, metadata.training_hashes)
    return assemble_plan(hashed, metadata, total_blocked=summary.total_blocked, symbols=summary.symbols)


@pytest.mark.parametrize(
    ("master", "says"),
    [
        (forged(features=("y_strong",)), "y_strong"),
        (forged(features=("momentum", "momentum")), "other features"),
        (forged(features=()), "other features"),
        (forged(features=None), "other features"),
        (forged(model_families=("xgboost",)), "must train lightgbm, xgboost"),
        (forged(model_families=()), "must train"),
        (forged(model_families=("lightgbm", "lightgbm")), "famil"),
        (forged(task_type=TaskType.REGRESSION), "task type"),
        (forged(priority=99), "must have the priority"),
        (forged(route=Route.EXPERIMENTAL_ONLY), "the routing plan says"),
        (
            forged(symbol="NOBODY", job_id="sym_NOBODY_y_experimental", data_hash=ABSENT),
            "symbol: is not in the panel",
        ),
        (rehashed(list(sound().jobs[1:])), "without a pooled job"),
    ],
)
def test_a_forged_plan_is_refused_though_every_hash_of_it_is_right(
    tmp_path: Path, master: MasterPlan, says: str
) -> None:
    layout = Layout(tmp_path)
    write_plan(master, layout, history=1)
    for on_stale in OnStalePlan:
        with pytest.raises(PlanInconsistentError, match=says):
            required(layout, on_stale=on_stale)


def test_a_forged_target_has_no_data_that_it_could_be_trained_on(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(forged(target="y_other", job_id="sym_STRONG_y_other"), layout, history=1)
    with pytest.raises(PlanStaleError, match="data of y_other"):
        required(layout)
    with pytest.raises(PlanInconsistentError, match="target: is not in the panel"):
        required(layout, on_stale=OnStalePlan.WARN)
