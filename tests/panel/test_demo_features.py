"""Demo features know the past only, and demo labels look no further than they say."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import numpy as np
import pandas as pd
import pytest

from foxml_assets.core.errors import PanelError
from foxml_assets.panel.data_config import DemoPanel
from foxml_assets.panel.demo import demo_panel as demo
from foxml_assets.panel.demo.demo_features import demo_features
from foxml_assets.panel.demo.demo_panel import demo_panel, read_prices
from foxml_assets.panel.demo.demo_targets import demo_targets


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    return read_prices(DemoPanel(source="demo", start="2017-01-01"))


@pytest.mark.parametrize("cut", [61, 300, 707, 1_100])
def test_features_do_not_change_when_the_future_is_cut_off(prices: pd.DataFrame, cut: int) -> None:
    whole, truncated = demo_features(prices), demo_features(prices.iloc[:cut])
    for name, wide in whole.items():
        pd.testing.assert_frame_equal(wide.iloc[:cut], truncated[name], check_exact=True, obj=name)


def test_features_do_not_change_when_the_future_is_another(prices: pd.DataFrame) -> None:
    cut = 700
    altered = prices.copy()
    altered.iloc[cut:] *= 1.0 + 0.2 * np.random.default_rng(1).random(altered.iloc[cut:].shape)
    whole, other = demo_features(prices), demo_features(altered)
    for name, wide in whole.items():
        pd.testing.assert_frame_equal(wide.iloc[:cut], other[name].iloc[:cut], rtol=1e-9, obj=name)


@pytest.mark.parametrize(
    ("target", "horizon"),
    [
        ("fwd_ret_5d", 5),
        ("fwd_ret_20d", 20),
        ("fwd_log_vol_10d", 10),
        ("y_will_swing_low_5d_0.03", 5),
        ("y_will_swing_low_vol_20d_1.0", 20),
        ("y_will_swing_peak_10d_0.05", 10),
        ("y_will_swing_peak_vol_5d_0.5", 5),
        ("y_coin_flip_5d", 5),
    ],
)
def test_a_label_needs_its_horizon_and_no_more(prices: pd.DataFrame, target: str, horizon: int) -> None:
    cut = 600
    whole, truncated = demo_targets(prices)[target], demo_targets(prices.iloc[:cut])[target]
    last = cut - horizon
    pd.testing.assert_frame_equal(whole.iloc[:last], truncated.iloc[:last], check_exact=False, atol=1e-12)
    assert truncated.iloc[last:].isna().all().all()
    assert truncated.iloc[last - 1].notna().any()


def test_swing_labels_agree_with_a_plain_loop(prices: pd.DataFrame) -> None:
    labels = demo_targets(prices)
    closes = prices["AAPL"].to_numpy()
    for t in range(0, 900, 37):
        fell = closes[t + 1 : t + 6].min() <= closes[t] * (1 - 0.03)
        rose = closes[t + 1 : t + 11].max() >= closes[t] * (1 + 0.05)
        assert labels["y_will_swing_low_5d_0.03"]["AAPL"].iloc[t] == fell
        assert labels["y_will_swing_peak_10d_0.05"]["AAPL"].iloc[t] == rose


def test_no_label_or_feature_but_the_echo_depends_on_the_coin(prices: pd.DataFrame) -> None:
    coin = demo_targets(prices)["y_coin_flip_5d"].to_numpy().ravel()
    known = ~np.isnan(coin)
    for name, wide in demo_features(prices).items():
        values = wide.to_numpy().ravel()
        both = known & ~np.isnan(values)
        correlation = abs(np.corrcoef(coin[both], values[both])[0, 1])
        assert (correlation > 0.9) == (name == "coin_flip_echo"), name


def test_the_demo_holds_no_infinities(prices: pd.DataFrame) -> None:
    raw = demo_panel(DemoPanel(source="demo"))
    values = raw.frame[[*raw.features, *(target.name for target in raw.targets)]].to_numpy()
    assert not np.isinf(values).any()
    assert len(raw.features) >= 30
    assert len(raw.targets) >= 7


def test_the_prices_are_read_without_importing_skfolio() -> None:
    code = (
        "import sys; from foxml_assets.panel.demo.demo_panel import read_prices;"
        "from foxml_assets.panel.data_config import DemoPanel;"
        "assert read_prices(DemoPanel(source='demo')).shape == (8313, 20);"
        "assert 'skfolio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_without_the_demo_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(demo, "distribution", not_installed)
    with pytest.raises(PanelError, match=r"foxml-assets\[demo\]"):
        read_prices(DemoPanel(source="demo"))


def test_an_unknown_demo_symbol_is_named() -> None:
    with pytest.raises(PanelError, match="NOPE"):
        read_prices(DemoPanel(source="demo", symbols=("AAPL", "NOPE")))


def test_a_start_after_the_last_day_is_an_error() -> None:
    with pytest.raises(PanelError, match="too late"):
        demo_panel(DemoPanel(source="demo", start="2030-01-01"))
