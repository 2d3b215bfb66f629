"""The experimental lane and its cap per target."""

import pytest
from candidate_rows import local, pair, pooled, routed, target_row


def _lane(n: int, fraction: float, **settings: object) -> tuple[int, int]:
    rows = [local(f"S{at:03d}", score=0.53 - at * 1e-5) for at in range(n)]
    lane = {"max_fraction_symbols_per_target": fraction}
    plan = routed(pooled(), *rows, settings={"experimental": lane, **settings})
    inside = plan.pairs[plan.pairs["route"] == "ROUTE_EXPERIMENTAL_ONLY"]
    assert list(inside["symbol"]) == [f"S{at:03d}" for at in range(len(inside))]
    return len(inside), int(target_row(plan)["experimental_limit"])


@pytest.mark.parametrize(
    ("n", "fraction", "places"),
    [(10, 0.2, 2), (9, 0.2, 1), (4, 0.2, 1), (1, 0.2, 1), (100, 0.29, 29), (30, 0.1, 3), (7, 1.0, 7)],
)
def test_the_cap_is_the_fraction_rounded_down_and_at_least_one(n: int, fraction: float, places: int) -> None:
    assert _lane(n, fraction) == (places, places)


def test_those_over_the_cap_are_blocked_with_their_rank() -> None:
    rows = [local(f"S{at}", score=0.53 - at * 1e-5) for at in range(5)]
    plan = routed(pooled(), *rows)
    over = pair(plan, "S2")
    assert (over["route"], over["rule"]) == ("ROUTE_BLOCKED", "experimental_lane_full")
    assert over["reason"] == "experimental lane full: rank 3 of 1 allowed"
    assert pair(plan, "S0")["experimental_rank"] == 1


def test_the_lane_ranks_by_gate_then_sample_size_then_symbol() -> None:
    rows = [
        local("D", score=0.525, sample_size=5_000),
        local("C", score=0.525, sample_size=9_000),
        local("B", score=0.525, sample_size=5_000),
        local("A", score=0.521, sample_size=90_000),
        local("E", score=0.53, sample_size=1_000),
    ]
    plan = routed(pooled(), *rows)
    ranks = {name: int(pair(plan, name)["experimental_rank"]) for name in "ABCDE"}
    assert ranks == {"E": 1, "C": 2, "B": 3, "D": 4, "A": 5}


def test_pairs_without_a_gate_come_last_in_the_lane() -> None:
    plan = routed(pooled(score=0.515), local("B", score=0.50), universe={"y": ["A", "B"]})
    assert pair(plan, "B")["route"] == "ROUTE_EXPERIMENTAL_ONLY"
    assert pair(plan, "A")["rule"] == "experimental_lane_full"


def test_blocked_pairs_take_no_place_but_count_as_symbols_of_the_target() -> None:
    leaks = [local(f"L{at}", score=0.53, leakage_status="BLOCKED") for at in range(5)]
    trials = [local(f"T{at}", score=0.53) for at in range(5)]
    plan = routed(pooled(), *leaks, *trials)
    assert (plan.pairs["route"] == "ROUTE_EXPERIMENTAL_ONLY").sum() == 2
    assert plan.pairs.loc[plan.pairs["hard_block"], "experimental_rank"].isna().all()


def test_every_target_has_its_own_lane() -> None:
    rows = [local(f"S{at}", target, score=0.53) for target in ("y", "z") for at in range(5)]
    plan = routed(pooled("y"), pooled("z"), *rows)
    counts = plan.pairs[plan.pairs["route"] == "ROUTE_EXPERIMENTAL_ONLY"]["target"].value_counts()
    assert counts.to_dict() == {"y": 1, "z": 1}


def test_a_closed_lane_lets_nobody_in() -> None:
    plan = routed(pooled(), local(score=0.53), settings={"enable_experimental_lane": False})
    assert (pair(plan)["route"], pair(plan)["local_state"]) == ("ROUTE_BLOCKED", "DISALLOWED")


@pytest.mark.parametrize("method", ["thresholds", "shrinkage"])
def test_no_place_goes_to_a_symbol_without_a_sample_of_its_own(method: str) -> None:
    unseen = pooled(score=0.9, score_se=0.001, leakage_status="UNKNOWN")
    empty = local("A", sample_size=0, score=None, score_se=None)
    plan = routed(unseen, empty, local("B", score=0.5), settings={"method": method})
    assert (pair(plan, "A")["route"], pair(plan, "A")["rule"]) == ("ROUTE_BLOCKED", "nothing_allowed")
    assert (pair(plan, "B")["route"], pair(plan, "B")["experimental_rank"]) == ("ROUTE_EXPERIMENTAL_ONLY", 1)
