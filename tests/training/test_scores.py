"""Hold-out scores against worked examples and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.training.scores import holdout_scores, score

AUC, IC = TaskType.CLASSIFICATION, TaskType.REGRESSION


def test_auc_counts_rightly_ranked_pairs_and_ties_as_half() -> None:
    y = np.array([0, 0, 1, 1.0])
    assert score(AUC, y, np.array([0.1, 0.4, 0.35, 0.8]), min_rows=2).value == 0.75
    assert score(AUC, y, np.array([0.5, 0.5, 0.5, 0.5]), min_rows=2).value == 0.5
    found = score(AUC, y, np.array([4, 3, 2, 1.0]), min_rows=2)
    assert (found.metric, found.value, found.skill, found.n) == (ScoreMetric.AUC, 0.0, -1.0, 4)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=5, max_size=40))
def test_ic_is_the_rank_correlation(rows: list[tuple[int, int]]) -> None:
    y, prediction = np.array(rows, dtype=float).T
    found = score(IC, y, prediction, min_rows=2)
    if np.ptp(y) == 0:
        assert found.value is None
    elif np.ptp(prediction) == 0:
        assert found.value == 0.0
    else:
        assert found.value == pytest.approx(spearmanr(y, prediction).statistic)
        assert found.skill == found.value


def test_a_pooled_model_gets_no_credit_for_telling_symbols_apart() -> None:
    y = np.array([0, 0, 1, 0, 0, 1, 1, 1, 0, 1.0])
    code = np.repeat([0, 1], 5)
    found = holdout_scores(AUC, y, code.astype(float), code, ["A", "B"], min_rows=2)
    assert found.stacked.value is not None
    assert found.stacked.value > 0.6
    assert found.within_symbols.value == 0.5
    assert found.within_symbols.n == 10


def test_what_cannot_be_scored_is_none_and_left_out_of_the_mean() -> None:
    y = np.array([0, 1, 0, 1, 1.0, 1, 0])
    code = np.array([0, 0, 0, 1, 1, 1, 2])
    found = holdout_scores(AUC, y, y, code, ["A", "B", "C", "D"], min_rows=2)
    values = [item.score.value for item in found.by_symbol]
    assert values == [1.0, None, None, None]
    assert found.within_symbols.value == 1.0
    assert found.of("A") == found.by_symbol[0].score
    assert found.of("Z") is None
    assert holdout_scores(AUC, np.empty(0), np.empty(0), np.empty(0, int), ["A"], min_rows=2).stacked.n == 0
