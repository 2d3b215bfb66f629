"""Copies of a label that begin late, or end early."""

import numpy as np
import pytest
from evidence_panels import ahead, autoregressive, examine, make_panel, statuses
from leak_worlds import market

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.leakage.findings import Detector

WORLD = market(5, n_bars=1_200)
BARS = np.arange(1_200)


def copy_where(known: np.ndarray, label: str, seed: int) -> np.ndarray:
    """A column with memory, which is nearly the label where `known`."""
    rng = np.random.default_rng(seed)
    y = WORLD.labels[label]
    filled = np.nan_to_num((y - np.nanmean(y)) / np.nanstd(y), nan=0.0)
    return np.where(
        known, filled + 0.3 * rng.standard_normal(y.shape), autoregressive(rng, y.shape, 0.8) * 1.05
    )


@pytest.mark.parametrize("label", ["fwd", "up", "luck"])
@pytest.mark.parametrize(
    "known",
    [BARS >= 800, BARS >= 1_000, BARS < 300],
    ids=["last_third", "last_sixth", "first_quarter"],
)
def test_a_copy_for_a_part_of_the_time_is_blocked(known: np.ndarray, label: str) -> None:
    panel = make_panel({**WORLD.columns, "leak": copy_where(known, label, 0)})
    about = examine(panel).leaks(WORLD.labels[label], WORLD.horizon)
    assert abs(np.nanmean(about.skill[:, -1])) < 0.6
    assert statuses(about, panel) == {"leak": LeakageStatus.BLOCKED}
    (one,) = (finding for finding in about.findings if finding.symbol is None)
    assert one.detector == Detector.NEAR_COPY
    assert "is nearly the label from" in one.reason
    # The column is left out; what is honest beside it is served.
    assert not about.target_blocked


def test_great_skill_of_the_past_in_a_part_of_the_time_is_no_copy() -> None:
    rng = np.random.default_rng(0)
    # A slow series tells where it will be very well, and the noise it is seen through nothing of that.
    slow = 4.0 * autoregressive(rng, (8, 1_200), 0.97)
    seen = {f"seen_{at}": slow + 1.2 * rng.standard_normal(slow.shape) for at in range(3)}
    examined = examine(make_panel({**seen, "noise": rng.standard_normal(slow.shape)}))
    assert (examined.past.past_r2[:3] < 0.95).all()
    about = examined.leaks(ahead(slow, 2), 2)
    assert (about.skill[:, :3].mean(axis=0) > 0.8).all()
    assert statuses(about, examined.panel) == {}
