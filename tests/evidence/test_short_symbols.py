"""Symbols with few rows: what is found on them together, and nothing by luck on one of them."""

import numpy as np
import pytest
from evidence_panels import ahead, examine, make_panel, statuses
from leak_worlds import market

from foxml_assets.core.vocabulary import LeakageStatus

BLOCKED = LeakageStatus.BLOCKED


def test_symbols_too_short_to_examine_do_not_count_as_clean() -> None:
    world = market(6, n_symbols=20)
    long = np.arange(20) < 11
    lengths = np.where(long, 600, 80).tolist()
    columns = {**world.columns, "leak": world.copy("fwd", 0.97)}
    examined = examine(make_panel(columns, lengths))
    about = examined.leaks(world.labels["fwd"], world.horizon)
    assert about.target_blocked
    assert statuses(about, examined.panel) == {"leak": BLOCKED}
    assert about.examined.tolist() == long.tolist()
    # Copied on six of the eleven that can be examined, and on all that cannot.
    honest_here = long & (np.arange(20) >= 6)
    columns["leak"] = np.where(honest_here[:, None], world.columns["memory_0.0"], columns["leak"])
    examined = examine(make_panel(columns, lengths))
    assert examined.leaks(world.labels["fwd"], world.horizon).target_blocked


def test_a_panel_of_short_symbols_is_examined_all_the_same() -> None:
    world = market(6)
    panel = make_panel({**world.columns, "leak": world.copy("fwd", 0.97)}, [150] * 8)
    examined = examine(panel)
    about = examined.leaks(world.labels["fwd"], world.horizon)
    assert about.examined.all()
    assert about.target_blocked
    assert statuses(about, panel) == {"leak": BLOCKED}


@pytest.mark.parametrize("length", [30, 40, 80])
@pytest.mark.parametrize("label", ["fwd", "up", "rare", "noise"])
def test_symbols_that_tell_little_alone_are_examined_together(label: str, length: int) -> None:
    world = market(1, n_symbols=60)
    lengths = [length] * 60
    examined = examine(make_panel(world.columns, lengths))
    about = examined.leaks(world.labels[label], world.horizon)
    assert statuses(about, examined.panel) == {}
    assert about.findings == ()
    leaks = {"copy": world.copy(label, 0.97), "early": ahead(world.columns["mean_5"], 5)}
    examined = examine(make_panel({**world.columns, **leaks}, lengths))
    about = examined.leaks(world.labels[label], world.horizon)
    flagged = statuses(about, examined.panel)
    if label == "noise":
        # Of which what comes early tells nothing.
        flagged.pop("early", None)
    assert flagged == {"copy": BLOCKED} | ({"early": BLOCKED} if label != "noise" else {})
    assert about.target_blocked


def test_luck_on_one_of_many_short_symbols_is_no_finding() -> None:
    rng = np.random.default_rng(0)
    driver = rng.standard_normal((150, 80))
    returns = rng.standard_normal((150, 80))
    # A driver without memory: on few rows its skill of .25 is .36 and more on some symbols.
    returns[:, 1:] += 0.25 * driver[:, :-1]
    panel = make_panel({"driver": driver, "noise": rng.standard_normal((150, 80))})
    about = examine(panel).leaks(ahead(returns, 1), 1)
    assert (about.skill[:, 0] > 0.36).sum() > 5
    assert about.findings == ()
    assert not about.suspect.any()


def test_what_nobody_could_examine_is_unknown_and_not_safe() -> None:
    world = market(6)
    examined = examine(make_panel({**world.columns, "leak": world.labels["fwd"]}, [15] * 8))
    about = examined.leaks(world.labels["fwd"], world.horizon)
    assert set(statuses(about, examined.panel).values()) == {LeakageStatus.UNKNOWN}
    assert not about.examined.any()
    assert about.usable.all()
