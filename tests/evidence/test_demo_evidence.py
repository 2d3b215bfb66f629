"""Evidence about five real stocks: the planted leak is blocked, and nothing honest is."""

from pathlib import Path

import pytest
from evidence_panels import Run, folder_bytes, run

from foxml_assets.core.config_files import parse_config
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.panel.data_config import DataConfig

# The evidence is made once.
pytestmark = pytest.mark.xdist_group("demo_evidence")
DEMO = b"""
panel: {source: demo, symbols: [AAPL, JPM, KO, WMT, XOM], start: 2012-06-01}
evidence: {}
"""
COIN, ECHO = "y_coin_flip_5d", "coin_flip_echo"
SAFE, BLOCKED = LeakageStatus.SAFE, LeakageStatus.BLOCKED


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All targets, with the settings of the default."""
    return run(tmp_path_factory.mktemp("demo"), parse_config(DEMO, DataConfig, file=Path("data_config.yaml")))


def test_the_planted_leak_is_blocked(demo: Run) -> None:
    coin = demo.evidence[COIN]
    assert {one.leakage_status for one in coin.rows} == {BLOCKED}
    assert all(ECHO in one.leakage_reason for one in coin.rows)
    assert list(coin.features.items())[-1] == (ECHO, BLOCKED)


def test_without_its_echo_the_coin_scores_near_chance(demo: Run) -> None:
    # The echo is kept out of the evidence, so that rows are judged on what is left.
    for one in demo.evidence[COIN].rows:
        assert abs(one.score.value - 0.5) < max(4 * one.score.se, 0.02)
        assert abs(one.score.value - 0.5) < 0.06


def test_no_honest_feature_is_flagged(demo: Run) -> None:
    for target, evidence in demo.evidence.items():
        if target != COIN:
            assert {one.leakage_status for one in evidence.rows} == {SAFE}, target
        flagged = {name: status for name, status in evidence.features.items() if status is not SAFE}
        assert flagged == ({ECHO: BLOCKED} if target == COIN else {}), target


def test_volatility_is_easier_than_returns_and_swings_lie_between(demo: Run) -> None:
    skill = {target: evidence.rows[0].score.value for target, evidence in demo.evidence.items()}
    assert skill["fwd_log_vol_10d"] > 0.2
    assert skill["fwd_log_vol_10d"] > abs(skill["fwd_ret_5d"])
    assert 0.52 < skill["y_will_swing_low_5d_0.03"] < 0.75


def test_a_target_evaluated_alone_has_the_same_bytes(demo: Run, tmp_path: Path) -> None:
    target = "y_will_swing_peak_10d_0.05"
    alone = run(tmp_path, demo.config, target)
    assert folder_bytes(alone.layout.feature_selection(target)) == folder_bytes(
        demo.layout.feature_selection(target)
    )
