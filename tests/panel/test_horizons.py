"""Horizons from settings and from target names."""

import pytest

from foxml_assets.core.errors import Problem
from foxml_assets.panel.horizons import Horizon, infer_horizon, parse_horizon, too_short

DAY, MINUTE = 1_440.0, 1.0


@pytest.mark.parametrize(
    ("text", "bar_minutes", "bars", "minutes"),
    [
        ("5 bars", DAY, 5, 7_200.0),
        ("1 bar", MINUTE, 1, 1.0),
        (7, MINUTE, 7, 7.0),
        ("10m", MINUTE, 10, 10.0),
        ("10m", 3.0, 4, 10.0),
        ("5d", DAY, 5, 7_200.0),
        ("2w", DAY, 14, 20_160.0),
        ("4h", 60.0, 4, 240.0),
        ("30s", MINUTE, 1, 0.5),
        ("1.5h", 30.0, 3, 90.0),
        ("1h", DAY, 1, 60.0),
        ("30d", 31 * DAY, 1, 30 * DAY),
    ],
)
def test_a_horizon_becomes_bars_rounded_up(
    text: int | str, bar_minutes: float, bars: int, minutes: float
) -> None:
    horizon = parse_horizon(text, field="horizon")
    assert isinstance(horizon, Horizon)
    assert horizon.in_bars(bar_minutes) == bars
    assert horizon.in_minutes(bar_minutes) == pytest.approx(minutes)


@pytest.mark.parametrize(
    ("target", "minutes"),
    [("y_will_swing_low_10m_0.20", 10.0), ("fwd_ret_5d", 7_200.0), ("Y_UP_2H", 120.0), ("ret_30s", 0.5)],
)
def test_a_duration_in_the_name_is_the_horizon(target: str, minutes: float) -> None:
    assert infer_horizon(target) == Horizon(minutes=minutes)


def test_bars_in_the_name_are_the_horizon() -> None:
    assert infer_horizon("fwd_ret_12bars") == Horizon(bars=12)


@pytest.mark.parametrize(
    ("target", "bar_minutes", "said"),
    [
        ("y_1m", 31 * DAY, "is 31d (`m` stands for minutes): give a number of bars"),
        ("fwd_ret_6m", DAY, "target fwd_ret_6m: looks ahead less than half a bar, which is 1d"),
        ("y_29m", 60.0, "`panel.horizons: {y_29m: 5 bars}` (found '29m')"),
        ("ret_20s", MINUTE, "(found '20s')"),
    ],
)
def test_a_duration_of_less_than_half_a_bar_is_a_problem(target: str, bar_minutes: float, said: str) -> None:
    horizon = infer_horizon(target)
    assert isinstance(horizon, Horizon)
    assert said in str(too_short(target, horizon, bar_minutes))


@pytest.mark.parametrize(
    ("text", "bar_minutes"), [("30s", MINUTE), ("30m", 60.0), ("30m", 5.0), ("4w", 31 * DAY), ("1 bar", DAY)]
)
def test_a_duration_of_half_a_bar_or_more_and_any_bars_fit(text: str, bar_minutes: float) -> None:
    horizon = parse_horizon(text, field="horizon")
    assert isinstance(horizon, Horizon)
    assert too_short("y", horizon, bar_minutes) is None


@pytest.mark.parametrize("target", ["y_up", "fwd_ret_5d_20d", "y_0.20", "d5_ret"])
def test_a_name_with_no_horizon_or_two_is_a_problem_that_names_it(target: str) -> None:
    problem = infer_horizon(target)
    assert isinstance(problem, Problem)
    assert target in problem.field


@pytest.mark.parametrize("text", ["soon", "5", "5 parsecs", "-3d", "0 bars", "0d", "1.5 bars", "", 0, -2])
def test_a_horizon_that_cannot_be_read_is_a_problem(text: int | str) -> None:
    assert isinstance(parse_horizon(text, field="horizon"), Problem)
