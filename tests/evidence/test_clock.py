"""Features that the calendar tells are asked nothing about the future."""

import numpy as np
from evidence_panels import examine, make_panel, statuses
from leak_worlds import market

from foxml_assets.evidence.leakage.clock import told_by_clock


def test_the_calendar_tells_its_own_columns_and_no_others() -> None:
    world = market(0)
    panel = make_panel(world.columns)
    n_symbols = len(panel.symbols)
    weekday = np.tile(panel.times.day_of_week.to_numpy(dtype=float), (n_symbols, 1))
    by_symbol = weekday.copy()
    by_symbol[3] += 1.0
    with_gaps = np.where(np.arange(600) % 7 == 0, np.nan, weekday)
    columns = {
        **world.without("weekday"),
        "weekday": weekday,
        "is_monday_tomorrow": (weekday == 6).astype(float),
        "month": np.tile(panel.times.month.to_numpy(dtype=float), (n_symbols, 1)),
        "with_gaps": with_gaps,
        "by_symbol": by_symbol,
        "constant": np.ones((n_symbols, 600)),
    }
    assert told_by_clock(make_panel(columns)) == {"weekday", "is_monday_tomorrow", "month", "with_gaps"}


def test_a_weekday_that_later_rows_know_is_no_look_ahead() -> None:
    world = market(4)
    panel = make_panel(world.columns)
    weekday = np.tile(panel.times.day_of_week.to_numpy(dtype=float), (8, 1))
    label = world.labels["fwd"] + 4.0 * np.isin((weekday + 1) % 7, (0, 1))
    columns = {
        **world.columns,
        "starts_tomorrow": np.isin((weekday + 1) % 7, (0, 1)).astype(float),
        "start_of_week": np.isin(weekday, (0, 1)).astype(float),
    }
    examined = examine(make_panel(columns))
    about = examined.leaks(label, world.horizon)
    assert np.nanmean(about.skill[:, examined.panel.features.index("starts_tomorrow")]) > 0.4
    assert statuses(about, examined.panel) == {}
    asked = dict(zip(examined.panel.features, examined.known.doubted, strict=True))
    assert not asked["starts_tomorrow"]
    assert asked["vol_20"]
