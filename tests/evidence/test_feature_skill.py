"""How well a feature alone orders a label, and what the panel's past and future say of it."""

import numpy as np
import pytest
from evidence_panels import ahead, autoregressive, examine, label_rows, make_panel, spec_of, trailing_mean
from scipy.stats import mannwhitneyu, rankdata, spearmanr

from foxml_assets.evidence.leakage.ranks import LabelView, feature_ranks, label_skill, scaled_ranks, shifted
from foxml_assets.panel.data_config import EvidenceConfig

CONFIG = EvidenceConfig(min_rows=50)


def skill_of(columns: dict[str, np.ndarray], label: np.ndarray, horizon: int = 1, lag: int = 0) -> np.ndarray:
    panel = make_panel(columns)
    view = LabelView(spec_of(label, horizon), label_rows(panel, label))
    return label_skill(feature_ranks(panel, CONFIG), view, np.arange(len(columns)), CONFIG, lag)


def gappy(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = {f"x{at}": rng.standard_normal((2, 400)) for at in range(3)}
    columns["x1"] = np.round(columns["x1"])
    label = rng.standard_normal((2, 400)) + columns["x0"]
    columns["x2"][rng.random((2, 400)) < 0.2] = np.nan
    label[:, -5:] = np.nan
    return columns, label


def test_skill_is_the_rank_formula_on_known_rows() -> None:
    columns, value = gappy(0)
    label = np.where(np.isnan(value), np.nan, value > 0.2)
    found = skill_of(columns, label)
    for at, x in enumerate(columns.values()):
        for symbol in range(2):
            # Ranks are those among all known values of the symbol, labelled or not.
            ranks = scaled_ranks(x[symbol])
            known = ~np.isnan(x[symbol]) & ~np.isnan(label[symbol])
            positive, negative = (ranks[known & (label[symbol] == value)] for value in (1, 0))
            expected = 2 * (positive.mean() - negative.mean())
            assert found[symbol, at] == pytest.approx(expected, abs=1e-6)
            auc = mannwhitneyu(positive, negative).statistic / (len(positive) * len(negative))
            assert found[symbol, at] == pytest.approx(2 * auc - 1, abs=0.01)


def test_skill_at_a_value_is_spearmans_on_known_rows() -> None:
    columns, label = gappy(1)
    found = skill_of(columns, label)
    for at, x in enumerate(columns.values()):
        for symbol in range(2):
            known = ~np.isnan(x[symbol]) & ~np.isnan(label[symbol])
            expected = spearmanr(x[symbol, known], label[symbol, known]).statistic
            assert found[symbol, at] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("lag", [3, -3])
def test_a_lag_reads_earlier_rows_and_a_negative_one_later_rows(lag: int) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2, 400))
    label = ahead(x, -lag)
    assert skill_of({"x": x}, label, lag=lag) == pytest.approx(1.0, abs=1e-3)
    assert abs(skill_of({"x": x}, label)).max() < 0.2


def test_too_few_rows_classes_or_episodes_are_not_measured() -> None:
    rng = np.random.default_rng(3)
    x, label = rng.standard_normal((1, 400)), np.zeros((1, 400))
    label[0, :30] = 1.0
    assert np.isfinite(skill_of({"x": x}, label, horizon=6)).all()
    assert np.isnan(skill_of({"x": x}, label, horizon=7)).all()
    few = np.where(np.arange(400) < 40, x, np.nan)
    assert np.isnan(skill_of({"x": few}, rng.standard_normal((1, 400)))).all()
    assert np.isnan(skill_of({"x": x}, np.full((1, 400), 2.0) + 0.0 * label)).all()


def test_ranks_ignore_what_is_missing() -> None:
    values = np.array([[3.0], [np.nan], [1.0], [1.0]])
    expected = (rankdata([3.0, 1.0, 1.0]) - 0.5) / 3 - 0.5
    found = scaled_ranks(values)[:, 0]
    np.testing.assert_allclose(found[[0, 2, 3]], expected)
    assert np.isnan(found[1])
    assert np.isnan(shifted(values, 9)).all()


def test_the_past_explains_what_was_made_of_it_and_the_future_what_was_shifted() -> None:
    rng = np.random.default_rng(4)
    shape = (6, 600)
    returns, slow = rng.standard_normal(shape), autoregressive(rng, shape, 0.98)
    columns = {
        "returns": returns,
        "window": trailing_mean(returns, 10),
        "slow": slow,
        "noise": rng.standard_normal(shape),
        "shifted": ahead(trailing_mean(returns, 10), 5),
    }
    past = examine(make_panel(columns)).past
    by_name = dict(
        zip(columns, zip(past.past_r2, past.future_share, past.lead_bars, strict=True), strict=True)
    )
    for name in ("window", "slow"):
        assert by_name[name][0] > 0.8
        assert by_name[name][1] < 0.3
    for name in ("returns", "noise"):
        assert by_name[name][1] < 0.3
    assert by_name["noise"][0] < 0.1
    assert by_name["shifted"][1] > 0.75
    assert by_name["shifted"][2] == 5
    assert {by_name[name][2] for name in columns if name != "shifted"} == {0}


def test_news_is_what_the_past_leaves_open() -> None:
    rng = np.random.default_rng(5)
    columns = {"slow": autoregressive(rng, (6, 600), 0.99), "noise": rng.standard_normal((6, 600))}
    found = examine(make_panel(columns))
    news = found.past.news.ranks
    assert np.isnan(news[found.panel.bar < 20]).all()
    known = found.panel.bar >= 20
    assert np.nanstd(news[known, 0]) < 0.3 * np.nanstd(found.ranks.ranks[known, 0])
    assert np.nanstd(news[known, 1]) == pytest.approx(np.nanstd(found.ranks.ranks[known, 1]), rel=0.1)


def test_a_column_that_cannot_be_examined_has_no_answers() -> None:
    rng = np.random.default_rng(6)
    empty_half = rng.standard_normal((4, 400))
    empty_half[:, :220] = np.nan
    past = examine(
        make_panel(
            {"x": rng.standard_normal((4, 400)), "empty": np.full((4, 400), np.nan), "late": empty_half}
        )
    ).past
    assert np.isfinite(past.past_r2[0])
    assert np.isnan(past.past_r2[1:]).all()
    assert np.isnan(past.future_share[1:]).all()
