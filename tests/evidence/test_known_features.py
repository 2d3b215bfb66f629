"""What the user says of features beforehand: reasons, calendars, and names that are none."""

from dataclasses import replace

import numpy as np
import pytest
from evidence_panels import (
    ahead,
    autoregressive,
    examine,
    make_panel,
    statuses,
)

from foxml_assets.core.assurances import Assurance, assurance_lines
from foxml_assets.core.errors import PanelError
from foxml_assets.core.vocabulary import AssuredBy, LeakageStatus
from foxml_assets.evidence.arrays import PanelArrays
from foxml_assets.evidence.leakage.known import known_features
from foxml_assets.evidence.replay.comparison import Change, Replayed
from foxml_assets.evidence.replay.replay_file import Replay
from foxml_assets.panel.data_config import LeakageConfig

BLOCKED = LeakageStatus.BLOCKED
SHAPE = (6, 500)


def dated_panel() -> PanelArrays:
    """Features of every kind on six symbols, the last with half of the bars."""
    rng = np.random.default_rng(0)
    days = np.broadcast_to(np.arange(SHAPE[1]) % 7.0, SHAPE)
    by_symbol = days + np.arange(SHAPE[0])[:, None]
    gaps = np.where(rng.random(SHAPE) < 0.1, np.nan, np.broadcast_to(np.arange(SHAPE[1]) % 30.0, SHAPE))
    columns = {
        "day_of_week": days,
        "day_of_month": gaps,
        "to_earnings": by_symbol,
        "signal": rng.standard_normal(SHAPE),
    }
    return make_panel(columns, [500] * 5 + [250])


def known(**leakage: object) -> dict[str, Assurance]:
    config = LeakageConfig.model_validate(leakage)
    return known_features(dated_panel(), config, Replay()).assured


def test_a_calendar_is_the_same_for_all_symbols_as_far_as_it_is_known() -> None:
    calendar = Assurance(AssuredBy.CALENDAR)
    assert known(calendar="day_*") == {"day_of_week": calendar, "day_of_month": calendar}
    assert known(calendar=["day_of_week"]) == {"day_of_week": calendar}


def test_a_calendar_that_differs_between_symbols_is_refused_with_two_of_them() -> None:
    with pytest.raises(PanelError) as caught:
        known(calendar=["day_of_week", "to_earnings"])
    told = str(caught.value)
    assert "feature to_earnings: is 0 on S000 and 4 on S004 at 2015-01-01T00:00:00; 500 times differ" in told
    assert "evidence.leakage.known_safe" in told
    assert "day_of_week" not in told


def test_a_reason_counts_before_a_calendar() -> None:
    found = known(calendar=["day_of_week"], known_safe={"day_*": "a calendar"})
    assert {one.by for one in found.values()} == {AssuredBy.USER}


def test_a_pattern_that_names_no_feature_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(PanelError) as caught:
        known(calendar=["day_of_wek", "day_*"], known_safe={"re:sign": "because", "zzz*": "because"})
    told = str(caught.value)
    calendar = "evidence.leakage.calendar: names no feature; did you mean day_of_week, day_of_month? (found"
    assert calendar in told
    assert "evidence.leakage.known_safe: names no feature; did you mean signal? (found 're:sign')" in told
    assert "evidence.leakage.known_safe: names no feature (found 'zzz*')" in told
    assert "day_of_week, day_of_month, to_earnings, signal" in told


def market(copy: float) -> tuple[PanelArrays, np.ndarray]:
    """Returns that the market drives, the market's return of tomorrow, and tomorrow's return as label."""
    rng = np.random.default_rng(1)
    common = np.broadcast_to(rng.standard_normal(SHAPE[1]), SHAPE)
    returns = copy * common + np.sqrt(1.0 - copy**2) * rng.standard_normal(SHAPE)
    columns = {
        "ret_1": returns,
        "slow": autoregressive(rng, SHAPE, 0.95),
        "event": np.nan_to_num(ahead(common, 1)),
    }
    return make_panel(columns), ahead(returns, 1)


def test_a_calendar_is_asked_neither_for_look_ahead_nor_for_news() -> None:
    panel, label = market(0.6)
    assert set(statuses(examine(panel).leaks(label, 1), panel)) == {"event"}
    assert statuses(examine(panel, calendar=("event",)).leaks(label, 1), panel) == {}


def test_a_calendar_that_is_nearly_the_label_is_its_copy_all_the_same() -> None:
    panel, label = market(0.97)
    about = examine(panel, calendar=("event",)).leaks(label, 1)
    assert statuses(about, panel) == {"event": BLOCKED}
    assert about.target_blocked
    assert "event is nearly the label" in about.findings[0].reason
    assert not examine(panel, known_safe={"event": "it is public"}).leaks(label, 1).target_blocked


def test_assurances_are_told_in_words() -> None:
    assured = {
        "vix": Assurance(AssuredBy.USER, reason="published before the bar closes"),
        "scaled": Assurance(AssuredBy.USER, reason="a scale", despite="scaled changes"),
        "hour": Assurance(AssuredBy.CALENDAR),
        "day": Assurance(AssuredBy.CALENDAR),
        **{f"mom_{at:02d}": Assurance(AssuredBy.REPLAY, cuts=8) for at in range(25)},
        "late": Assurance(AssuredBy.REPLAY, cuts=5),
    }
    lines = assurance_lines(assured)
    assert lines[:2] == (
        "vouched for by you: scaled: a scale (although scaled changes)",
        "vouched for by you: vix: published before the bar closes",
    )
    assert "known in advance, as you say (calendar): day, hour" in lines
    assert "proven by replay at 5 cuts to use earlier rows only: late" in lines
    assert any(line.endswith("mom_19, and 5 more") for line in lines)
    assert assurance_lines({}) == ()


def test_what_replay_found_stands_whatever_the_panel_says() -> None:
    # So strong and so slow that it is asked whether it copies the label, and is cleared of that.
    slow = autoregressive(np.random.default_rng(1), SHAPE, 0.995)
    examined = examine(make_panel({"slow": slow, "noise": np.random.default_rng(2).standard_normal(SHAPE)}))
    assert statuses(examined.leaks(ahead(slow, 1), 1), examined.panel) == {}
    change = Change("2015-06-01", "2015-06-01", "S000", with_future=1.0, without_future=2.0, size=1.0)
    found = {"slow": Replayed("my:build", cuts=8, compared=40, changed=40, change=change)}
    replayed = known_features(examined.panel, LeakageConfig(), Replay(features=found))
    about = replace(examined, known=replayed).leaks(ahead(slow, 1), 1)
    assert np.nanmean(about.skill[:, 0]) > 0.8
    assert statuses(about, examined.panel) == {"slow": BLOCKED}
