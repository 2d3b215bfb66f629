"""Which of the pending jobs a command may train, and for how long."""

from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from training_world import RETURN, UP, World, make_world, plan_of

from foxml_assets.core.errors import ConfigError
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.training.budget import Budget, by_priority
from foxml_assets.training.models.fit_times import describe_cost, past_fit_seconds
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.training.runner import train_jobs


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("budget")).with_config(threads=1)


@pytest.fixture(scope="module")
def plan(world: World) -> MasterPlan:
    jobs = [world.job(UP, priority=60), world.job(RETURN, priority=10)]
    jobs += [world.job(UP, symbol, priority=40) for symbol in ("AAA", "BBB")]
    return plan_of(world, [*jobs, world.job(RETURN, "AAA", priority=90)])


def shared(plan: MasterPlan, pending: tuple[Job, ...], **limits: object) -> list[str]:
    share = Budget(**limits).share(plan, pending)
    reached = [job.job_id for job in share.jobs]
    assert {*reached, *share.left_out} == {job.job_id for job in pending}
    return reached


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        ({}, [f"sym_AAA_{RETURN}", f"cs_{UP}", f"sym_AAA_{UP}", f"sym_BBB_{UP}", f"cs_{RETURN}"]),
        ({"max_jobs": 2}, [f"sym_AAA_{RETURN}", f"cs_{UP}"]),
        ({"targets": (UP,)}, [f"cs_{UP}", f"sym_AAA_{UP}", f"sym_BBB_{UP}"]),
        ({"symbols": ("AAA",)}, [f"sym_AAA_{RETURN}", f"sym_AAA_{UP}"]),
        ({"symbols": ("re:[AB]+",), "targets": ("y_*",), "max_jobs": 1}, [f"sym_AAA_{UP}"]),
    ],
)
def test_the_highest_priorities_of_what_is_chosen_come_first(
    world: World, plan: MasterPlan, limits: dict[str, object], reached: list[str]
) -> None:
    pending = pending_jobs(plan, world.context)
    assert shared(plan, pending, **limits) == reached
    assert Budget(**limits).is_limited is bool(limits)


def test_each_left_out_job_has_its_reason(world: World, plan: MasterPlan) -> None:
    share = Budget(max_jobs=1, symbols=("AAA",)).share(plan, pending_jobs(plan, world.context))
    assert share.left_out[f"sym_AAA_{UP}"] == "beyond --max-jobs 1"
    assert share.left_out[f"cs_{UP}"] == "not chosen by --target or --symbol"


def test_a_selection_without_a_job_is_refused_with_what_is_near(world: World, plan: MasterPlan) -> None:
    with pytest.raises(ConfigError) as caught:
        Budget(symbols=("AAB", "BBB"), targets=("y_*", "nothing")).share(plan, ())
    assert [str(problem) for problem in caught.value.problems] == [
        "--target: names none; near are none (found 'nothing')",
        "--symbol: names none; near are AAA (found 'AAB')",
    ]


def test_jobs_of_one_priority_stand_together(plan: MasterPlan) -> None:
    groups = list(by_priority(plan.jobs))
    assert [{job.priority for job in jobs} for jobs in groups] == [{90}, {60}, {40}, {10}]
    assert [job for jobs in groups for job in jobs] == list(plan.jobs)


def test_after_its_seconds_a_run_begins_no_job_and_ends_what_it_began(
    world: World, plan: MasterPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count()
    clock = SimpleNamespace(monotonic=lambda: next(ticks))
    monkeypatch.setattr("foxml_assets.training.engines.threads_engine.time", clock)
    # The clock is read at the start and before each job.
    outcomes = list(train_jobs(plan.jobs, world.context, seconds=3.0))
    assert [outcome.job for outcome in outcomes] == list(plan.jobs[:2])
    assert pending_jobs(plan, world.context) == plan.jobs[2:]


def test_the_cost_is_that_of_past_fits_laid_on_threads_run_by_run(tmp_path: Path) -> None:
    world = make_world(tmp_path).with_config(threads=2, batch_size=2)
    layout, config = world.layout, world.context.config
    pooled = world.job(UP)
    own = [world.job(UP, symbol) for symbol in ("AAA", "BBB", "CCC", "DDD")]
    assert describe_cost(own, layout, config) == "4 fits, of which none was timed yet"
    for job, seconds in zip((pooled, *own[:3]), (30.0, 3.0, 9.0, 5.0), strict=True):
        assert next(train_jobs([job], world.context)).reason == ""
        timing = layout.model_dir(job.target, job.symbol, "lightgbm") / "timing.json"
        timing.write_text(f'{{"seconds": {seconds}}}')
    # DDD is taken for the median, 5 s. One thread does 3, 5 and 5 s, the other 9 s; two runs, a second each.
    assert describe_cost(own, layout, config) == "4 fits, about 15.0 s on 2 threads"
    alone = world.with_config(threads=1, batch_size=2).context.config
    assert describe_cost(own, layout, alone) == "4 fits, about 24.0 s on one thread"
    # The pooled job has a run to itself, which ends before the next begins.
    assert describe_cost([pooled, *own], layout, config) == "5 fits, about 46.0 s on 2 threads"
    other = world.job(RETURN, families=("xgboost",))
    told = describe_cost([*own, other], layout, config)
    assert told == "5 fits, at least 16.0 s on 2 threads, 1 of them never timed"


def test_the_families_of_a_job_share_the_time_of_reading_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, ticks = make_world(tmp_path), count()
    clock = SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    monkeypatch.setattr("foxml_assets.training.train_job.time", clock)
    (outcome,) = train_jobs([world.job(UP, families=("lightgbm", "xgboost"))], world.context)
    # The clock is read before and after the job, its reading and each fit: a second between two readings.
    assert [model.seconds for model in outcome.models] == [1.5, 1.5]
    assert list(past_fit_seconds(world.layout).values()) == [1.5, 1.5]
    (again,) = train_jobs([outcome.job], world.context)
    assert [model.seconds for model in again.models] == [1.5, 1.5]
