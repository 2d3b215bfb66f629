"""Each kind of contradiction is found, in both directions, by the check it belongs to."""

import dataclasses
import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from plan_makers import SETTINGS, example_plan, job, plan
from routing_makers import STAMP, grid, inputs_of, panel_of, policy, routed, row

from foxml_assets.core.vocabulary import Route, TaskType, TrainingType
from foxml_assets.planning.jobs.builder import assemble_plan, build_plan
from foxml_assets.planning.plan.master_plan import ExcludedSymbol, Job, MasterPlan, SymbolUse
from foxml_assets.planning.plan.specs import spec_hash, spec_hashes
from foxml_assets.planning.plan.structure import structure_problems
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.planning.validate.family_check import family_problems
from foxml_assets.planning.validate.job_columns import place_jobs
from foxml_assets.planning.validate.plan_checks import Basis, PlanCheck, hash_problems, panel_problems
from foxml_assets.planning.validate.routing_check import routing_problems
from foxml_assets.planning.validate.staleness import CurrentInputs
from foxml_assets.planning.validate.validation import Validation, validate_plan
from foxml_assets.storage.layout import Layout

LEAKY = row("y_strong", "GME", "strong", leakage_status="BLOCKED", leakage_reason="copies the label")
ROUTING = routed([*grid(), LEAKY])


def sound() -> MasterPlan:
    return build_plan(
        ROUTING, policy(), data_hashes={}, training_hashes=SETTINGS, parent_plan_hash=None, stamp=STAMP
    )


def with_jobs(*jobs: Job, without: str = "") -> MasterPlan:
    """The sound plan with `jobs` in the place of those of the same id, and one left out."""
    by_id = {one.job_id: one for one in sound().jobs} | {one.job_id: one for one in jobs}
    by_id.pop(without, None)
    summary = sound().summary
    return assemble_plan(
        by_id.values(), sound().metadata, total_blocked=summary.total_blocked, symbols=summary.symbols
    )


PANEL = panel_of(
    [f"y_{state}" for state in ("strong", "weak", "experimental", "none")],
    ["STRONG", "WEAK", "EXPERIMENTAL", "NONE", "GME"],
)


def checked(master: MasterPlan, layout: Layout, **changes: object) -> Validation:
    basis = Basis(ROUTING, policy(), PANEL, inputs_of(sound()))
    return validate_plan(master, layout, dataclasses.replace(basis, **changes))  # type: ignore[arg-type]


def test_a_sound_plan_passes_every_check(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    master = write_plan(sound(), layout, history=1).plan
    validation = checked(master, layout)
    assert validation.passed
    assert [result.check for result in validation.results] == list(PlanCheck)


@pytest.mark.parametrize(
    ("changes", "check", "says"),
    [
        ({"panel": None}, PlanCheck.NAMES, "foxml run --until evidence"),
        ({"current": CurrentInputs()}, PlanCheck.FRESHNESS, "candidates_hash: is not known"),
    ],
)
def test_a_check_that_cannot_be_made_has_failed_and_says_why(
    tmp_path: Path, changes: dict[str, object], check: PlanCheck, says: str
) -> None:
    layout = Layout(tmp_path)
    validation = checked(write_plan(sound(), layout, history=1).plan, layout, **changes)
    assert [result.check for result in validation.results] == list(PlanCheck)
    (failed,) = [result for result in validation.results if not result.passed]
    assert failed.check is check
    assert says in " ".join(map(str, failed.problems))


def test_without_a_routing_plan_neither_jobs_nor_families_can_be_checked(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    validation = checked(write_plan(sound(), layout, history=1).plan, layout, routing=None)
    failed = [result for result in validation.results if not result.passed]
    assert [result.check for result in failed] == [PlanCheck.ROUTING, PlanCheck.FAMILIES]
    assert all("foxml run --until routing" in str(result.problems[0]) for result in failed)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (with_jobs(without="cs_y_strong"), "has no pooled job"),
        (with_jobs(without="sym_STRONG_y_strong"), "is routed ROUTE_BOTH but has no job"),
        (with_jobs(job("y_none", "NONE")), "the routing plan says ROUTE_BLOCKED"),
        (with_jobs(job("y_strong", "GME")), "leakage blocks"),
        (with_jobs(job("y_none")), "no pair of its target is served"),
        (with_jobs(job("y_new", "STRONG")), "pair that the routing plan does not know"),
        (with_jobs(job("y_new")), "target that the routing plan does not know"),
        (
            with_jobs(job("y_strong", "STRONG", route=Route.SYMBOL_SPECIFIC)),
            "the routing plan says ROUTE_BOTH",
        ),
        (with_jobs(job("y_strong", excluded_symbols=())), "excludes other symbols"),
        (
            with_jobs(
                job("y_strong", excluded_symbols=(ExcludedSymbol("WEAK", ""), ExcludedSymbol("GME", "")))
            ),
            "excludes other symbols",
        ),
        (with_jobs(job("y_strong", "STRONG", route=Route.BOTH, features=("leak",))), "other features"),
    ],
)
def test_a_plan_that_the_routing_plan_did_not_ask_for(changed: MasterPlan, says: str) -> None:
    assert list(routing_problems(place_jobs(sound(), ROUTING))) == []
    problems = list(routing_problems(place_jobs(changed, ROUTING)))
    # Without its pooled job, or with one too many, the symbols' uses are wrong as well.
    of_jobs = [problem for problem in problems if "summary.symbols" not in problem.field]
    assert len({problem.field for problem in of_jobs}) == 1
    assert says in str(of_jobs[0])


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (SymbolUse((), ("y_strong",), {}), "is used otherwise than the routing plan says"),
        (SymbolUse(("y_none",), (), {}), "names a target without a pooled job"),
    ],
)
def test_a_symbol_that_is_used_otherwise_than_it_is_routed_is_named(use: SymbolUse, says: str) -> None:
    master = sound()
    summary = replace(master.summary, symbols=master.summary.symbols | {"STRONG": use})
    changed = MasterPlan(master.metadata, master.jobs, summary)
    problems = [*structure_problems(changed), *routing_problems(place_jobs(changed, ROUTING))]
    assert says in " ".join(map(str, problems))
    assert {problem.field for problem in problems} == {"$.summary.symbols['STRONG']"}


def test_a_plan_of_another_routing_plan_names_both_hashes() -> None:
    other = routed(grid())
    problems = list(routing_problems(place_jobs(sound(), other)))
    assert problems[0].field == "$.metadata.routing_plan_hash"
    assert ROUTING.metadata.routing_plan_hash in str(problems[0])
    assert other.metadata.routing_plan_hash in str(problems[0])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (plan([job("y"), job("y", job_id="other")]), "$.jobs"),
        (plan([job("y"), job("z", job_id="cs_y")]), "$.jobs"),
        (plan([job("y", route=Route.BOTH)]), "$.jobs[0]"),
        (plan([job("y", "A", route=Route.CROSS_SECTIONAL)]), "$.jobs[0]"),
        (plan([job("y", "A", route=Route.BLOCKED)]), "$.jobs[0]"),
        (plan([job("y", "A", training_type=TrainingType.CROSS_SECTIONAL)]), "$.jobs[0]"),
        (plan([job("y", "A", excluded_symbols=(ExcludedSymbol("B", ""),))]), "$.jobs[0]"),
        (plan([job("y", model_families=("lightgbm",) * 2)]), "$.jobs[0]"),
        (
            plan([job("y")], training_hashes=SETTINGS.only(["lightgbm"])),
            "$.metadata.training_hashes.families",
        ),
    ],
)
def test_a_plan_that_contradicts_itself(changed: MasterPlan, field: str) -> None:
    assert [problem.field for problem in structure_problems(changed)] == [field]


@pytest.mark.parametrize(
    "field", ["by_route", "by_type", "by_priority", "total_cs_jobs", "total_symbol_jobs"]
)
def test_a_summary_that_does_not_count_the_jobs(field: str) -> None:
    master = example_plan()
    wrong = {} if field.startswith("by_") else 99
    summary = replace(master.summary, **{field: wrong})
    found = list(structure_problems(MasterPlan(master.metadata, master.jobs, summary)))
    assert [problem.field for problem in found] == [f"$.summary.{field}"]


def test_jobs_out_of_order_and_a_wrong_total() -> None:
    master = example_plan()
    shuffled = MasterPlan(
        replace(master.metadata, total_jobs=5), tuple(reversed(master.jobs)), master.summary
    )
    assert [problem.field for problem in structure_problems(shuffled)] == ["$.metadata.total_jobs", "$.jobs"]


def test_every_spec_hash_is_computed_again() -> None:
    master = example_plan()
    forged = (replace(master.jobs[0], spec_hash="0" * 64), *master.jobs[1:])
    fields = [problem.field for problem in hash_problems(MasterPlan(master.metadata, forged, master.summary))]
    assert fields == ["$.jobs[0].spec_hash"]


def test_unknown_targets_and_symbols_are_named() -> None:
    found = list(panel_problems(example_plan(), panel_of(["fwd_ret_5d"], ["AAPL", "MSFT"])))
    assert [(problem.field, problem.value) for problem in found] == [
        ("target", "y_will_swing_low_10m_0.20"),
        ("symbol", "BTC/USD"),
        ("symbol", "GME"),
        *((one.job_id, "regression") for one in example_plan().jobs if one.task_type is TaskType.REGRESSION),
    ]


def test_a_family_that_no_rule_assigns_is_named() -> None:
    only_lightgbm = policy(families=[{"use": ["lightgbm"]}])
    fields = [problem.field for problem in family_problems(place_jobs(sound(), ROUTING), only_lightgbm)]
    others = [one.job_id for one in sound().jobs if one.model_families != ("lightgbm",)]
    assert fields == ["$.metadata.model_families", *others]
    assert list(family_problems(place_jobs(sound(), ROUTING), policy())) == []


@pytest.mark.parametrize("name", ["training_plan.yaml", "by_type/cross_sectional.json", "training_plan.md"])
def test_a_mirror_or_view_that_differs_is_named(tmp_path: Path, name: str) -> None:
    layout = Layout(tmp_path)
    master = write_plan(sound(), layout, history=1).plan
    path = layout.training_plan_dir / name
    path.write_bytes(path.read_bytes() + b" ")
    (layout.training_plan_dir / "by_symbol" / "ORPHAN.json").write_bytes(b"{}")
    validation = checked(master, layout)
    failed = [result for result in validation.results if not result.passed]
    assert [result.check for result in failed] == [PlanCheck.FILES]
    assert {problem.field for problem in failed[0].problems} == {name, "by_symbol/ORPHAN.json"}


def test_a_validation_reads_as_table_markdown_and_json(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    master = write_plan(with_jobs(without="sym_STRONG_y_strong"), layout, history=1).plan
    validation = checked(master, layout)
    assert not validation.passed
    assert ("agreement with the routing plan", "1 problem(s)") in [row[:2] for row in validation.rows()]
    assert "has no job" in validation.markdown()
    document = json.loads(validation.json())
    assert document["passed"] is False
    assert {result["check"] for result in document["results"] if not result["passed"]} == {
        PlanCheck.ROUTING.value
    }


def test_the_spec_hashes_of_a_plan_are_those_of_its_jobs() -> None:
    odd = ['"symbol":null', 'a"b\\', "", "ü/é", None]
    jobs = [
        replace(one, symbol=symbol, target=target, excluded_symbols=excluded)
        for one in example_plan().jobs[:3]
        for symbol in odd
        for target in ("y", '"symbol":null')
        for excluded in ((), (ExcludedSymbol("B", "leaks"), ExcludedSymbol('"symbol":null,', "too")))
    ]
    hashes = list(spec_hashes(jobs, SETTINGS))
    assert hashes == [spec_hash(one, SETTINGS) for one in jobs]
    assert len(set(hashes)) > len(odd) * 4
