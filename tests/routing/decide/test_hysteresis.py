"""Hysteresis: a pair keeps its state until its gate passes a threshold by more than the margin."""

import pytest
from candidate_rows import local, pair, pooled, routed, target_row

from foxml_assets.routing.plan.routing_plan import RoutingPlan

MARGIN = {"hysteresis": 0.02}


def _then(score: float, before: RoutingPlan, **values: object) -> str:
    plan = routed(pooled(), local(score=score, **values), settings=MARGIN, previous=before)
    return str(pair(plan)["local_state"])


def test_a_state_is_kept_within_the_margin_of_its_bar() -> None:
    strong = routed(pooled(), local(score=0.61))
    assert _then(0.5801, strong) == "STRONG"
    # 0.60 - 0.02 and 0.60 + 0.02 are these numbers to the last bit: at the margin nothing moves.
    assert _then(0.58, strong) == "STRONG"
    assert _then(0.5799, strong) == "WEAK_BUT_OK"
    weak = routed(pooled(), local(score=0.59))
    assert _then(0.6199, weak) == "WEAK_BUT_OK"
    assert _then(0.62, weak) == "WEAK_BUT_OK"
    assert _then(0.6201, weak) == "STRONG"
    assert _then(0.5201, weak) == "WEAK_BUT_OK"
    assert _then(0.5199, weak) == "EXPERIMENTAL"
    assert _then(0.4999, weak) == "DISALLOWED"


def test_a_kept_state_is_marked_as_held() -> None:
    strong = routed(pooled(), local(score=0.61))
    held = pair(routed(pooled(), local(score=0.59), settings=MARGIN, previous=strong))
    assert held["local_held"]
    assert held["local_state"] == "STRONG"
    assert held["local_threshold"] == pytest.approx(0.58)
    free = pair(routed(pooled(), local(score=0.70), settings=MARGIN, previous=strong))
    assert not free["local_held"]


def test_the_pooled_side_and_new_pairs_have_their_own_memory() -> None:
    before = routed(pooled(score=0.59), local("A", score=0.61))
    after = routed(
        pooled(score=0.57), local("A", score=0.59), local("B", score=0.59), settings=MARGIN, previous=before
    )
    assert target_row(after)["cs_state"] == "STRONG"
    assert pair(after, "A")["local_state"] == "STRONG"
    assert pair(after, "B")["local_state"] == "WEAK_BUT_OK"


def test_other_rules_are_not_held_back() -> None:
    strong = routed(pooled(), local(score=0.61))
    assert _then(0.61, strong, sample_size=10) == "DISALLOWED"
    assert _then(0.61, strong, leakage_status="BLOCKED") == "DISALLOWED"
    assert _then(0.61, strong, mean_tau=0.0) == "DISALLOWED"


def test_false_discovery_control_turns_by_the_same_margin() -> None:
    before = routed(pooled(), local(score=0.58, score_se=0.02))
    assert pair(before)["local_error_control"] == "discovered"
    row = local(score=0.545, score_se=0.03)
    assert pair(routed(pooled(), row))["local_rule"] == "fdr"
    kept = pair(routed(pooled(), row, settings=MARGIN, previous=before))
    assert kept["local_state"] == "WEAK_BUT_OK"


def test_a_pair_in_the_lane_is_displaced_only_by_more_than_the_margin() -> None:
    before = routed(pooled(), local("A", score=0.53), local("B", score=0.525))
    assert pair(before, "A")["route"] == "ROUTE_EXPERIMENTAL_ONLY"
    near = routed(pooled(), local("A", score=0.522), local("B", score=0.53), settings=MARGIN, previous=before)
    assert pair(near, "A")["route"] == "ROUTE_EXPERIMENTAL_ONLY"
    settings = {"hysteresis": 0.005}
    far = routed(
        pooled(), local("A", score=0.522), local("B", score=0.53), settings=settings, previous=before
    )
    assert pair(far, "B")["route"] == "ROUTE_EXPERIMENTAL_ONLY"


def test_the_previous_plan_is_recorded_but_leaves_the_hash_alone() -> None:
    before = routed(pooled(), local(score=0.61))
    first = routed(pooled(), local(score=0.59), settings=MARGIN, previous=before)
    again = routed(pooled(), local(score=0.59), settings=MARGIN, previous=first)
    assert first.metadata.previous_plan_hash == before.metadata.routing_plan_hash
    assert again.metadata.previous_plan_hash == before.metadata.routing_plan_hash, "held by that one still"
    assert again.metadata.routing_plan_hash == first.metadata.routing_plan_hash


def test_without_hysteresis_the_previous_plan_is_not_looked_at() -> None:
    before = routed(pooled(), local(score=0.61))
    plan = routed(pooled(), local(score=0.59), previous=before)
    assert pair(plan)["local_state"] == "WEAK_BUT_OK"
    assert plan.metadata.previous_plan_hash is None


@pytest.mark.parametrize("method", ["thresholds", "shrinkage"])
def test_small_moves_change_no_route(method: str) -> None:
    settings = {"method": method, "hysteresis": 0.01}
    start = [pooled(score=0.575, score_se=0.005, cs_score=None)]
    start += [_measured(f"S{at}", 0.53 + 0.01 * at) for at in range(8)]
    before = routed(*start, settings=settings)
    moved = [
        {**row, "score": float(str(row["score"])) + (0.004 if at % 2 else -0.004)}
        for at, row in enumerate(start)
    ]
    after = routed(*moved, settings=settings, previous=before)
    assert list(after.pairs["route"]) == list(before.pairs["route"])


def _measured(symbol: str, score: float) -> dict[str, object]:
    pooled_here = {"cs_score": 0.57, "cs_score_se": 0.01, "both_score": 0.575, "both_score_se": 0.01}
    return local(symbol, score=score, score_se=0.01, **pooled_here)


def test_the_same_inputs_give_the_plan_that_stands_again() -> None:
    """A plan held against itself would have other margins, and so would any run that is repeated."""
    rows = (pooled(), local("A", score=0.61), local("B", score=0.545))
    before = routed(pooled(), local("A", score=0.65), settings=MARGIN)
    first = routed(*rows, settings=MARGIN, previous=before)
    again = routed(*rows, settings=MARGIN, previous=first)
    assert again.metadata == first.metadata
    assert again.pairs.equals(first.pairs)
    assert again.targets.equals(first.targets)
    moved = routed(*rows, local("C", score=0.61), settings=MARGIN, previous=first)
    assert moved.metadata.previous_plan_hash == first.metadata.routing_plan_hash
