"""Every routed pair becomes exactly the job it should, and nothing else does."""

import random
from dataclasses import replace

import pandas as pd
import pytest
from plan_makers import SETTINGS
from routing_makers import built, candidates, grid, job_of, policy, routed, row

from foxml_assets.core.errors import RoutingPlanError, UnsafeNameError
from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import Route, SignalState, TrainingType
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import get_cs_jobs, get_job
from foxml_assets.planning.plan.encoding import encode
from foxml_assets.planning.plan.master_plan import ABSENT, Job, MasterPlan, SymbolUse, TrainingHashes
from foxml_assets.planning.plan.specs import spec_hash
from foxml_assets.planning.plan.structure import structure_problems
from foxml_assets.planning.validate.job_columns import place_jobs
from foxml_assets.planning.validate.routing_check import routing_problems
from foxml_assets.routing.decide.router import route

LGB, XGB, RIDGE = "lightgbm", "xgboost", "ridge"


def test_each_route_makes_the_jobs_of_the_specification() -> None:
    routing = routed(grid())
    plan = built(routing)
    symbol_jobs = {(job.target, job.symbol): job.route for job in plan.jobs if job.symbol is not None}
    pairs = routing.pairs
    decided = dict(zip(zip(pairs["target"], pairs["symbol"], strict=True), pairs["route"], strict=True))
    own = {Route.SYMBOL_SPECIFIC, Route.BOTH, Route.EXPERIMENTAL_ONLY}
    assert symbol_jobs == {pair: decision for pair, decision in decided.items() if decision in own}
    pooled = {Route.CROSS_SECTIONAL, Route.BOTH}
    assert {job.target for job in get_cs_jobs(plan)} == {t for (t, _), r in decided.items() if r in pooled}
    assert plan.summary.total_blocked == sum(decision == Route.BLOCKED for decision in decided.values())
    assert list(structure_problems(plan)) == []
    assert list(routing_problems(place_jobs(plan, routing))) == []


def test_every_symbol_says_which_pooled_models_serve_it_or_learn_from_its_rows() -> None:
    leak = row("y_strong", "GME", "strong", leakage_status="BLOCKED", leakage_reason="copies the label")
    lonely = row("y_none", "IDLE", "none")
    symbols = built(routed([*grid(), leak, lonely])).summary.symbols
    assert symbols["STRONG"] == SymbolUse(("y_strong",), ("y_weak",), {})
    assert symbols["WEAK"].served_by == ("y_strong", "y_weak")
    assert symbols["GME"] == SymbolUse((), (), {"symbol_leakage": 1})
    assert (symbols["IDLE"].served_by, symbols["IDLE"].rows_in) == ((), ())
    assert sum(symbols["IDLE"].blocked.values()) == 1


def test_a_pooled_job_has_the_cross_sectional_route_whatever_its_pairs_have() -> None:
    plan = built(routed([row("y", None, "strong"), row("y", "A", "strong")]))
    pooled, own = job_of(plan, "y"), job_of(plan, "y", "A")
    assert (pooled.route, pooled.training_type) == (Route.CROSS_SECTIONAL, TrainingType.CROSS_SECTIONAL)
    assert (own.route, own.training_type) == (Route.BOTH, TrainingType.SYMBOL_SPECIFIC)


@pytest.mark.parametrize(("state", "is_planned"), [("strong", True), ("weak", True), ("experimental", False)])
def test_a_target_without_symbols_is_pooled_if_its_pooled_row_is_routable(
    state: str, is_planned: bool
) -> None:
    assert bool(built(routed([row("y", None, state)])).jobs) is is_planned


def test_default_priorities() -> None:
    plan = built(routed(grid()))
    by_state = {(job.training_type, _own_state(job)): job.priority for job in plan.jobs}
    assert by_state[TrainingType.CROSS_SECTIONAL, SignalState.STRONG] == 90
    assert by_state[TrainingType.CROSS_SECTIONAL, SignalState.WEAK_BUT_OK] == 75
    assert by_state[TrainingType.SYMBOL_SPECIFIC, SignalState.STRONG] == 80
    assert by_state[TrainingType.SYMBOL_SPECIFIC, SignalState.WEAK_BUT_OK] == 70
    assert by_state[TrainingType.SYMBOL_SPECIFIC, SignalState.EXPERIMENTAL] == 30


def _own_state(job: Job) -> SignalState | None:
    return job.metadata.cs_state if job.symbol is None else job.metadata.local_state


def test_priorities_come_from_the_policy() -> None:
    chosen = policy(priority={"cross_sectional": {"strong": 11, "weak_but_ok": 12}, "experimental": 99})
    plan = built(routed(grid(), chosen), chosen)
    assert {job.priority for job in get_cs_jobs(plan)} == {11, 12}
    assert plan.jobs[0].priority == 99


def test_a_symbol_whose_rows_leak_is_left_out_of_the_pooled_job_and_is_no_job() -> None:
    leaking = row("y", "GME", "strong", leakage_status="BLOCKED", leakage_reason="copies the label")
    plan = built(routed([row("y", None, "strong"), row("y", "A", "none"), leaking]))
    assert [item.symbol for item in job_of(plan, "y").excluded_symbols] == ["GME"]
    assert job_of(plan, "y").excluded_symbols[0].reason
    assert get_job(plan, "y", "GME") is None


def test_a_target_whose_pooled_row_leaks_has_no_jobs() -> None:
    rows = [row("y", None, "strong", leakage_status="BLOCKED"), row("y", "A", "strong")]
    plan = built(routed(rows))
    assert plan.jobs == ()
    assert plan.summary.total_blocked == 1


def test_a_target_that_leakage_blocks_has_no_pooled_job_whatever_its_state() -> None:
    routing = routed([row("y", None, "strong")])
    assert built(routing).jobs
    blocked = replace(routing, targets=routing.targets.assign(hard_block=True))
    assert built(blocked).jobs == ()


def test_features_are_those_the_routing_plan_allows() -> None:
    features = '{"good":"SAFE","bad":"BLOCKED"}'
    rows = [
        row("y", None, "strong", features=features),
        row("y", "A", "none"),
        row("z", None, "strong", features=None),
    ]
    plan = built(routed(rows))
    assert job_of(plan, "y").features == ("good",)
    assert job_of(plan, "z").features is None


@pytest.mark.parametrize(
    ("first", "second"),
    [(("B_C", "A"), ("C", "A_B")), (("C", "A_B"), ("B_C", "A"))],
)
def test_ids_that_would_collide_get_a_hash_in_either_order(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    rows = [row(t, s, "strong") for t, s in (first, second)] + [row(t, None, "none") for t in ("B_C", "C")]
    ids = {(job.target, job.symbol): job.job_id for job in built(routed(rows)).jobs}
    assert ids[("B_C", "A")].startswith("sym_A_B_C~")
    assert ids[("C", "A_B")].startswith("sym_A_B_C~")
    assert len(set(ids.values())) == 2
    assert all(len(name) == len("sym_A_B_C~") + 8 for name in ids.values())


def test_order_of_candidates_changes_no_byte() -> None:
    rows = grid()
    shuffled = random.Random(1).sample(rows, len(rows))
    assert encode(built(routed(rows))) == encode(built(routed(shuffled)))


def test_time_run_and_commit_change_only_their_three_fields() -> None:
    stamp = RunStamp("2030-01-01T00:00:00Z", "other", None)
    later = build_plan(
        route(candidates(grid()), policy(), stamp=stamp),
        policy(),
        data_hashes={},
        training_hashes=SETTINGS,
        parent_plan_hash="5" * 64,
        stamp=stamp,
    )
    now = built(routed(grid()))
    assert later.metadata.plan_hash == now.metadata.plan_hash
    assert later.jobs == now.jobs


def test_the_spec_hash_follows_what_changes_a_model_and_nothing_else() -> None:
    rows = [row("y", None, "strong"), row("y", "A", "strong"), row("z", None, "strong")]
    data = {"y": {"A": "d1", "B": "d1"}, "z": {"B": "d1", "GME": "d1"}}
    base = built(routed(rows), **data)

    def moved(plan: MasterPlan) -> set[str]:
        return {
            job.job_id
            for job in plan.jobs
            if base.jobs_by_pair[job.target, job.symbol].spec_hash != job.spec_hash
        }

    reprioritised = policy(priority={"symbol": {"strong": 5, "weak_but_ok": 4}})
    assert moved(built(routed(rows, reprioritised), reprioritised, **data)) == set()
    better = [row("y", None, "strong", score=0.7), *rows[1:]]
    assert moved(built(routed(better), **data)) == set()
    assert moved(built(routed(rows), **{**data, "y": {"A": "d2", "B": "d1"}})) == {"cs_y", "sym_A_y"}
    assert moved(built(routed(rows), training_hashes=TrainingHashes("5" * 64, {}), **data)) == {
        "cs_y",
        "cs_z",
        "sym_A_y",
    }
    leaking = [*rows, row("z", "GME", "strong", leakage_status="BLOCKED")]
    assert moved(built(routed(leaking), **data)) == set()
    served = [*leaking, row("z", "B", "none")]
    assert moved(built(routed(served), **data)) == {"cs_z"}
    failed = [rows[0], row("y", "A", "strong", failed_families="xgboost"), rows[2]]
    assert moved(built(routed(failed), **data)) == {"sym_A_y"}


def test_a_job_depends_on_the_data_of_the_symbols_that_it_learns_from() -> None:
    leaking = row("y", "GME", "strong", leakage_status="BLOCKED")
    rows = [row("y", None, "weak"), row("y", "A", "strong"), row("y", "B", "strong"), leaking]
    rows += [row("y", "C", "none"), row("z", None, "strong"), row("z", "A", "none")]
    data = {target: dict.fromkeys(("A", "B", "C", "GME"), "d1") for target in ("y", "z")}
    base = built(routed(rows), **data)

    def moved(**changed: dict[str, str]) -> set[str]:
        plan = built(routed(rows), **{name: data[name] | changed.get(name, {}) for name in data})
        return {
            job.job_id
            for job in plan.jobs
            if base.jobs_by_pair[job.target, job.symbol].spec_hash != job.spec_hash
        }

    assert {job.job_id for job in base.jobs} == {"cs_y", "cs_z", "sym_A_y", "sym_B_y"}
    assert moved(y={"A": "d2"}) == {"cs_y", "sym_A_y"}
    assert moved(y={"C": "d2"}) == {"cs_y"}
    assert moved(y={"GME": "d2"}) == set()
    assert moved(z={"GME": "d2"}) == {"cs_z"}
    assert moved(y={"new in the panel": "d1"}) == {"cs_y"}


def test_spec_hashes_are_those_that_training_computes_for_each_job() -> None:
    plan = built(routed(grid()))
    assert all(spec_hash(job, SETTINGS) == job.spec_hash for job in plan.jobs)


def test_a_target_or_symbol_without_data_says_so() -> None:
    rows = [row("y", None, "strong"), row("y", "A", "strong")]
    assert {job.data_hash for job in built(routed(rows)).jobs} == {ABSENT}
    assert job_of(built(routed(rows), y={"B": "d"}), "y", "A").data_hash == ABSENT


def test_a_plan_is_made_under_the_policy_that_routed_and_no_other() -> None:
    routing, other = routed(grid()), policy(families=[{"use": ["xgboost"]}])
    with pytest.raises(RoutingPlanError, match="another policy") as refused:
        built(routing, other)
    told = str(refused.value)
    assert policy().config_hash() in told
    assert other.config_hash() in told
    assert "foxml run --until plan" in told
    # What only the pages look like is no part of the policy.
    assert built(routing, policy(output={"plan_history": 1})) == built(routing)


def test_an_empty_routing_plan_is_an_empty_plan() -> None:
    plan = built(routed([]))
    assert plan.jobs == ()
    assert plan.metadata.total_jobs == 0


def test_a_name_that_no_file_can_have_is_refused() -> None:
    sound = routed([row("y", None, "strong")])
    names = pd.Series(["y\ud800"], dtype=object)
    with pytest.raises(UnsafeNameError):
        built(replace(sound, targets=sound.targets.assign(target=names)))
