"""No look-ahead from the hold-out into training."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from foxml_assets.training.split import split_rows, timeline_of

PRESENT = st.lists(st.lists(st.booleans(), min_size=40, max_size=40), min_size=1, max_size=4)


@given(present=PRESENT, holdout_bar=st.integers(1, 39), horizon=st.integers(0, 12))
def test_no_training_label_reaches_the_hold_out(
    present: list[list[bool]], holdout_bar: int, horizon: int
) -> None:
    symbol, bar = np.nonzero(np.array(present))
    train, holdout = split_rows(symbol, bar, holdout_bar=holdout_bar, horizon_bars=horizon, n_bars=40)
    assert not (train & holdout).any()
    assert (bar[train] + horizon < holdout_bar).all()
    assert (bar[holdout] >= holdout_bar).all()
    for code in np.unique(symbol):
        own = np.flatnonzero(symbol == code)
        held_from = next((place for place, row in enumerate(own) if bar[row] >= holdout_bar), len(own))
        assert [place for place, row in enumerate(own) if train[row]] == list(
            range(max(0, held_from - horizon))
        )


@given(present=PRESENT, horizon=st.integers(0, 12))
def test_without_a_hold_out_every_row_trains(present: list[list[bool]], horizon: int) -> None:
    symbol, bar = np.nonzero(np.array(present))
    train, holdout = split_rows(symbol, bar, holdout_bar=40, horizon_bars=horizon, n_bars=40)
    assert train.all()
    assert not holdout.any()


def test_the_timeline_counts_distinct_timestamps_of_the_whole_panel() -> None:
    times = pd.Series(pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-01", "2020-01-02", "2020-01-08"]))
    timeline = timeline_of(times, 0.25)
    assert timeline.holdout_bar == 3
    assert timeline.bar_of(times).tolist() == [2, 0, 0, 1, 3]
