"""Baselines: what is trained for the comparison, where, and that it goes on after a stop."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audited_world import MISSING, audit, contest, everything, model_times, pair, pending, result_of
from routed_world import POLICY, Routed, route_and_plan
from training_world import RETURN, UP, make_world

from foxml_assets.auditing.baselines import make_baselines, train_baselines
from foxml_assets.auditing.pages.audit_files import page_path, write_audit
from foxml_assets.auditing.routing_audit import LeftOut, Scheme
from foxml_assets.core.errors import LockHeldError, RoutingPlanError
from foxml_assets.core.vocabulary import Route
from foxml_assets.storage.locks import hold_lock
from foxml_assets.training.models.inventory import take_inventory
from foxml_assets.training.models.manifest import manifest_path
from foxml_assets.training.outcome import OutcomeStatus
from foxml_assets.training.runner import train_jobs


def test_only_what_the_plan_lacks_is_trained_pooled_first_and_apart(
    compared: Routed, trained: Routed
) -> None:
    jobs = pending(trained)
    assert {(job.target, job.symbol) for job in jobs} == MISSING
    assert jobs[0].symbol is None
    planned = {(job.target, job.symbol): job for job in trained.plan.jobs}
    assert {key: job.spec_hash for key, job in everything(trained).items() if key in planned} == {
        key: job.spec_hash for key, job in planned.items()
    }
    assert pending(compared) == ()
    layout = compared.world.layout
    apart = {path.parent for path in layout.baselines.rglob("manifest.json")}
    by_pair = everything(compared)
    assert apart == {
        layout.for_baselines().model_dir(*key, family)
        for key in MISSING
        for family in by_pair[key].model_families
    }
    assert take_inventory(compared.plan.jobs, compared.world.context).orphans == ()


@pytest.fixture
def stopped(trained: Routed) -> tuple[Routed, set[tuple[str, str | None]]]:
    """Baselines of which two jobs were finished when the training was stopped."""
    outcomes = train_baselines(pending(trained), trained.world.context)
    done = {(outcome.job.target, outcome.job.symbol) for outcome, _ in zip(outcomes, range(2), strict=False)}
    outcomes.close()
    return trained, done


def test_baselines_go_on_where_they_were_stopped(stopped: tuple[Routed, set[tuple[str, str | None]]]) -> None:
    routed, done = stopped
    left = {(job.target, job.symbol) for job in pending(routed)}
    assert len(done) == 2
    assert left < MISSING
    assert not left & done
    # A kill between a model file and its manifest leaves half a model.
    half = next(iter(sorted(done, key=str)))
    job = everything(routed)[half]
    manifest_path(job, job.model_families[0], routed.world.layout.for_baselines()).unlink()
    before = model_times(routed)
    assert half in {(job.target, job.symbol) for job in pending(routed)}
    outcomes = list(train_baselines(pending(routed), routed.world.context))
    assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes)
    assert pending(routed) == ()
    after = model_times(routed)
    redone = {path for path, moment in before.items() if after[path] != moment}
    assert len(redone) == 1
    assert result_of(audit(routed)[0], Scheme.BOTH_AVERAGED).served == 8


def test_pooled_baselines_alone_are_compared_already(trained: Routed) -> None:
    pooled = [job for job in pending(trained) if job.symbol is None]
    list(train_baselines(pooled, trained.world.context))
    found, _ = audit(trained)
    assert found.best_baseline is Scheme.ALL_POOLED
    assert found.line(Scheme.ALL_SYMBOL).result is None
    assert result_of(found, Scheme.PLAN).of_best_choice is None


def test_a_model_that_left_the_plan_serves_the_baseline(compared: Routed) -> None:
    layout = compared.world.layout
    (layout.baselines / "symbol_specific" / UP).rename(layout.models / "symbol_specific" / f"{UP}.new")
    for folder in (layout.models / "symbol_specific" / f"{UP}.new").iterdir():
        folder.rename(layout.models / "symbol_specific" / UP / folder.name)
    assert pending(compared) == ()
    assert audit(compared)[0].schemes == audit(compared)[0].schemes
    assert result_of(audit(compared)[0], Scheme.ALL_SYMBOL).served == 8


def test_what_cannot_be_trained_serves_nobody_and_does_not_hold_up_the_comparison(tmp_path: Path) -> None:
    """CCC has gaps: with this least number of rows it gets no model of its own."""
    routed = route_and_plan(make_world(tmp_path).with_config(min_train_rows=230))
    list(train_jobs(routed.plan.jobs, routed.world.context))
    list(train_baselines(pending(routed), routed.world.context))
    found, pairs = audit(routed)
    cost = found.line(Scheme.ALL_SYMBOL).cost
    assert cost is not None
    assert (cost.failed, cost.missing) == (2, 0)
    assert result_of(found, Scheme.ALL_SYMBOL).served == 6
    row = pair(pairs, UP, "CCC")
    assert np.isnan(row["all_symbol"])
    assert row["both_averaged"] == row["all_pooled"]
    assert np.isnan(pair(pairs, RETURN, "CCC")["plan"])
    assert result_of(found, Scheme.PLAN).served == 5
    write_audit(found, pairs, routed.world.layout)
    page = page_path(routed.world.layout).read_text()
    assert "1 of 4 planned jobs are not trained, and their pairs earn nothing here: foxml train." in page
    assert "2 of the 8 jobs of all symbol could not be trained and serve nobody." in page


def test_two_processes_do_not_train_the_same_baselines(trained: Routed) -> None:
    lock = trained.world.layout.metrics / ".baselines.lock"
    with hold_lock(lock, purpose="the test"), pytest.raises(LockHeldError):
        list(train_baselines(pending(trained), trained.world.context))


def test_pairs_outside_the_panel_are_left_out(compared: Routed) -> None:
    """A routing plan of imported metrics may speak of targets that the panel lacks."""
    world = compared.world
    fewer = replace(world.context.info, targets=world.context.info.targets[:1])
    (target,) = (spec.name for spec in fewer.targets)
    found = contest(compared)
    baselines = make_baselines(compared.routing, POLICY, replace(world.context, info=fewer))
    assert set(baselines.pairs.loc[baselines.pairs["target"] != target, "left_out"]) == {"not_in_panel"}
    assert {job.target for job in (*baselines.pooled, *baselines.own)} <= {target}
    assert len(found.baselines.pairs) == len(baselines.pairs)


def test_a_planned_job_is_the_plans_to_train_and_half_of_both_serves_nothing(compared: Routed) -> None:
    job = everything(compared)[UP, "AAA"]
    for family in job.model_families:
        manifest_path(job, family, compared.world.layout).unlink()
    assert pending(compared) == ()
    found, pairs = audit(compared)
    row = pair(pairs, UP, "AAA")
    assert np.isnan(row["plan"])
    assert row["all_pooled"] > 0
    assert found.line(Scheme.ALL_SYMBOL).result is None
    assert result_of(found, Scheme.PLAN).served == 5


def test_a_pair_whose_families_all_failed_has_no_job(compared: Routed) -> None:
    pairs = compared.routing.pairs
    chosen = ((pairs["target"] == RETURN) & (pairs["symbol"] == "AAA")).to_numpy()
    failed = pd.Series(np.where(chosen, "lightgbm|xgboost", None)).astype("category")
    routing = replace(compared.routing, pairs=pairs.assign(failed_families=failed))
    jobs = make_baselines(routing, POLICY, compared.world.context).own
    assert {(job.target, job.symbol) for job in jobs} == {
        (target, symbol) for target, symbol in everything(compared) if symbol is not None
    } - {(RETURN, "AAA")}


def test_baselines_are_of_the_policy_that_the_plan_was_routed_under(compared: Routed) -> None:
    other = POLICY.model_copy(update={"hysteresis": 0.01})
    with pytest.raises(RoutingPlanError, match="another policy"):
        make_baselines(compared.routing, other, compared.world.context)


def test_a_pair_with_too_few_rows_is_not_compared(compared: Routed) -> None:
    """DDD ends early; how many rows a score needs changes no model."""
    routed = replace(compared, world=compared.world.with_config(min_score_rows=40))
    found, pairs = audit(routed)
    assert found.compared == 6
    assert found.left_out[LeftOut.NOT_SCORED] == 2
    assert set(pairs.loc[pairs["left_out"] == "not_scored", "symbol"]) == {"DDD"}
    served = pairs[(pairs["left_out"] == "")]["plan"].fillna(0.0)
    assert result_of(found, Scheme.PLAN).mean_skill.value == pytest.approx(served.mean())
    assert {line.route: line.pairs for line in found.routes} == {
        Route.CROSS_SECTIONAL: 2,
        Route.SYMBOL_SPECIFIC: 2,
        Route.BOTH: 1,
        Route.BLOCKED: 1,
    }
