"""The audit's numbers against those worked out directly from models and rows."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audited_world import FIRST_BAR, N_BLOCKS, audit, everything, layout_of, pair, result_of
from routed_world import Routed
from training_world import LONELY, RETURN, SYMBOLS, UP, make_world

from foxml_assets.auditing.routing_audit import BASELINES, LeftOut, RoutingAudit, Scheme
from foxml_assets.core.vocabulary import Route, TaskType
from foxml_assets.evidence.timing import EvidenceTiming, write_timing
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.serving.holdout import read_holdout
from foxml_assets.serving.job_models import load_job_model
from foxml_assets.training.models.fit_times import read_fit_seconds
from foxml_assets.training.runner import train_jobs
from foxml_assets.training.scores import score
from foxml_assets.training.split import timeline_of


@dataclass(frozen=True)
class Direct:
    """Skill of pairs from the rows and the models themselves."""

    routed: Routed
    jobs: dict[tuple[str, str | None], Job]

    def rows(self, target: str, symbol: str) -> pd.DataFrame:
        """The labelled hold-out rows of a pair, with bar numbers and the symbol's code in a pooled model."""
        context = self.routed.world.context
        frame = read_panel(context.layout, context.info, [*context.info.features, target], [symbol])
        bars = pd.bdate_range("2020-01-01", periods=320).get_indexer(frame["date"])
        frame = frame.assign(bar=bars, symbol=SYMBOLS.index(symbol))
        return frame[(frame["bar"] >= FIRST_BAR) & frame[target].notna()]

    def said(self, target: str, symbol: str, sides: tuple[str | None, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Labels, and the mean of what the models of `sides` (None: pooled) say."""
        rows = self.rows(target, symbol)
        models = [self.jobs[target, side] for side in sides]
        context = self.routed.world.context
        places = [replace(context, layout=layout_of(self.routed, job)) for job in models]
        said = [load_job_model(job, at).predict(rows) for job, at in zip(models, places, strict=True)]
        return rows[target].to_numpy(dtype=np.float64), np.mean(said, axis=0)

    def skill(self, target: str, symbol: str, sides: tuple[str | None, ...]) -> float:
        """Of the mean of the models of `sides`."""
        task = TaskType.REGRESSION if target == RETURN else TaskType.CLASSIFICATION
        found = score(task, *self.said(target, symbol, sides), min_rows=2)
        assert found.skill is not None
        return found.skill

    def auc_skill(self, symbol: str, block: int, weight: float) -> float:
        """Of the pooled model of UP, with the rows of one block counted `weight` times."""
        y, said = self.said(UP, symbol, (None,))
        bar = self.rows(UP, symbol)["bar"].to_numpy()
        own = (bar - FIRST_BAR) * N_BLOCKS // (320 - FIRST_BAR) == block
        weights = np.where(own, weight, 1.0)
        pairs = np.outer(weights[y == 1], weights[y == 0])
        ahead = said[y == 1][:, None] - said[y == 0][None, :]
        concordant = (ahead > 0) + 0.5 * (ahead == 0)
        return float(2.0 * (pairs * concordant).sum() / pairs.sum() - 1.0)


@pytest.fixture(scope="module")
def direct(compared_once: Routed) -> Direct:
    return Direct(compared_once, everything(compared_once))


def sides(scheme: Scheme, symbol: str) -> tuple[str | None, ...]:
    return {
        Scheme.ALL_POOLED: (None,),
        Scheme.ALL_SYMBOL: (symbol,),
        Scheme.BOTH_AVERAGED: (None, symbol),
    }[scheme]


def test_every_pair_earns_what_a_direct_computation_says(
    direct: Direct, audited: tuple[RoutingAudit, pd.DataFrame]
) -> None:
    _, pairs = audited
    entered = pairs[pairs["left_out"] == ""]
    assert len(entered) == 8
    for row in entered.itertuples():
        for scheme in BASELINES:
            expected = direct.skill(row.target, row.symbol, sides(scheme, row.symbol))
            assert getattr(row, scheme.value) == pytest.approx(expected, abs=1e-12), (row.symbol, scheme)
        assert row.rows == len(direct.rows(row.target, row.symbol))
    served_by = {"AAA": Scheme.BOTH_AVERAGED, **dict.fromkeys(("BBB", "CCC", "DDD"), Scheme.ALL_POOLED)}
    for symbol, scheme in served_by.items():
        row = pair(pairs, UP, symbol)
        assert row["plan"] == row[scheme.value]
    for symbol in ("BBB", "CCC"):
        assert pair(pairs, RETURN, symbol)["plan"] == pair(pairs, RETURN, symbol)["all_symbol"]


def test_blocked_pairs_earn_nothing_and_count_in_every_mean(
    audited: tuple[RoutingAudit, pd.DataFrame],
) -> None:
    found, pairs = audited
    entered = pairs[pairs["left_out"] == ""]
    assert entered.loc[entered["route"] == Route.BLOCKED.value, "plan"].isna().all()
    assert found.compared == 8
    for scheme in (Scheme.PLAN, *BASELINES):
        mean = entered[scheme.value].fillna(0.0).sum() / 8
        assert result_of(found, scheme).mean_skill.value == pytest.approx(mean, abs=1e-12)
    choices = entered[[scheme.value for scheme in BASELINES]].max(axis=1).clip(lower=0)
    best = result_of(found, Scheme.BEST_CHOICE)
    assert best.mean_skill.value == pytest.approx(choices.mean(), abs=1e-12)
    plan = result_of(found, Scheme.PLAN)
    assert plan.of_best_choice is not None
    assert plan.of_best_choice.value == pytest.approx(plan.mean_skill.value / choices.mean())
    assert found.best_baseline == max(BASELINES, key=lambda scheme: result_of(found, scheme).mean_skill.value)
    blocked = next(line for line in found.routes if line.route is Route.BLOCKED)
    given_up = entered.loc[entered["route"] == Route.BLOCKED.value, "all_pooled"].mean()
    assert blocked.pairs == 2
    assert blocked.mean_skill[Scheme.PLAN].value == 0
    assert blocked.mean_skill[Scheme.ALL_POOLED].value == pytest.approx(given_up)
    assert given_up > 0.1


def test_a_leak_has_no_baseline(compared: Routed, audited: tuple[RoutingAudit, pd.DataFrame]) -> None:
    found, pairs = audited
    assert found.pairs == 12
    assert found.left_out == {why: 4 if why is LeftOut.LEAKS else 0 for why in LeftOut}
    assert set(pairs.loc[pairs["target"] == LONELY, "left_out"]) == {"leaks"}
    assert LONELY not in {target for target, _ in everything(compared)}


def test_errors_are_those_of_the_weight_of_each_block_for_all_pairs_at_once(
    direct: Direct, audited: tuple[RoutingAudit, pd.DataFrame]
) -> None:
    """A block's influence is the derivative of the mean skill by the weight of its rows."""
    found, _ = audited
    assert found.holdout.blocks == N_BLOCKS
    line = next(line for line in found.routes if line.route is Route.CROSS_SECTIONAL)

    def mean_skill(block: int, weight: float) -> float:
        return float(np.mean([direct.auc_skill(symbol, block, weight) for symbol in ("BBB", "CCC", "DDD")]))

    step = 1e-4
    slopes = [
        (mean_skill(block, 1 + step) - mean_skill(block, 1 - step)) / (2 * step) for block in range(N_BLOCKS)
    ]
    error = math.sqrt(N_BLOCKS / (N_BLOCKS - 1) * np.sum((slopes - np.mean(slopes)) ** 2))
    interval = line.mean_skill[Scheme.PLAN]
    assert interval.se == pytest.approx(error, rel=1e-5)
    assert interval.low == pytest.approx(interval.value - 3.182446 * error, rel=1e-4)


def test_cost_is_what_the_fits_took(
    compared_once: Routed, audited: tuple[RoutingAudit, pd.DataFrame]
) -> None:
    found, _ = audited
    jobs = everything(compared_once)

    def seconds(keys: list[tuple[str, str | None]]) -> float:
        return sum(
            read_fit_seconds(jobs[key], family, layout_of(compared_once, jobs[key])) or math.nan
            for key in keys
            for family in jobs[key].model_families
        )

    pooled, own = [key for key in jobs if key[1] is None], [key for key in jobs if key[1] is not None]
    planned = [(job.target, job.symbol) for job in compared_once.plan.jobs]
    expected = {
        Scheme.PLAN: planned,
        Scheme.ALL_POOLED: pooled,
        Scheme.ALL_SYMBOL: own,
        Scheme.BOTH_AVERAGED: [*pooled, *own],
    }
    for scheme, keys in expected.items():
        cost = found.line(scheme).cost
        assert cost is not None
        assert cost.seconds == pytest.approx(seconds(keys), abs=1e-3)
        assert (cost.jobs, cost.trained, cost.models) == (len(keys), len(keys), 2 * len(keys))


def test_screening_is_paid_for_by_what_trainings_save(compared: Routed) -> None:
    layout = compared.world.layout
    assert audit(compared)[0].line(Scheme.BOTH_AVERAGED).pays_after is None
    for target in (UP, RETURN, LONELY):
        write_timing(layout, target, EvidenceTiming(seconds=9.0, cpu_seconds=10.0))
    found, _ = audit(compared)
    both, plan = found.line(Scheme.BOTH_AVERAGED), found.line(Scheme.PLAN)
    assert both.cost is not None
    assert plan.cost is not None
    assert found.screening.cpu_seconds == 30.0
    assert both.pays_after == math.ceil(30.0 / (both.cost.seconds - plan.cost.seconds))
    assert plan.pays_after is None


def test_a_pooled_model_knows_symbols_by_their_place_among_its_own(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    job = world.job(UP, excluded=["AAA"])
    (outcome,) = train_jobs([job], world.context)
    times = read_panel(world.layout, world.context.info, [])["date"]
    held = read_holdout(UP, [job], world.context, timeline_of(times, world.context.holdout_fraction))
    said = load_job_model(job, world.context).predict_rows(held.rows)
    assert set(said) == {"BBB", "CCC", "DDD"}
    for expected in outcome.manifests[0].scores.by_symbol:
        y = held.y[held.rows.rows_of(expected.symbol)]
        assert score(TaskType.CLASSIFICATION, y, said[expected.symbol], min_rows=2) == expected.score


def test_the_holdout_does_not_depend_on_how_much_is_read_at_a_time(compared_once: Routed) -> None:
    context = compared_once.world.context
    timeline = timeline_of(read_panel(context.layout, context.info, [])["date"], context.holdout_fraction)
    jobs = [job for (target, _), job in everything(compared_once).items() if target == RETURN]
    at_once = read_holdout(RETURN, jobs, context, timeline)
    in_parts = read_holdout(RETURN, jobs, context, timeline, chunk_rows=1)
    pd.testing.assert_frame_equal(at_once.rows.frame, in_parts.rows.frame)
    np.testing.assert_array_equal(at_once.rows.starts, in_parts.rows.starts)
    np.testing.assert_array_equal(at_once.y, in_parts.y)
