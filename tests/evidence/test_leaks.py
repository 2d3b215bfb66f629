"""What is found about each feature: copies, columns that look ahead, and nothing about honest ones."""

from functools import cache

import numpy as np
import pytest
from evidence_panels import Examined, ahead, examine, make_panel, statuses, trailing_mean
from leak_worlds import Market, as_class, market

from foxml_assets.core.assurances import Assurance
from foxml_assets.core.vocabulary import AssuredBy, LeakageStatus
from foxml_assets.evidence.leakage.findings import Detector
from foxml_assets.evidence.leakage.leaks import Leaks
from foxml_assets.panel.data_config import OnNearCopy

SAFE, SUSPECT, BLOCKED = LeakageStatus.SAFE, LeakageStatus.SUSPECT, LeakageStatus.BLOCKED
LABELS = ("fwd", "up", "rare", "vol", "noise", "luck")


def found(world: Market, label: str, **leaks: np.ndarray) -> tuple[dict[str, LeakageStatus], Leaks]:
    """The features that are not SAFE, and all findings, with `leaks` beside the honest columns."""
    examined = examine(make_panel({**world.columns, **leaks}))
    about = examined.leaks(world.labels[label], world.horizon)
    return statuses(about, examined.panel), about


@cache
def honest(seed: int, horizon: int = 5, memory: float = 0.97) -> tuple[Market, Examined]:
    world = market(seed, horizon=horizon, memory=memory)
    return world, examine(make_panel(world.columns))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("label", LABELS)
def test_no_honest_feature_is_flagged(label: str, seed: int) -> None:
    world, examined = honest(seed)
    about = examined.leaks(world.labels[label], world.horizon)
    assert statuses(about, examined.panel) == {}
    assert about.findings == ()
    assert not about.target_blocked
    assert not about.blocked.any()
    assert not about.suspect.any()
    assert about.examined.all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_news_that_drives_a_label_does_not_fade_as_its_copy_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    driver, returns = rng.standard_normal((8, 600)), rng.standard_normal((8, 600))
    # White noise that moves the next row only, and with it all labels whose horizon holds that row.
    returns[:, 1:] += 1.5 * driver[:, :-1]
    forward = ahead(np.cumsum(returns, axis=1), 5) - np.cumsum(returns, axis=1)
    panel = make_panel({"driver": driver, "noise": rng.standard_normal((8, 600))})
    about = examine(panel).leaks(forward, 5)
    assert np.nanmean(about.skill[:, 0]) > 0.3
    assert statuses(about, panel) == {}
    assert not about.suspect.any()


@pytest.mark.parametrize("memory", [0.97, 0.995])
@pytest.mark.parametrize("horizon", [1, 10, 20])
def test_volatility_that_lasts_is_no_leak(horizon: int, memory: float) -> None:
    world, examined = honest(3, horizon, memory)
    label = "vol" if horizon > 1 else "fwd"
    about = examined.leaks(world.labels[label], horizon)
    assert statuses(about, examined.panel) == {}
    if label == "vol":
        at = examined.panel.features.index("vol_20")
        assert np.nanmean(about.skill[:, at]) > 0.3


@pytest.mark.parametrize("auc", [0.7, 0.75, 0.85, 0.9, 0.95, 0.97])
@pytest.mark.parametrize("label", ["fwd", "up", "rare", "noise", "luck"])
def test_a_noisy_copy_is_flagged_by_how_much_it_knows(label: str, auc: float) -> None:
    world = market(0)
    flagged, about = found(world, label, leak=world.copy(label, auc))
    assert flagged == {"leak": SUSPECT if auc < 0.8 else BLOCKED}
    assert about.target_blocked == (auc >= 0.95) or auc == 0.9
    assert not about.usable[-1]


def test_most_weak_copies_are_flagged() -> None:
    worlds = [market(seed) for seed in range(4)]
    flagged = [
        found(world, "luck", leak=world.copy("luck", auc))[0] for world in worlds for auc in (0.62, 0.65)
    ]
    assert all(set(one) <= {"leak"} for one in flagged)
    assert sum(map(bool, flagged)) >= 6


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("auc", [0.7, 0.75, 0.8, 0.85, 0.95])
def test_a_copy_of_a_label_that_lasts_is_flagged_beside_strong_honest_skill(auc: float, seed: int) -> None:
    world = market(seed)
    flagged, about = found(world, "vol", leak=world.copy("vol", auc))
    assert set(flagged) == {"leak"}
    assert not about.usable[-1]


@pytest.mark.parametrize("horizon", [1, 10, 20])
@pytest.mark.parametrize("label", ["fwd", "up"])
def test_a_near_copy_is_found_at_every_horizon(label: str, horizon: int) -> None:
    world = market(0, horizon=horizon)
    flagged, about = found(world, label, leak=world.copy(label, 0.98))
    # The label of a long horizon remembers itself, and so does its copy.
    assert flagged == {"leak": BLOCKED}
    assert about.target_blocked


def test_findings_hold_the_numbers_behind_them() -> None:
    world = market(0)
    _, about = found(world, "fwd", leak=world.copy("fwd", 0.75))
    (one,) = (finding for finding in about.findings if finding.symbol is None)
    assert (one.feature, one.detector, one.status) == ("leak", Detector.NEWS, SUSPECT)
    assert one.skill == pytest.approx(0.5, abs=0.1)
    assert one.past_r2 < 0.3
    assert one.skill_left < 0.5
    assert f"{one.skill:.3f}" in one.reason


@pytest.mark.parametrize("twin", [True, False])
@pytest.mark.parametrize(
    ("label", "source", "lead"), [("fwd", "mean_20", 5), ("up", "mean_20", 5), ("vol", "vol_20", 5)]
)
def test_a_window_shifted_ahead_is_found_with_and_without_its_honest_twin(
    label: str, source: str, lead: int, twin: bool
) -> None:
    world = market(1)
    columns = world.columns if twin else world.without("ret_1", "mean_5", "mean_20", "gap_8", "vol_20")
    examined = examine(make_panel({**columns, "leak": ahead(world.columns[source], lead)}))
    about = examined.leaks(world.labels[label], world.horizon)
    assert statuses(about, examined.panel) == {"leak": BLOCKED}
    overall = [one for one in about.findings if one.symbol is None]
    assert [one.detector for one in overall] == [Detector.LOOK_AHEAD]
    assert "looks ahead" in overall[0].reason
    if twin:
        assert examined.past.lead_bars[-1] == lead
        assert examined.past.future_share[-1] > 0.75
        # Only the feature is left out; nobody's row is held back for a column that is not used.
        assert not about.target_blocked


@pytest.mark.parametrize("lead", [1, 4, 8, 10, 11, 15, 33])
def test_a_window_is_found_beside_its_honest_twin_however_far_it_was_shifted(lead: int) -> None:
    world = market(1)
    past = examine(make_panel({**world.columns, "leak": ahead(world.columns["vol_20"], lead)})).past
    assert past.future_share[-1] > 0.75
    assert past.lead_bars[-1] == lead


@pytest.mark.parametrize(("label", "source"), [("fwd", "mean_20"), ("vol", "vol_20")])
def test_a_window_shifted_ahead_by_ten_bars_is_blocked_beside_its_twin(label: str, source: str) -> None:
    world = market(1)
    assert found(world, label, leak=ahead(world.columns[source], 10))[0] == {"leak": BLOCKED}


@pytest.mark.parametrize("label", ["fwd", "up", "rare"])
def test_a_centred_window_is_found(label: str) -> None:
    world = market(2)
    centred = ahead(trailing_mean(world.returns, 11), 5)
    assert found(world, label, leak=centred)[0] == {"leak": BLOCKED}


@pytest.mark.parametrize("label", ["fwd", "up"])
def test_tomorrows_return_is_found_beside_todays(label: str) -> None:
    world = market(2)
    flagged, about = found(world, label, leak=ahead(world.returns, 1))
    assert flagged == {"leak": BLOCKED}
    assert about.findings[0].lagged_skill < 0.5 * about.findings[0].skill


@pytest.mark.parametrize("label", ["noise", "luck", "size"])
def test_what_surely_looks_ahead_is_out_of_targets_too_that_it_does_not_order(label: str) -> None:
    world = market(2)
    # The size of tomorrow's return is that of today's column without its sign.
    world.labels["size"] = as_class(np.abs(world.labels["fwd"]))
    shifted = ahead(world.returns, 1)
    flagged, about = found(world, label, leak=shifted)
    assert flagged == {"leak": BLOCKED}
    (finding,) = about.findings
    assert finding.future_share > 0.5
    assert "when taken back 1 bars" in finding.reason


def test_leaks_of_several_kinds_are_found_together() -> None:
    world = market(3)
    leaks = {
        "shifted": ahead(world.columns["mean_20"], 5),
        "tomorrow": ahead(world.returns, 1),
        "blurred": world.copy("fwd", 0.9),
    }
    flagged, _ = found(world, "fwd", **leaks)
    assert flagged == dict.fromkeys(leaks, BLOCKED)


def test_leaks_that_look_ahead_alike_are_found_together() -> None:
    world = market(3)
    leaks = {
        "shifted": ahead(world.columns["mean_20"], 5),
        "centred": ahead(trailing_mean(world.returns, 11), 5),
    }
    for name, leak in leaks.items():
        assert set(found(world, "fwd", **{name: leak})[0]) == {name}
    assert set(found(world, "fwd", **leaks)[0]) == set(leaks)


def test_a_weak_copy_is_found_beside_strong_leaks() -> None:
    world = market(3)
    leaks = {"strong": world.copy("fwd", 0.93), "tomorrow": ahead(world.returns, 1)}
    weak = {"blurred": world.copy("fwd", 0.75)}
    assert set(found(world, "fwd", **weak)[0]) == set(weak)
    assert set(found(world, "fwd", **leaks, **weak)[0]) == {*leaks, *weak}


@pytest.mark.parametrize("label", ["fwd", "up", "vol", "noise", "luck"])
def test_copies_that_explain_each_other_are_found_all_the_same(label: str) -> None:
    world = market(0)
    copies = {f"leak_{at}": world.copy(label, 0.97) for at in range(2)}
    flagged, about = found(world, label, **copies)
    assert flagged == dict.fromkeys(copies, BLOCKED)
    assert about.target_blocked


def test_weak_copies_that_explain_each_other_are_found_all_the_same() -> None:
    world = market(0)
    copies = {f"leak_{at}": world.copy("luck", 0.75) for at in range(3)}
    assert set(found(world, "luck", **copies)[0]) == set(copies)


@pytest.mark.parametrize("n_leaking", [1, 2])
def test_a_copy_on_a_few_symbols_blocks_these_and_keeps_them_out_of_the_pool(n_leaking: int) -> None:
    world = market(4)
    leaking = np.arange(8) < n_leaking
    column = np.where(leaking[:, None], world.copy("fwd", 0.97), world.columns["memory_0.0"])
    flagged, about = found(world, "fwd", leak=column)
    assert flagged == {}
    assert about.blocked.tolist() == leaking.tolist()
    assert about.pooled.tolist() == (~leaking).tolist()
    assert not about.target_blocked
    assert {one.symbol for one in about.findings} == {f"S{at:03d}" for at in range(n_leaking)}


def test_a_column_that_copies_the_label_on_many_symbols_is_dropped_for_all() -> None:
    world = market(4, n_symbols=12)
    leaking = np.arange(12) < 4
    column = np.where(leaking[:, None], world.copy("fwd", 0.97), world.rng.standard_normal((12, 600)))
    flagged, about = found(world, "fwd", leak=column)
    assert flagged == {"leak": BLOCKED}
    assert about.blocked.tolist() == leaking.tolist()
    assert not about.target_blocked


def test_a_weaker_copy_on_one_symbol_makes_that_symbol_suspect() -> None:
    world = market(5)
    column = world.rng.standard_normal((8, 600))
    column[3] = world.copy("fwd", 0.8)[3]
    flagged, about = found(world, "fwd", leak=column)
    assert flagged == {}
    assert np.flatnonzero(about.suspect).tolist() == [3]
    assert [(one.symbol, one.feature, one.status) for one in about.findings] == [("S003", "leak", SUSPECT)]
    assert np.flatnonzero(~about.pooled).tolist() == [3]


def test_a_feature_that_the_user_vouches_for_is_left_alone_and_recorded() -> None:
    world = market(7)
    panel = make_panel({**world.columns, "leak": world.copy("fwd", 0.97), "other": world.copy("fwd", 0.75)})
    examined = examine(panel, known_safe={"lea*": "published before the bar closes"})
    about = examined.leaks(world.labels["fwd"], world.horizon)
    assert examined.known.assured == {
        "leak": Assurance(AssuredBy.USER, reason="published before the bar closes")
    }
    assert statuses(about, panel) in ({"other": SUSPECT}, {})
    assert not about.target_blocked
    assert not about.blocked.any()


def test_a_near_copy_can_be_left_out_instead_of_blocking_its_target() -> None:
    world = market(7)
    panel = make_panel({**world.columns, "leak": world.copy("up", 0.97)})
    examined = examine(panel, on_near_copy=OnNearCopy.EXCLUDE)
    about = examined.leaks(world.labels["up"], world.horizon)
    assert statuses(about, panel) == {"leak": BLOCKED}
    assert not about.target_blocked
    assert not about.blocked.any()
    assert about.pooled.all()


@pytest.mark.parametrize("label", LABELS)
def test_empty_and_constant_columns_change_nothing(label: str) -> None:
    world, _ = honest(0)
    nothing = {"empty": np.full(world.returns.shape, np.nan), "flat": np.ones(world.returns.shape)}
    leak = {"leak": world.copy("fwd", 0.75)}
    plain = examine(make_panel({**world.columns, **leak}))
    more = examine(make_panel({**world.columns, **leak, **nothing}))
    n = len(plain.panel.features)
    np.testing.assert_allclose(more.past.past_r2[:n], plain.past.past_r2, atol=1e-6)
    np.testing.assert_allclose(more.past.future_share[:n], plain.past.future_share, atol=1e-6)
    before = plain.leaks(world.labels[label], world.horizon)
    after = more.leaks(world.labels[label], world.horizon)
    assert after.statuses[:n] == before.statuses
    assert after.usable[n:].all()
    assert [one.feature for one in after.findings] == [one.feature for one in before.findings]
    np.testing.assert_array_equal(after.examined, before.examined)


def test_statuses_are_words_of_the_vocabulary() -> None:
    world = market(0)
    _, about = found(world, "fwd", leak=world.copy("fwd", 0.75), empty=np.full((8, 600), np.nan))
    assert {type(status) for status in about.statuses} == {LeakageStatus}
