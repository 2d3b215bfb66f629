"""Folds are purged in bars, whatever the panel looks like."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foxml_assets.core.errors import PanelError
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.folds import evidence_stop, holdout_start, purge_bars, walk_forward

SETTINGS = st.fixed_dictionaries(
    {
        "n_bars": st.integers(1, 5_000),
        "horizon": st.integers(1, 200),
        "n_folds": st.integers(2, 12),
        "embargo": st.integers(0, 50),
        "holdout": st.floats(0.0, 0.6),
    }
)


@given(SETTINGS)
def test_no_training_label_reaches_its_test_window_and_no_test_label_the_holdout(settings: dict) -> None:
    n_bars, horizon = settings["n_bars"], settings["horizon"]
    config = EvidenceConfig(
        n_folds=settings["n_folds"], embargo_bars=settings["embargo"], holdout_fraction=settings["holdout"]
    )
    try:
        folds = walk_forward(n_bars, horizon, config)
    except PanelError:
        return
    assert len(folds) == config.n_folds
    for fold in folds:
        last_label_end = fold.train_stop - 1 + horizon
        assert fold.train_stop > 0
        assert last_label_end + config.embargo_bars < fold.test_start < fold.test_stop
    for earlier, later in pairwise(folds):
        assert earlier.train_stop < later.train_stop
        assert earlier.test_stop == later.test_start
    if config.holdout_fraction > 0 and holdout_start(n_bars, config.holdout_fraction) < n_bars:
        last_test_label_end = folds[-1].test_stop - 1 + horizon
        assert last_test_label_end < holdout_start(n_bars, config.holdout_fraction)
    else:
        assert folds[-1].test_stop == n_bars


@given(SETTINGS)
def test_the_holdout_holds_its_fraction_of_the_bars(settings: dict) -> None:
    n_bars, fraction = settings["n_bars"], settings["holdout"]
    start = holdout_start(n_bars, fraction)
    assert 0 <= n_bars - start <= n_bars * fraction < n_bars - start + 1
    assert evidence_stop(n_bars, settings["horizon"], fraction) <= start


def test_a_panel_too_short_for_its_horizon_says_so() -> None:
    with pytest.raises(PanelError, match="100 bars are too few for 5 folds of labels 20 bars ahead"):
        walk_forward(100, 20, EvidenceConfig())


def test_targets_of_like_horizons_share_their_folds() -> None:
    assert [purge_bars(bars) for bars in (1, 2, 3, 4, 5, 8, 9, 60)] == [1, 2, 4, 4, 8, 8, 16, 64]
