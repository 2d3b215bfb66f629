"""Evidence of panels that leak, are short or hold nothing to fit: what is left out, and what is left."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_panels import (
    SMALL,
    Run,
    ahead,
    as_class,
    autoregressive,
    evaluate,
    findings,
    panel_frame,
)
from small_market import LONG, UP, VALUE, row, small_frame

from foxml_assets.core.assurances import Assurance
from foxml_assets.core.vocabulary import AssuredBy, LeakageStatus

SAFE, SUSPECT, BLOCKED = LeakageStatus.SAFE, LeakageStatus.SUSPECT, LeakageStatus.BLOCKED


def test_a_copy_of_the_label_blocks_its_target_and_no_other(plain: Run, tmp_path: Path) -> None:
    frame, rng = small_frame(), np.random.default_rng(1)
    frame["echo"] = frame[UP].fillna(0.0) + 0.1 * rng.standard_normal(len(frame))
    found = evaluate(tmp_path, frame, UP, LONG)
    blocked = found.evidence[UP]
    assert {one.leakage_status for one in blocked.rows} == {BLOCKED}
    assert all("echo is nearly the label" in one.leakage_reason for one in blocked.rows)
    assert blocked.features["echo"] is BLOCKED
    assert {status for name, status in blocked.features.items() if name != "echo"} == {SAFE}
    # A row is judged on what is left: without the echo, scores are those of a panel without it.
    assert row(blocked).score.value == pytest.approx(row(plain.evidence[UP]).score.value, abs=1e-9)
    listed = findings(found, UP)
    assert set(listed["feature"]) == {"echo"}
    assert listed["symbol"].isna().sum() == 1
    assert set(listed["symbol"].dropna()) == {"S000", "S001", "S002"}
    assert {one.leakage_status for one in found.evidence[LONG].rows} == {SAFE}
    assert findings(found, LONG).empty


def leaky_frame(rng_seed: int = 2) -> pd.DataFrame:
    """A label of noise and a little signal, a column shifted into the future, and its honest twin."""
    rng = np.random.default_rng(rng_seed)
    shape = (4, 700)
    returns, signal = rng.standard_normal(shape), autoregressive(rng, shape, 0.9)
    returns[:, 1:] += 0.3 * signal[:, :-1]
    forward = ahead(np.cumsum(returns, axis=1), 3) - np.cumsum(returns, axis=1)
    window = pd.DataFrame(returns.T).rolling(8).mean().to_numpy().T
    return panel_frame(
        {
            "signal": signal,
            "window": window,
            "noise_a": rng.standard_normal(shape),
            "leak": ahead(window, 3),
            "fwd_ret_3d": forward,
            "y_up_3d": as_class(forward),
        }
    )


@pytest.mark.parametrize("target", ["fwd_ret_3d", "y_up_3d"])
def test_evidence_with_a_leak_in_the_panel_is_that_of_a_panel_without_it(tmp_path: Path, target: str) -> None:
    frame = leaky_frame()
    settings = {**SMALL, "min_rows": 100, "top_k": 20}
    with_leak = evaluate(tmp_path / "with", frame, target, evidence=settings).evidence[target]
    without = evaluate(tmp_path / "without", frame.drop(columns="leak"), target, evidence=settings).evidence[
        target
    ]
    assert with_leak.features == {**without.features, "leak": BLOCKED}
    assert list(with_leak.features)[-1] == "leak"
    for one, other in zip(with_leak.rows, without.rows, strict=True):
        assert one.leakage_status is SAFE
        assert one.score.value == pytest.approx(other.score.value, abs=1e-9)
        assert one.score.se == pytest.approx(other.score.se, abs=1e-9)
        assert (one.stability, one.families) == (other.stability, other.families)


def test_empty_and_constant_columns_change_no_row(plain: Run, tmp_path: Path) -> None:
    frame = small_frame().assign(empty=np.nan, flat=1.0)
    found = evaluate(tmp_path, frame)
    for target, evidence in found.evidence.items():
        for one, other in zip(evidence.rows, plain.evidence[target].rows, strict=True):
            assert one.score.value == pytest.approx(other.score.value, abs=1e-9)
            assert (one.leakage_status, one.stability) == (other.leakage_status, other.stability)
        assert evidence.features == plain.evidence[target].features


def test_a_symbol_whose_label_leaks_is_kept_out_of_the_pool(tmp_path: Path) -> None:
    frame = small_frame(n_symbols=4)
    there = frame["symbol"] == "S001"
    frame["noise_a"] = frame["noise_a"].where(~there, frame[VALUE].fillna(0.0))
    found = evaluate(tmp_path, frame, VALUE).evidence[VALUE]
    assert [one.symbol for one in found.rows if one.leakage_status is BLOCKED] == ["S001"]
    clean = [row(found, symbol) for symbol in ("S000", "S002", "S003")]
    assert row(found).leakage_status is SAFE
    assert row(found).sample_size == sum(one.sample_size for one in clean)
    assert row(found).score.value == pytest.approx(np.mean([one.cs_score.value for one in clean]))
    assert row(found, "S001").score.value > 0.8
    assert row(found, "S001").cs_score.value < 0.7


def test_what_the_user_vouches_for_is_used_and_recorded(tmp_path: Path) -> None:
    frame, rng = small_frame(), np.random.default_rng(1)
    frame["echo"] = frame[UP].fillna(0.0) + 0.5 * rng.standard_normal(len(frame))
    why = "the exchange publishes it before the bar closes"
    settings = {**SMALL, "leakage": {"known_safe": {"echo": why}}}
    found = evaluate(tmp_path, frame, UP, evidence=settings).evidence[UP]
    assert found.assured == {"echo": Assurance(AssuredBy.USER, reason=why)}
    assert found.features["echo"] is SAFE
    assert row(found).score.value > 0.9
    assert BLOCKED not in {one.leakage_status for one in found.rows}


def test_a_model_too_good_to_be_true_is_suspect(tmp_path: Path) -> None:
    # Many weak copies, none of them suspicious alone: together they are the label.
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((3, 480))
    columns = {f"echo_{at:02d}": noise + 5.5 * rng.standard_normal((3, 480)) for at in range(60)}
    frame = panel_frame({**columns, "fwd_noise_1d": noise})
    settings = {**SMALL, "leakage": {"max_credible_skill": 0.5}}
    found = evaluate(tmp_path, frame, evidence=settings, targets="fwd_*").evidence["fwd_noise_1d"]
    assert row(found).score.value > 0.5
    assert row(found).leakage_status is SUSPECT
    assert "from features that earlier rows do not explain" in row(found).leakage_reason
    own = {one.leakage_status for one in found.rows if one.symbol and one.score.value > 0.5}
    assert own == {SUSPECT}


def test_great_skill_is_credible_where_a_function_of_the_past_carries_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    slow = autoregressive(rng, (3, 480), 0.97)
    frame = panel_frame({"slow": slow, "noise": rng.standard_normal((3, 480)), "fwd_slow_2d": ahead(slow, 2)})
    settings = {**SMALL, "leakage": {"max_credible_skill": 0.5}}
    found = evaluate(tmp_path, frame, evidence=settings, targets="fwd_*").evidence["fwd_slow_2d"]
    assert row(found).score.value > 0.6
    assert {one.leakage_status for one in found.rows} == {SAFE}


def test_great_skill_is_suspect_where_news_carries_it_that_no_value_alone_shows(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    slow, news = autoregressive(rng, (3, 480), 0.97), rng.standard_normal((3, 480))
    # Large or small, whatever its sign: the column's ranks say nothing of the label, its trees all.
    size = np.abs(news) + 0.1 * ahead(slow, 1)
    frame = panel_frame({"slow": slow, "echo": news, "fwd_size_1d": size})
    settings = {**SMALL, "leakage": {"max_credible_skill": 0.5}}
    found = evaluate(tmp_path, frame, evidence=settings, targets="fwd_*").evidence["fwd_size_1d"]
    assert row(found).score.value > 0.5
    assert row(found).leakage_status is SUSPECT
    own = {one.leakage_status for one in found.rows if one.symbol and (one.score.value or 0.0) > 0.5}
    assert own <= {SUSPECT}


def test_symbols_without_a_label_are_not_among_those_to_be_examined(tmp_path: Path) -> None:
    frame = small_frame()
    frame.loc[frame["symbol"] != "S000", UP] = np.nan
    found = evaluate(tmp_path, frame, UP).evidence[UP]
    assert row(found).leakage_status is SAFE
    assert row(found, "S001").leakage_status is LeakageStatus.UNKNOWN
    assert row(found, "S001").sample_size == 0


def test_a_symbol_with_few_rows_has_a_row_without_a_score(tmp_path: Path) -> None:
    frame = small_frame()
    short = (frame["symbol"] == "S002") & (
        frame["timestamp"] < frame["timestamp"].max() - pd.Timedelta(days=90)
    )
    found = evaluate(tmp_path, frame[~short], VALUE).evidence[VALUE]
    assert row(found, "S002").score.value is None
    assert row(found, "S002").sample_size == 0
    assert row(found, "S002").by_family == {}
    assert row(found, "S002").leakage_status is LeakageStatus.UNKNOWN
    assert re.fullmatch(r"\d+ labelled rows, 60 are needed .*", row(found, "S002").leakage_reason)
    assert row(found, "S000").score.value is not None
    assert row(found).leakage_status is SAFE


def test_a_symbol_that_exists_in_the_holdout_only_has_a_row_without_a_score(tmp_path: Path) -> None:
    frame = small_frame()
    last = frame["timestamp"].max() - pd.Timedelta(days=30)
    found = evaluate(tmp_path, frame[(frame["symbol"] != "S002") | (frame["timestamp"] > last)], UP)
    newcomer = row(found.evidence[UP], "S002")
    assert (newcomer.sample_size, newcomer.score.value, newcomer.cs_score.value) == (0, None, None)
    assert newcomer.leakage_status is LeakageStatus.UNKNOWN
    assert row(found.evidence[UP]).score.value > 0.55


def test_where_most_symbols_are_too_short_to_examine_the_pooled_row_is_unknown(tmp_path: Path) -> None:
    frame = small_frame(n_symbols=7)
    last = frame["timestamp"].max() - pd.Timedelta(days=85)
    short = (frame["symbol"] > "S002") & (frame["timestamp"] < last)
    found = evaluate(tmp_path, frame[~short], VALUE).evidence[VALUE]
    assert row(found).leakage_status is LeakageStatus.UNKNOWN
    assert row(found).leakage_reason == (
        "4 of 7 symbols cannot be examined, the longest has 12 labelled rows, "
        "20 are needed to examine a feature"
    )


def test_where_a_class_is_too_rare_to_examine_symbols_are_not_called_short(tmp_path: Path) -> None:
    frame = small_frame(n_symbols=3)
    # Two symbols have the event once in 90 bars, the third in half of them.
    event = frame["symbol"].eq("S000") & frame[UP].eq(1.0) | (frame.groupby("symbol").cumcount() % 90 == 10)
    frame["y_rare_2d"] = event.astype(float).where(frame[UP].notna())
    found = evaluate(tmp_path, frame, "y_rare_2d").evidence["y_rare_2d"]
    assert row(found).leakage_status is LeakageStatus.UNKNOWN
    assert row(found).leakage_reason.startswith("2 of 3 symbols cannot be examined, the longest has ")
    assert row(found).leakage_reason.endswith(
        " labelled rows, but too few of a class or no feature that varies"
    )


def test_a_symbol_that_starts_late_is_scored_where_it_exists(tmp_path: Path) -> None:
    frame = small_frame(n_bars=900)
    late = (frame["symbol"] == "S002") & (frame["timestamp"] < "2020-10-01")
    found = evaluate(tmp_path, frame[~late], VALUE).evidence[VALUE]
    assert 0 < row(found, "S002").sample_size < row(found, "S000").sample_size
    assert row(found, "S002").score.value is not None


def test_a_target_that_is_known_in_the_holdout_only_has_no_scores(tmp_path: Path) -> None:
    frame = small_frame()
    last = frame["timestamp"].max() - pd.Timedelta(days=40)
    frame["y_late_2d"] = frame[UP].where(frame["timestamp"] > last)
    found = evaluate(tmp_path, frame, "y_late_2d").evidence["y_late_2d"]
    assert {one.score.value for one in found.rows} == {None}
    assert {one.sample_size for one in found.rows} == {0}
    assert {one.leakage_status for one in found.rows} == {LeakageStatus.UNKNOWN}
    assert row(found).leakage_reason == "0 labelled rows, 20 are needed to examine a feature"
    assert row(found).successful_families == ()


def test_a_panel_whose_only_feature_is_a_copy_has_blocked_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    value = rng.standard_normal((3, 480))
    frame = panel_frame({"echo": value + 0.1 * rng.standard_normal(value.shape), "fwd_noise_2d": value})
    found = evaluate(tmp_path, frame, targets="fwd_*").evidence["fwd_noise_2d"]
    assert {one.leakage_status for one in found.rows} == {BLOCKED}
    assert found.features == {"echo": BLOCKED}
