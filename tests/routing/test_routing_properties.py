"""Properties that hold for every table of candidates and every policy."""

import math
from decimal import Decimal

import pandas as pd
from candidate_rows import STAMP, local, pooled
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from foxml_assets.routing.candidates.candidates import candidates_hash, typed_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.policy.routing_config import RoutingPolicy

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TARGETS = ("y1", "y2", "y3")
SYMBOLS = ("A", "B", "C", "D", "E", "F")
LEVELS = ("DISALLOWED", "EXPERIMENTAL", "WEAK_BUT_OK", "STRONG")

THRESHOLDS = {"method": "thresholds", "stability_allowlist": {"symbol": ["STABLE"]}}


def _rates(q: float) -> dict[str, float]:
    return {"cross_sectional": q, "symbol": q}


scores = st.one_of(st.sampled_from([0.50, 0.51, 0.52, 0.54, 0.58, 0.60]), st.floats(0.40, 0.75))
errors = st.one_of(st.none(), st.floats(0.001, 0.08))
values = st.fixed_dictionaries(
    {
        "score": scores,
        "score_se": errors,
        "sample_size": st.sampled_from([500, 5_000, 50_000]),
        "leakage_status": st.sampled_from(["SAFE", "SAFE", "SAFE", "SUSPECT", "BLOCKED", "UNKNOWN"]),
        "mean_tau": st.sampled_from([0.8, 0.8, 0.5, 0.1, None]),
        "horizon_minutes": st.sampled_from([30.0, 600.0, None]),
        "difference": st.one_of(st.none(), st.floats(-0.1, 0.1)),
        "difference_se": errors,
        "cs_score": st.one_of(st.none(), scores),
        "cs_score_se": errors,
        "both_score": st.one_of(st.none(), scores),
        "both_score_se": errors,
        "earlier_score": st.one_of(st.none(), scores),
        "earlier_score_se": errors,
        "recent_score": st.one_of(st.none(), scores),
        "recent_score_se": errors,
    }
)
broken = st.sampled_from(
    [
        {},
        {},
        {},
        {},
        {"score": math.nan},
        {"score": 9.0},
        {"score_metric": "zeta"},
        {"sample_size": -1},
        {"leakage_status": "?"},
    ]
)
policies = st.builds(
    dict,
    method=st.sampled_from(["thresholds", "thresholds", "shrinkage"]),
    both_strong_behavior=st.sampled_from(["ROUTE_BOTH", "PREFER_CS", "PREFER_SYMBOL", "PREFER_BETTER"]),
    both_weak_behavior=st.sampled_from(["ROUTE_BOTH", "PREFER_CS", "PREFER_SYMBOL"]),
    unknown_leakage=st.sampled_from(["experimental", "allow", "block"]),
    gate_on=st.sampled_from(["score", "score", "ci_low"]),
    enable_experimental_lane=st.booleans(),
    experimental=st.builds(dict, max_fraction_symbols_per_target=st.sampled_from([0.1, 0.34, 0.5, 1.0])),
    fdr=st.builds(
        dict,
        enabled=st.booleans(),
        over=st.sampled_from(["plan", "history"]),
        q=st.sampled_from([_rates(0.05), _rates(0.3)]),
    ),
    hysteresis=st.sampled_from([0.0, 0.02]),
).map(RoutingPolicy.model_validate)


@st.composite
def tables(draw: st.DrawFn, *, sound: bool = False) -> pd.DataFrame:
    rows = []
    for target in TARGETS[: draw(st.integers(1, 3))]:
        if sound or draw(st.integers(0, 9)):
            rows.append({**pooled(target), **draw(values), **({} if sound else draw(broken))})
        for symbol in SYMBOLS[: draw(st.integers(0, 6))]:
            rows.append({**local(symbol, target), **draw(values), **({} if sound else draw(broken))})
            if not sound and draw(st.integers(0, 19)) == 0:
                rows.append(rows[-1])
    return typed_candidates(pd.DataFrame(rows, columns=list(pooled())) if not rows else pd.DataFrame(rows))


@QUICK
@given(tables(), policies)
def test_every_pair_of_the_universe_gets_exactly_one_route(
    table: pd.DataFrame, policy: RoutingPolicy
) -> None:
    universe = {"y1": ["A", "Z"], "y9": ["B"]}
    plan = route(table, policy, universe=universe, stamp=STAMP)
    listed = table.dropna(subset=["symbol"])
    expected = set(zip(listed["target"], listed["symbol"], strict=True))
    expected |= {(target, symbol) for target, symbols in universe.items() for symbol in symbols}
    decided = list(zip(plan.pairs["target"], plan.pairs["symbol"], strict=True))
    assert len(decided) == len(set(decided))
    assert set(decided) == expected
    assert decided == sorted(decided)
    assert not plan.pairs[["route", "rule", "reason", "cs_state", "local_state"]].isna().any(axis=None)
    assert sum(plan.metadata.by_route.values()) == len(expected)


@QUICK
@given(tables(), policies, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    table: pd.DataFrame, policy: RoutingPolicy, random: object
) -> None:
    order = list(range(len(table)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = table.iloc[order].reset_index(drop=True)
    one, other = route(table, policy, stamp=STAMP), route(shuffled, policy, stamp=STAMP)
    assert one.metadata == other.metadata
    pd.testing.assert_frame_equal(one.pairs, other.pairs)
    pd.testing.assert_frame_equal(one.targets, other.targets)
    assert candidates_hash(typed_candidates(shuffled)) == candidates_hash(table)


@QUICK
@given(tables(), policies)
def test_hard_blocked_pairs_are_always_blocked(table: pd.DataFrame, policy: RoutingPolicy) -> None:
    plan = route(table, policy, stamp=STAMP)
    leaking = table[table["leakage_status"].isin(["BLOCKED"])]
    symbols = leaking.dropna(subset=["symbol"])
    blocked = set(zip(symbols["target"], symbols["symbol"], strict=True))
    targets = set(leaking.loc[leaking["symbol"].isna(), "target"])
    for target, symbol, route_, hard in zip(
        plan.pairs["target"], plan.pairs["symbol"], plan.pairs["route"], plan.pairs["hard_block"], strict=True
    ):
        if (target, symbol) in blocked or target in targets:
            assert (route_, hard) == ("ROUTE_BLOCKED", True)
        if hard:
            assert route_ == "ROUTE_BLOCKED"


@QUICK
@given(tables(), policies)
def test_a_pooled_model_serves_no_symbol_whose_rows_it_leaves_out(
    table: pd.DataFrame, policy: RoutingPolicy
) -> None:
    pairs = route(table, policy, stamp=STAMP).pairs
    left_out = pairs[pairs["excluded_from_pooled"].to_numpy(dtype=bool)]
    assert not left_out["route"].isin(["ROUTE_CROSS_SECTIONAL", "ROUTE_BOTH"]).any()


@QUICK
@given(tables(), policies)
def test_the_lane_is_filled_exactly_to_its_cap(table: pd.DataFrame, policy: RoutingPolicy) -> None:
    plan = route(table, policy, stamp=STAMP)
    fraction = Decimal(str(policy.experimental.max_fraction_symbols_per_target))
    for _, pairs in plan.pairs.groupby("target", observed=True):
        places = max(1, int(fraction * len(pairs)))
        inside = pairs["route"] == "ROUTE_EXPERIMENTAL_ONLY"
        waiting = pairs["rule"] == "experimental_lane_full"
        assert inside.sum() == min(places, inside.sum() + waiting.sum())
        ranks = pairs.loc[inside | waiting, "experimental_rank"]
        assert sorted(ranks) == list(range(1, len(ranks) + 1))
        assert (pairs.loc[inside, "experimental_rank"] <= places).all()


@QUICK
@given(tables(sound=True), policies, st.data())
def test_a_higher_score_never_lowers_a_rows_state(
    table: pd.DataFrame, policy: RoutingPolicy, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(table) - 1))
    rise = data.draw(st.floats(0.0, 0.2))
    better = table.copy()
    better.loc[at, "score"] = table["score"].iloc[at] + rise
    symbol = table["symbol"].iloc[at]
    before, after = (route(one, policy, stamp=STAMP) for one in (table, better))
    is_pooled = not isinstance(symbol, str)
    frame, column = ("targets", "cs_state") if is_pooled else ("pairs", "local_state")
    old, new = getattr(before, frame), getattr(after, frame)
    row = (old["target"] == table["target"].iloc[at]) & (True if is_pooled else old["symbol"] == symbol)
    assert LEVELS.index(new.loc[row, column].iloc[0]) >= LEVELS.index(old.loc[row, column].iloc[0])


@QUICK
@given(tables(sound=True), st.floats(0.01, 0.4))
def test_false_discovery_control_only_takes_states_away(table: pd.DataFrame, q: float) -> None:
    free = route(table, RoutingPolicy.model_validate({**THRESHOLDS, "fdr": {"enabled": False}}), stamp=STAMP)
    controlled = route(
        table, RoutingPolicy.model_validate({**THRESHOLDS, "fdr": {"q": _rates(q)}}), stamp=STAMP
    )
    for one, other, column in (
        (free.pairs, controlled.pairs, "local_state"),
        (free.targets, controlled.targets, "cs_state"),
    ):
        levels = [(LEVELS.index(a), LEVELS.index(b)) for a, b in zip(one[column], other[column], strict=True)]
        assert all(after in (0, before) for before, after in levels)


@QUICK
@given(tables(sound=True), st.sampled_from([0.01, 0.03]), st.data())
def test_hysteresis_never_flips_a_state_inside_the_margin(
    table: pd.DataFrame, margin: float, data: st.DataObject
) -> None:
    """The thresholds are those of the scores; error control is off, since its own moves with other rows."""
    policy = RoutingPolicy.model_validate({**THRESHOLDS, "hysteresis": margin, "fdr": {"enabled": False}})
    before = route(table, policy, stamp=STAMP)
    moves = [data.draw(st.floats(-0.2, 0.2)) for _ in range(len(table))]
    moved = table.assign(score=(table["score"] + moves).clip(0.0, 1.0))
    after = route(moved, policy, previous=before, stamp=STAMP)
    thresholds = dict(zip(LEVELS[1:], (0.52, 0.54, 0.60), strict=True))
    old, new = before.pairs, after.pairs
    for was, now, gate in zip(old["local_state"], new["local_state"], new["local_gate"], strict=True):
        if LEVELS.index(now) > LEVELS.index(was):
            assert gate > thresholds[now] + margin
        elif LEVELS.index(now) < LEVELS.index(was):
            assert gate < thresholds[was] - margin


@QUICK
@given(tables(), policies)
def test_a_plan_is_a_fixed_point_of_its_own_hysteresis(table: pd.DataFrame, policy: RoutingPolicy) -> None:
    assume(policy.hysteresis > 0)
    first = route(table, policy, stamp=STAMP)
    again = route(table, policy, previous=first, stamp=STAMP)
    third = route(table, policy, previous=again, stamp=STAMP)
    assert again.metadata.routing_plan_hash == third.metadata.routing_plan_hash
    assert list(again.pairs["local_state"]) == list(first.pairs["local_state"])


@QUICK
@given(tables(), policies, st.data())
def test_spoiling_a_row_never_improves_its_own_state(
    table: pd.DataFrame, policy: RoutingPolicy, data: st.DataObject
) -> None:
    assume(len(table))
    at = data.draw(st.integers(0, len(table) - 1))
    column, bad = data.draw(
        st.sampled_from([("score", math.nan), ("score", math.inf), ("sample_size", -1), ("score_se", -1.0)])
    )
    spoiled = table.copy()
    spoiled.loc[at, column] = bad
    before, after = (route(one, policy, stamp=STAMP) for one in (table, spoiled))
    key = (table["target"].iloc[at], table["symbol"].iloc[at])
    if isinstance(key[1], str):
        found = (after.pairs["target"] == key[0]) & (after.pairs["symbol"] == key[1])
        assert (after.pairs.loc[found, "local_state"] == "DISALLOWED").all()
        hard = before.pairs.loc[found, "hard_block"].to_numpy()
        assert (after.pairs.loc[found, "hard_block"].to_numpy() == hard).all()
    else:
        assert (after.targets.loc[after.targets["target"] == key[0], "cs_state"] == "DISALLOWED").all()
