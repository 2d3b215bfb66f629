"""Planted leaks are found, and honest features are left alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from foxml_assets.selection.leakage import Finding, find_leaks
from foxml_assets.selection.single_skill import FeatureSkill, feature_skill
from foxml_assets.selection.target_data import load_target
from foxml_assets.selection.verdicts import pooled_symbols, row_verdict
from small_panels import parquet_config, small_frame

from foxml_assets.evidence.records import Estimate
from foxml_assets.layout import Layout
from foxml_assets.selection.config import LeakageConfig
from foxml_assets.selection.panel import build_panel
from foxml_assets.vocabulary import LeakageStatus, ScoreMetric

EVIDENCE = "evidence: {n_folds: 3, min_rows: 100}"
N_BARS = 1_500


def walks(seed: int = 0) -> dict[str, np.ndarray]:
    """Daily returns of four stocks with volatility that moves slowly."""
    rng = np.random.default_rng(seed)
    returns = {}
    for symbol in ("AAA", "BBB", "CCC", "DDD"):
        volatility = np.exp(pd.Series(rng.standard_normal(N_BARS)).ewm(halflife=40).mean() * 4.0)
        returns[symbol] = 0.01 * volatility.to_numpy() * rng.standard_normal(N_BARS)
    return returns


def leaky_frame(seed: int = 0) -> pd.DataFrame:
    """A 10-day label of each kind beside honest features and features that saw the future."""
    rng = np.random.default_rng(seed + 100)
    parts = []
    for symbol, daily in walks(seed).items():
        returns = pd.Series(daily)
        path = returns.cumsum()
        volatility = returns.rolling(20).std()
        forward = path.shift(-10) - path
        fall = path - path.shift(-1)[::-1].rolling(10).min()[::-1]
        blur = pd.Series(rng.standard_normal(len(returns)))
        parts.append(
            pd.DataFrame(
                {
                    "timestamp": pd.date_range("2015-01-01", periods=len(returns), freq="D"),
                    "symbol": symbol,
                    "honest_ret_5": path.diff(5),
                    "honest_vol_20": volatility,
                    "honest_dist_high": path - path.rolling(60).max(),
                    "honest_noise": blur,
                    "copy_of_future": forward + 0.1 * forward.std() * blur,
                    "tomorrow": returns.shift(-1),
                    "noisy_future": forward + 2.0 * forward.std() * blur,
                    "fwd_ret_10d": forward,
                    "fwd_log_vol_10d": np.log(returns.rolling(10).std()).shift(-10),
                    "y_low_scaled_10d": (fall >= volatility * np.sqrt(10) * 0.7).where(
                        fall.notna() & volatility.notna()
                    )
                    * 1.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def leaks(tmp_path: Path, frame: pd.DataFrame, target: str) -> tuple[Finding, ...]:
    path = tmp_path / "panel.parquet"
    frame.to_parquet(path, index=False)
    config, layout = parquet_config(path, evidence=EVIDENCE), Layout(tmp_path / "out")
    data = load_target(target, build_panel(config, layout), config.evidence, layout)
    return find_leaks(data, feature_skill(data, config.evidence), config.evidence.leakage)


@pytest.mark.parametrize("target", ["fwd_ret_10d", "fwd_log_vol_10d", "y_low_scaled_10d"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_honest_feature_is_flagged(tmp_path: Path, target: str, seed: int) -> None:
    flagged = {one.feature for one in leaks(tmp_path, leaky_frame(seed), target)}
    assert not {name for name in flagged if name.startswith("honest")}


def test_future_returns_are_flagged_by_how_much_they_know(tmp_path: Path) -> None:
    found = leaks(tmp_path, leaky_frame(), "fwd_ret_10d")
    overall = {one.feature: one.status for one in found if one.symbol is None}
    assert overall == {
        "copy_of_future": LeakageStatus.BLOCKED,
        "noisy_future": LeakageStatus.SUSPECT,
        "tomorrow": LeakageStatus.SUSPECT,
    }
    assert any("copy_of_future is nearly the label" in one.reason for one in found)


def test_a_leak_on_a_barrier_label_is_flagged(tmp_path: Path) -> None:
    found = {one.feature for one in leaks(tmp_path, leaky_frame(), "y_low_scaled_10d") if one.symbol is None}
    assert found >= {"copy_of_future", "noisy_future", "tomorrow"}


def test_a_copy_on_one_symbol_blocks_that_symbol_and_no_other(tmp_path: Path) -> None:
    frame = leaky_frame().drop(columns=["copy_of_future", "tomorrow", "noisy_future"])
    at_bbb = frame["symbol"] == "BBB"
    frame["honest_noise"] = frame["honest_noise"].where(~at_bbb, -frame["fwd_ret_10d"])
    found = leaks(tmp_path, frame, "fwd_ret_10d")
    assert [(one.symbol, one.feature, one.status) for one in found] == [
        ("BBB", "honest_noise", LeakageStatus.BLOCKED)
    ]
    symbols = ("AAA", "BBB", "CCC", "DDD")
    assert pooled_symbols(symbols, found).tolist() == [True, False, True, True]


def finding(symbol: str | None, status: LeakageStatus, skill: float = 0.5) -> Finding:
    return Finding(symbol, "feature", skill, 0.0, 0.0, status, f"feature {status}")


def test_a_symbol_is_at_least_as_suspect_as_its_target() -> None:
    suspect = [finding(None, LeakageStatus.SUSPECT)]
    verdict = row_verdict("AAA", suspect, True, Estimate(0.6), ScoreMetric.AUC, LeakageConfig())
    assert verdict.status is LeakageStatus.SUSPECT
    assert "feature" in verdict.reason


def test_blocked_is_worse_than_suspect_and_the_reason_names_the_feature() -> None:
    both = [finding("AAA", LeakageStatus.SUSPECT), finding("AAA", LeakageStatus.BLOCKED, 0.9)]
    verdict = row_verdict("AAA", both, True, Estimate(0.6), ScoreMetric.AUC, LeakageConfig())
    assert (verdict.status, verdict.reason) == (LeakageStatus.BLOCKED, "feature BLOCKED")


@pytest.mark.parametrize(
    ("score", "metric", "status"),
    [
        (0.95, ScoreMetric.AUC, LeakageStatus.SUSPECT),
        (0.85, ScoreMetric.AUC, LeakageStatus.SAFE),
        (0.05, ScoreMetric.AUC, LeakageStatus.SUSPECT),
        (0.85, ScoreMetric.IC, LeakageStatus.SUSPECT),
        (0.5, ScoreMetric.IC, LeakageStatus.SAFE),
        (None, ScoreMetric.IC, LeakageStatus.SAFE),
    ],
)
def test_a_score_too_good_to_be_true_is_suspect(
    score: float | None, metric: ScoreMetric, status: LeakageStatus
) -> None:
    assert row_verdict(None, [], True, Estimate(score), metric, LeakageConfig()).status is status


def test_a_row_that_could_not_be_examined_is_unknown_not_safe() -> None:
    verdict = row_verdict("AAA", [], False, Estimate(0.6), ScoreMetric.AUC, LeakageConfig())
    assert verdict.status is LeakageStatus.UNKNOWN


def test_a_target_blocked_on_all_symbols_leaves_none_out_of_the_pool() -> None:
    found = [finding(symbol, LeakageStatus.BLOCKED) for symbol in (None, "AAA", "BBB")]
    assert pooled_symbols(("AAA", "BBB"), found).all()


@pytest.mark.parametrize(
    ("now", "lagged", "ahead", "status"),
    [
        (0.85, 0.8, 0.9, LeakageStatus.BLOCKED),
        (-0.85, -0.1, 0.9, LeakageStatus.BLOCKED),
        (0.4, 0.02, 0.01, LeakageStatus.SUSPECT),
        (-0.4, 0.02, -0.5, LeakageStatus.SUSPECT),
        (-0.4, -0.02, 0.5, None),
        (0.4, 0.3, 0.5, None),
        (0.4, 0.195, 0.0, None),
        (0.14, 0.0, 0.0, None),
        (np.nan, np.nan, np.nan, None),
        (0.4, np.nan, np.nan, None),
    ],
)
def test_the_past_and_the_future_of_a_feature_tell_a_leak_from_an_honest_one(
    tmp_path: Path, now: float, lagged: float, ahead: float, status: LeakageStatus | None
) -> None:
    path = tmp_path / "panel.parquet"
    small_frame().to_parquet(path, index=False)
    config, layout = parquet_config(path), Layout(tmp_path / "out")
    data = load_target("fwd_value_2d", build_panel(config, layout), config.evidence, layout)
    shape = (len(data.symbols), len(data.features))
    one, nothing = np.zeros(shape), np.zeros(shape)
    one[:, 0] = 1.0
    skill = FeatureSkill(
        now=np.where(one, now, nothing),
        lagged=np.where(one, lagged, nothing),
        ahead=np.where(one, ahead, nothing),
        rows=np.full(len(data.symbols), 4_000),
    )
    overall = [one.status for one in find_leaks(data, skill, LeakageConfig()) if one.symbol is None]
    assert overall == ([status] if status else [])
