"""The consumer returns exactly what the plan says, and says how much it filters."""

from pathlib import Path

import pytest
from plan_makers import SWING, example_plan, plan, save

from foxml_assets.core.errors import PlanMissingError
from foxml_assets.planning.plan.consumer import (
    describe_filter,
    describe_plan,
    get_cs_jobs,
    get_job,
    get_jobs_for_symbol,
    get_jobs_for_target,
    get_symbol_jobs,
    load_master_training_plan,
    model_families_for,
    planned_targets,
    symbols_for_target,
)


def test_a_loaded_plan_equals_the_one_that_was_written(tmp_path: Path) -> None:
    master = example_plan()
    assert load_master_training_plan(save(master, tmp_path)) == master


def test_a_plan_that_does_not_exist_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PlanMissingError, match="foxml run"):
        load_master_training_plan(tmp_path / "master_training_plan.json")


def test_jobs_are_ordered_by_priority_and_then_by_id() -> None:
    assert [job.job_id for job in example_plan().jobs] == [
        f"cs_{SWING}",
        "sym_AAPL_fwd_ret_5d",
        f"sym_AAPL_{SWING}",
        f"sym_BTC/USD_{SWING}",
        "cs_fwd_ret_5d",
        "sym_MSFT_fwd_ret_5d",
    ]


def test_jobs_by_type_target_and_symbol() -> None:
    master = example_plan()
    assert {job.target for job in get_cs_jobs(master)} == {SWING, "fwd_ret_5d"}
    assert len(get_symbol_jobs(master)) == 4
    assert [job.symbol for job in get_jobs_for_target(master, SWING)] == [None, "AAPL", "BTC/USD"]
    assert [job.target for job in get_jobs_for_symbol(master, "AAPL")] == ["fwd_ret_5d", SWING]
    assert get_jobs_for_target(master, "unplanned") == []
    assert get_jobs_for_symbol(master, "GME") == []


def test_a_pair_has_its_own_families_and_no_union() -> None:
    master = example_plan()
    assert model_families_for(master, "fwd_ret_5d", "MSFT") == ("lightgbm",)
    assert model_families_for(master, "fwd_ret_5d") == ("lightgbm", "xgboost")
    assert model_families_for(master, SWING, "MSFT") == ()
    assert get_job(master, SWING, "MSFT") is None
    job = get_job(master, SWING, "AAPL")
    assert job is not None
    assert job.job_id == f"sym_AAPL_{SWING}"


def test_symbols_per_target() -> None:
    master = example_plan()
    assert symbols_for_target(master, SWING) == ("AAPL", "BTC/USD")
    assert symbols_for_target(master, "unplanned") == ()


def test_the_filter_line_counts_targets_before_and_after() -> None:
    targets = [f"y_{number}" for number in range(8)] + [SWING, "fwd_ret_5d"]
    assert (
        describe_filter(example_plan(), targets) == "[FILTER] Training plan filter applied: 10 -> 2 targets"
    )
    assert planned_targets(example_plan(), targets) == (SWING, "fwd_ret_5d")
    assert describe_filter(plan([]), targets) == "[FILTER] Training plan filter applied: 10 -> 0 targets"


def test_a_plan_without_jobs_says_where_to_ask_why() -> None:
    folder = Path("plan")
    assert describe_plan(example_plan(), folder)[-1].startswith("[ROUTER]    Symbol jobs: ")
    told = describe_plan(plan([]), folder)
    assert told[1] == "[ROUTER]    Total jobs: 0"
    assert "foxml explain TARGET" in told[-1]
