"""Errors over time: what is common to pairs stays in them, and shares follow from sums."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr

from foxml_assets.auditing.holdout_errors import (
    blocks_of_targets,
    holdout_blocks,
    interval,
    left_out,
    lower_bounds,
    pair_replicates,
    skill_replicates,
    standard_errors,
)
from foxml_assets.auditing.pair_skills import PairSkills
from foxml_assets.auditing.routing_audit import BASELINES, Cost, Scheme, Screening
from foxml_assets.auditing.summary import best_baseline, known_skills, scheme_lines
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.evidence.scores.sums import block_sums, scores
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.panel.panel_info import PanelInfo, TargetSpec
from foxml_assets.training.split import Timeline

START, STOP = 3_000, 4_200
HORIZONS = {"short": 5, "long": 700, "blocked": 9_000}
TIMELINE = Timeline(pd.date_range("2010-01-01", periods=STOP, freq="D"), START)
DONE = Cost(jobs=4, trained=4, failed=0, missing=0, models=4, seconds=10.0)
NOT_YET = Cost(jobs=4, trained=1, failed=0, missing=3, models=1, seconds=2.0)
NO_SCREENING = Screening(targets=0, timed=0, seconds=0.0, cpu_seconds=0.0)


def means_without_each_block(values: np.ndarray) -> np.ndarray:
    n = values.shape[-1]
    without = (values.sum(axis=-1, keepdims=True) - values) / (n - 1)
    return np.concatenate([values.mean(axis=-1, keepdims=True), without], axis=-1)


def pair_skills(**skill: list[list[float]]) -> PairSkills:
    arrays = {Scheme(name): np.array(values, dtype=np.float64) for name, values in skill.items()}
    n = len(arrays[Scheme.PLAN])
    served = {scheme: (values != 0).any(axis=1) for scheme, values in arrays.items()}
    low = {scheme: lower_bounds(values) for scheme, values in arrays.items()}
    return PairSkills(np.full(n, 99), np.ones(n, dtype=bool), served, arrays, low)


def panel_of(targets: Sequence[TargetSpec]) -> PanelInfo:
    return PanelInfo("time", "symbol", (), tuple(targets), (), 0, "", "", 0.2, (), (), {})


def test_the_error_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(0).normal(size=(3, 25))
    expected = values.std(axis=1, ddof=1) / np.sqrt(25)
    np.testing.assert_allclose(standard_errors(means_without_each_block(values)), expected)


def test_what_all_pairs_share_does_not_average_out() -> None:
    shared = means_without_each_block(np.random.default_rng(1).normal(size=25))
    assert interval(np.tile(shared, (1_000, 1)).mean(axis=0)).se == pytest.approx(
        float(standard_errors(shared))
    )


def test_one_block_gives_no_error() -> None:
    alone = interval(np.array([0.3, np.nan]))
    assert (alone.value, alone.se, alone.low, alone.high) == (0.3, None, None, None)
    assert np.isnan(lower_bounds(np.array([[0.3, np.nan]]))).all()


@pytest.mark.parametrize("metric", [ScoreMetric.AUC, ScoreMetric.IC])
def test_errors_agree_with_the_block_bootstrap(metric: ScoreMetric) -> None:
    rng = np.random.default_rng(2)
    bar = np.arange(START, STOP)
    drift = np.repeat(rng.normal(size=24), 50)
    prediction = rng.normal(size=len(bar))
    y = 0.3 * prediction * (1.0 + drift) + rng.normal(size=len(bar))
    y = (y > 0).astype(np.float64) if metric is ScoreMetric.AUC else y
    config = BlockConfig()
    ours = holdout_blocks(TIMELINE, 5, config)
    block, score = ours.block_of(bar), _auc if metric is ScoreMetric.AUC else _rank_correlation
    sums = block_sums(metric, y, prediction[None, :], np.zeros(len(bar), dtype=np.int64), block, len(ours))
    replicates = left_out(scores(sums))
    rows = [np.flatnonzero(block == at) for at in range(len(ours))]
    drawn = []
    for _ in range(400):
        taken = np.concatenate([rows[at] for at in rng.integers(0, len(rows), len(rows))])
        drawn.append(score(y[taken], prediction[taken]))
    assert replicates[0] == pytest.approx(score(y, prediction))
    assert standard_errors(replicates) == pytest.approx(np.std(drawn, ddof=1), rel=0.15)


def _rank_correlation(y: np.ndarray, prediction: np.ndarray) -> float:
    return float(spearmanr(y, prediction).statistic)


def _auc(y: np.ndarray, prediction: np.ndarray) -> float:
    ranks = rankdata(prediction)
    n_positive, n_negative = y.sum(), len(y) - y.sum()
    return float((ranks[y == 1].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def test_blocks_span_two_of_the_longest_horizon() -> None:
    blocks = holdout_blocks(TIMELINE, 200, BlockConfig())
    np.testing.assert_array_equal(blocks.starts, [3_000, 3_400, 3_800])


def test_the_best_choice_is_made_once_and_a_loss_is_not_chosen() -> None:
    skills = pair_skills(
        plan=[[0.2, 0.1, 0.3], [0.0, 0.0, 0.0]],
        all_pooled=[[0.2, 0.1, 0.3], [-0.1, 0.2, -0.4]],
        all_symbol=[[0.1, 0.4, -0.2], [-0.2, -0.2, -0.2]],
        both_averaged=[[0.15, 0.2, 0.1], [-0.1, -0.1, -0.1]],
    )
    known = known_skills(skills, dict.fromkeys((Scheme.PLAN, *BASELINES), DONE))
    np.testing.assert_array_equal(known[Scheme.BEST_CHOICE], [[0.2, 0.1, 0.3], [0.0, 0.0, 0.0]])
    assert best_baseline(known) is Scheme.ALL_POOLED
    costs = dict.fromkeys((Scheme.PLAN, *BASELINES), DONE)
    lines = {line.scheme: line.result for line in scheme_lines(skills, known, costs, NO_SCREENING)}
    plan, pooled, symbol = (lines[name] for name in (Scheme.PLAN, Scheme.ALL_POOLED, Scheme.ALL_SYMBOL))
    assert plan is not None
    assert pooled is not None
    assert symbol is not None
    assert (plan.served, plan.without_skill) == (1, 0)
    assert (pooled.served, pooled.without_skill, pooled.unproven) == (2, 1, 2)
    assert pooled.plan_ahead is not None
    assert pooled.plan_ahead.value == pytest.approx(0.05)
    # Without the second block the pooled models lose, and a share of a loss says nothing.
    assert plan.of_best_baseline is None
    assert symbol.of_best_choice is not None
    assert symbol.of_best_choice.value == pytest.approx(-0.5)


def test_a_baseline_counts_only_when_every_job_of_it_was_tried() -> None:
    rows = [[0.2, 0.2, 0.2]]
    skills = pair_skills(plan=rows, all_pooled=rows, all_symbol=rows, both_averaged=rows)
    costs = {
        Scheme.PLAN: NOT_YET,
        Scheme.ALL_POOLED: DONE,
        Scheme.ALL_SYMBOL: NOT_YET,
        Scheme.BOTH_AVERAGED: NOT_YET,
    }
    assert set(known_skills(skills, costs)) == {Scheme.PLAN, Scheme.ALL_POOLED}


def test_a_pair_whose_rows_lie_in_one_block_is_unproven() -> None:
    rows = [[0.4, np.nan, 0.4], [0.4, 0.4, 0.4]]
    skills = pair_skills(plan=rows, all_pooled=rows, all_symbol=rows, both_averaged=rows)
    costs = dict.fromkeys((Scheme.PLAN, *BASELINES), DONE)
    known = known_skills(skills, costs)
    plan = scheme_lines(skills, known, costs, NO_SCREENING)[0].result
    assert plan is not None
    assert (plan.unproven, plan.mean_skill.value, plan.mean_skill.se) == (1, 0.4, 0.0)


@pytest.mark.parametrize("metric", [ScoreMetric.AUC, ScoreMetric.IC])
def test_nothing_is_known_without_the_block_that_holds_all_rows(metric: ScoreMetric) -> None:
    blocks, rng = holdout_blocks(TIMELINE, 5, BlockConfig()), np.random.default_rng(3)
    first = int(blocks.starts[2])
    bar = np.arange(first + 1, first + 51)
    prediction = rng.normal(size=50)
    y = (prediction + rng.normal(size=50) > 0).astype(np.float64)
    found = skill_replicates(metric, y, prediction, bar, blocks)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found)), [3])
    assert interval(found).se is None
    across = skill_replicates(metric, y, prediction, bar - 20, blocks)
    assert not np.isnan(across).any()


def test_the_longest_horizon_makes_the_blocks_of_means_and_of_no_other_target() -> None:
    specs = [TargetSpec(name, TaskType.REGRESSION, bars, 0.0) for name, bars in HORIZONS.items()]
    blocks = blocks_of_targets(["short", "long", "gone"], panel_of(specs), TIMELINE, BlockConfig())
    assert {name: len(own) for name, own in blocks.by_target.items()} == {"short": 20, "long": 1}
    assert (len(blocks.shared), blocks.longest) == (1, 700)
    rng = np.random.default_rng(4)
    bar, y = np.arange(START, STOP), rng.normal(size=STOP - START)
    prediction = y + rng.normal(size=len(y))
    short, long = (
        pair_replicates(ScoreMetric.IC, y, prediction, bar, name, blocks) for name in ("short", "long")
    )
    assert float(lower_bounds(short.own)) > 0.5
    assert interval(short.shared).se is interval(long.own).se is None
    assert short.shared[0] == short.own[0]


@pytest.mark.parametrize(("seconds", "expected"), [(22.0, 3), (15.0, 7), (10.0, None), (5.0, None)])
def test_screening_pays_after_as_many_trainings_as_save_it(seconds: float, expected: int | None) -> None:
    rows = [[0.2, 0.2, 0.2]]
    skills = pair_skills(plan=rows, all_pooled=rows, all_symbol=rows, both_averaged=rows)
    baseline = Cost(jobs=4, trained=4, failed=0, missing=0, models=4, seconds=seconds)
    costs = {Scheme.PLAN: DONE, **dict.fromkeys(BASELINES, baseline)}
    known = known_skills(skills, costs)
    screening = Screening(targets=2, timed=2, seconds=20.0, cpu_seconds=35.0)
    assert {line.pays_after for line in scheme_lines(skills, known, costs, screening)[1:4]} == {expected}
    partly = Screening(targets=2, timed=1, seconds=20.0, cpu_seconds=35.0)
    assert {line.pays_after for line in scheme_lines(skills, known, costs, partly)} == {None}
