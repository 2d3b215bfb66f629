"""Columns that look ahead and last: their own earlier rows explain them, and excuse nothing."""

import numpy as np
import pytest
from evidence_panels import Columns, ahead, autoregressive, examine, make_panel, statuses, trailing_mean
from scipy.signal import lfilter

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.leakage.findings import Detector

SHAPE = (6, 1_200)


def world(seed: int) -> tuple[np.random.Generator, np.ndarray, Columns]:
    """Returns, and honest columns made of them."""
    rng = np.random.default_rng(seed)
    returns = np.exp(0.5 * autoregressive(rng, SHAPE, 0.97)) * rng.standard_normal(SHAPE)
    columns = {
        "ret_1": returns,
        "ret_5": trailing_mean(returns, 5),
        "ret_20": trailing_mean(returns, 20),
        "vol_10": np.sqrt(trailing_mean(returns**2, 10)),
        "other": autoregressive(rng, SHAPE, 0.9),
    }
    return rng, returns, columns


def forward(returns: np.ndarray, horizon: int) -> np.ndarray:
    return ahead(trailing_mean(returns, horizon), horizon)


def both_ways_smooth(returns: np.ndarray) -> np.ndarray:
    """The price above its mean of earlier and later rows."""
    price, keep = np.cumsum(returns, axis=1), 0.85
    backward = lfilter([1 - keep], [1, -keep], price, axis=1)
    return price - 0.5 * backward - 0.5 * lfilter([1 - keep], [1, -keep], price[:, ::-1], axis=1)[:, ::-1]


def of_whole_period(values: np.ndarray, rows: int) -> np.ndarray:
    """The mean of every `rows` rows, on all of them."""
    n_symbols, n_bars = values.shape
    return np.repeat(values.reshape(n_symbols, n_bars // rows, rows).mean(axis=2), rows, axis=1)


def regime(returns: np.ndarray) -> np.ndarray:
    """Whether the price is below its mean over 61 rows around."""
    price = np.cumsum(returns, axis=1)
    around = ahead(trailing_mean(price, 61), 30)
    return np.where(np.isnan(around), 0.0, ahead(around, 10) > ahead(around, -10))


LASTING = {
    "smooth": (both_ways_smooth, 5),
    "period_mean": (lambda returns: of_whole_period(returns, 20), 20),
    "regime": (regime, 20),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", LASTING)
def test_a_leak_that_lasts_is_not_excused_by_its_own_earlier_rows(kind: str, seed: int) -> None:
    _, returns, columns = world(seed)
    make, horizon = LASTING[kind]
    # Regimes and means of whole periods look as an honest driver does by the limit that is the default.
    limit = {} if kind == "smooth" else {"lasting_share": 0.15}
    examined = examine(make_panel({**columns, "leak": make(returns)}), **limit)
    assert examined.past.past_r2[-1] > 0.5
    about = examined.leaks(forward(returns, horizon), horizon)
    assert statuses(about, examined.panel) == {"leak": LeakageStatus.BLOCKED}
    (one,) = about.findings
    assert one.detector == Detector.LOOK_AHEAD
    assert f"explain {examined.past.known_later[-1]:.2f} of it" in one.reason


@pytest.mark.parametrize("window", [(5,), (20,), (5, 20)])
@pytest.mark.parametrize("ended", [0, 1, 3, 10])
def test_windows_of_an_honest_column_are_no_witnesses_against_it(ended: int, window: tuple[int, ...]) -> None:
    rng, returns, _ = world(2)
    size = np.abs(returns)
    columns = {f"size_{rows}": ahead(trailing_mean(size, rows), -ended) for rows in window}
    panel = make_panel({"size": size, **columns, "ret_1": returns, "noise": rng.standard_normal(SHAPE)})
    assert examine(panel).past.known_later[0] < 0.05


@pytest.mark.parametrize("memory", [0.9, 0.97])
def test_a_slow_driver_that_no_other_column_knows_is_safe(memory: float) -> None:
    rng = np.random.default_rng(0)
    driver, returns = autoregressive(rng, (8, 2_000), memory), rng.standard_normal((8, 2_000))
    returns[:, 1:] += 0.3 * driver[:, :-1]
    panel = make_panel({"driver": driver, "window": trailing_mean(returns, 8), "returns": returns})
    about = examine(panel).leaks(forward(returns, 3), 3)
    assert np.nanmean(about.skill[:, 0]) > 0.35
    assert statuses(about, panel) == {}


def test_a_column_that_repeats_another_is_no_witness_against_it() -> None:
    rng, _, columns = world(3)
    fresh = rng.standard_normal(SHAPE)
    panel = make_panel({**columns, "fresh": fresh, "fresh_4_days_ago": ahead(fresh, -4)})
    at = panel.features.index("fresh")
    assert examine(panel).past.known_later[at] < 0.02


@pytest.mark.parametrize("setting", ["lasting_skill", "lasting_share"])
def test_the_limits_of_lasting_leaks_are_settings(setting: str) -> None:
    _, returns, columns = world(0)
    panel = make_panel({**columns, "leak": both_ways_smooth(returns)})
    about = examine(panel, **{setting: 0.95}).leaks(forward(returns, 5), 5)
    assert statuses(about, panel) == {}
