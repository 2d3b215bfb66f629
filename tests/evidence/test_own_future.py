"""Labels that are the future of a feature itself: its value forecasts them, and it is no leak for that."""

import numpy as np
import pytest
from evidence_panels import ahead, as_class, autoregressive, examine, make_panel, statuses, trailing_mean

from foxml_assets.core.vocabulary import LeakageStatus

N_SYMBOLS, N_BARS = 8, 1200


def forecasts(memory: float, horizon: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A series that remembers `memory` of itself, and its mean over the next `horizon` bars."""
    rng = np.random.default_rng(3)
    series = autoregressive(rng, (N_SYMBOLS, N_BARS), memory)
    series = series + noise * rng.standard_normal(series.shape)
    return series, ahead(trailing_mean(series, horizon), horizon)


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize(
    ("memory", "horizon"),
    [(0.85, 1), (0.9, 1), (0.94, 1), (0.97, 1), (0.85, 5), (0.9, 5), (0.94, 5), (0.94, 20), (0.97, 20)],
)
def test_a_series_that_forecasts_its_own_mean_is_no_leak(memory: float, horizon: int, noise: float) -> None:
    series, mean = forecasts(memory, horizon, noise)
    panel = make_panel({"turnover": series, "noise": np.random.default_rng(4).standard_normal(series.shape)})
    examined = examine(panel)
    for label in (mean, as_class(mean)):
        about = examined.leaks(label, horizon)
        assert np.nanmean(np.abs(about.skill[:, 0])) > 0.5
        assert statuses(about, panel) == {}
        assert not about.target_blocked
        assert not about.blocked.any()


@pytest.mark.parametrize("late", [0, 1, 2])
@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_a_label_among_the_features_is_found_also_some_bars_late(memory: float, late: int) -> None:
    rng = np.random.default_rng(5)
    # The mean of the next five: a copy that is two bars late still knows three of them.
    series = autoregressive(rng, (N_SYMBOLS, N_BARS), memory)
    mean = ahead(trailing_mean(series, 5), 5)
    panel = make_panel({"leak": ahead(mean, -late), "noise": rng.standard_normal(series.shape)})
    about = examine(panel).leaks(mean, 5)
    assert statuses(about, panel) == {"leak": LeakageStatus.BLOCKED}
