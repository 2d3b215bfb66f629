"""Columns that tell the label by where they are missing."""

import numpy as np
import pytest
from evidence_panels import autoregressive, examine, make_panel, statuses
from leak_worlds import as_class, market

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.leakage.findings import Detector

WORLD = market(6, n_bars=1_000)
SHAPE = WORLD.returns.shape
SWING = np.where(np.isnan(WORLD.labels["fwd"]), np.nan, as_class(np.abs(WORLD.labels["fwd"]), 0.3))


def only_at(where: np.ndarray, seed: int = 0) -> np.ndarray:
    """Small whole numbers that tell nothing, missing elsewhere."""
    return np.where(where, np.random.default_rng(seed).integers(1, 6, SHAPE), np.nan)


@pytest.mark.parametrize("wrong", [0.02, 0.1, 0.2])
def test_a_column_that_is_there_where_the_event_happens_is_blocked(wrong: float) -> None:
    flipped = np.random.default_rng(1).random(SHAPE) < wrong
    panel = make_panel({**WORLD.columns, "leak": only_at((SWING == 1) ^ flipped)})
    about = examine(panel).leaks(SWING, WORLD.horizon)
    assert abs(np.nan_to_num(about.skill[:, -1]).mean()) < 0.1
    assert statuses(about, panel) == {"leak": LeakageStatus.BLOCKED}
    (one,) = about.findings
    assert one.symbol is None
    assert one.detector == (Detector.NEAR_COPY if wrong < 0.2 else Detector.LOOK_AHEAD)
    assert one.reason.startswith("where leak is missing tells too much: ")
    # Its values say nothing, so the column is left out and nothing else is held back.
    assert not about.target_blocked


def test_what_is_vouched_for_may_be_missing_anywhere() -> None:
    panel = make_panel({**WORLD.columns, "leak": only_at(SWING == 1)})
    about = examine(panel, known_safe={"leak": "by design"}).leaks(SWING, WORLD.horizon)
    assert about.findings == ()


HONEST = {
    "at_random": np.random.default_rng(2).random(SHAPE) < 0.6,
    "with_memory": autoregressive(np.random.default_rng(3), SHAPE, 0.8) > 0.3,
    "not_on_quiet_days": np.abs(WORLD.returns) > 0.5 * np.std(WORLD.returns),
    "on_fridays": np.broadcast_to(np.arange(SHAPE[1]) % 7 == 4, SHAPE),
    "from_late_on": np.broadcast_to(np.arange(SHAPE[1]) > 600, SHAPE),
    "seldom": np.random.default_rng(4).random(SHAPE) < 0.03,
}


@pytest.mark.parametrize("label", ["fwd", "up", "vol", "swing", "noise"])
@pytest.mark.parametrize("where", HONEST)
def test_what_is_honestly_missing_is_safe(where: str, label: str) -> None:
    y = SWING if label == "swing" else WORLD.labels[label]
    panel = make_panel({**WORLD.columns, "sparse": only_at(HONEST[where])})
    assert examine(panel).leaks(y, WORLD.horizon).findings == ()


def test_reports_that_move_what_follows_are_safe() -> None:
    rng = np.random.default_rng(7)
    reported = rng.random(SHAPE) < 0.15
    # Moves on the five days after a report are large.
    after = np.stack([np.roll(reported, lag, axis=1) for lag in range(1, 6)]).any(axis=0)
    size = np.abs(rng.standard_normal(SHAPE)) * np.where(after, 1.8, 1.0)
    ahead_size = np.stack([np.roll(size, -lag, axis=1) for lag in range(1, 6)]).mean(axis=0)
    panel = make_panel({"report": only_at(reported), "size": size, "noise": rng.standard_normal(SHAPE)})
    examined = examine(panel)
    assert examined.missing is not None
    assert np.nanmean(examined.leaks(ahead_size, 5).skill[:, 1]) > 0.05
    assert examined.leaks(ahead_size, 5).findings == ()
