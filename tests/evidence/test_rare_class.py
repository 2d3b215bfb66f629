"""Leaks of a class that is too rare on each symbol, and not on all of them together."""

import numpy as np
import pytest
from evidence_panels import (
    Columns,
    ahead,
    as_class,
    autoregressive,
    examine,
    label_rows,
    make_panel,
    spec_of,
    statuses,
    trailing_mean,
)

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.leakage.copies import is_beyond_chance
from foxml_assets.evidence.leakage.ranks import LabelView, label_skill

N_SYMBOLS, N_BARS, HORIZON = 12, 1_500, 5
BLOCKED, SUSPECT = LeakageStatus.BLOCKED, LeakageStatus.SUSPECT


def world(seed: int, share: float = 0.015, common: float = 0.0) -> tuple[Columns, np.ndarray, np.ndarray]:
    """Honest features, the mean return that one of them moves, and its rare top as a class."""
    rng = np.random.default_rng(seed)
    shape = (N_SYMBOLS, N_BARS)
    fast, slow = autoregressive(rng, shape, 0.9), autoregressive(rng, shape, 0.98)
    returns = rng.standard_normal(shape) + common * rng.standard_normal((1, N_BARS)) + 0.25 * fast
    value = ahead(trailing_mean(returns, HORIZON), HORIZON)
    honest = {"fast": fast, "slow": slow, "momentum": trailing_mean(returns, 20)}
    return honest, value, as_class(value, share)


@pytest.mark.parametrize("share", [0.01, 0.015, 0.03])
@pytest.mark.parametrize("seed", [1, 2])
def test_honest_features_of_a_rare_class_are_examined_and_safe(share: float, seed: int) -> None:
    honest, _, label = world(seed, share)
    panel = make_panel(honest)
    # 15 to 45 rows of the class on each symbol, where five episodes of five bars are asked for.
    assert np.nansum(label[0]) == pytest.approx(share * N_BARS, abs=1)
    about = examine(panel).leaks(label, HORIZON)
    assert about.examined.all()
    assert statuses(about, panel) == {}


@pytest.mark.parametrize(
    ("noise", "status"), [(0.45, BLOCKED), (0.8, BLOCKED), (1.3, SUSPECT)], ids=["0.95", "0.8", "0.7"]
)
def test_copies_of_a_rare_class_are_found(noise: float, status: LeakageStatus) -> None:
    honest, _, label = world(3)
    copy = np.nan_to_num(label) + noise * np.random.default_rng(9).standard_normal(label.shape)
    panel = make_panel({**honest, "leak": copy})
    about = examine(panel).leaks(label, HORIZON)
    assert statuses(about, panel) == {"leak": status}


def test_windows_that_look_ahead_of_a_rare_class_are_found() -> None:
    honest, value, label = world(4)
    panel = make_panel({**honest, "leak": np.nan_to_num(value)})
    assert statuses(examine(panel).leaks(label, HORIZON), panel) == {"leak": BLOCKED}


def test_events_that_fall_on_the_same_few_days_on_all_symbols_tell_too_little() -> None:
    honest, _, label = world(1, common=10.0)
    about = examine(make_panel(honest)).leaks(label, HORIZON)
    assert not about.examined.any()
    assert set(about.statuses) == {LeakageStatus.UNKNOWN}


def test_luck_with_a_rare_class_is_as_great_as_its_rows_are_few() -> None:
    rng = np.random.default_rng(7)
    features = rng.standard_normal((N_SYMBOLS, N_BARS, 40))
    panel = make_panel({f"x{at:02d}": features[:, :, at] for at in range(40)})
    label = as_class(rng.standard_normal((N_SYMBOLS, N_BARS)), 0.015)
    examined = examine(panel)
    view = LabelView(spec_of(label, 1), label_rows(panel, label))
    skill = label_skill(examined.ranks, view, np.arange(40), examined.config)
    # The mean of 12 symbols with 22 rows of the class: an error of .035, by all rows it would be .008.
    assert np.std(np.mean(skill, axis=0)) == pytest.approx(0.035, rel=0.4)
    assert not is_beyond_chance(skill, panel, view).any()
