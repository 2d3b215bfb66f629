"""False-discovery control over a history of plans: levels, what stands, what is recorded, what is spent."""

from collections.abc import Mapping

import numpy as np
import pytest
from candidate_rows import STAMP, explanation_text, local, pair, policy, pooled, routed, table, target_row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from foxml_assets.core.errors import FdrHistoryError
from foxml_assets.routing.decide.fdr_history import FdrHistory, share, with_plan
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.explanation import explain
from foxml_assets.routing.pages.plan_markdown import plan_markdown
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.routing.sides.fdr import Earlier, discoveries

QUICK = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SE, Q = 0.01, 0.1
OVER_HISTORY: dict[str, object] = {
    "fdr": {"over": "history", "q": {"cross_sectional": Q, "symbol": Q}, "inflate_se": 1.0}
}
# The one-sided p-values of four symbols in three batches, worked out by hand below.
GOLDEN = (
    {"A": 0.001, "B": 0.02, "C": 0.2, "D": 0.6},
    {"A": 0.03, "B": 0.3, "C": 0.003, "D": 0.5},
    {"A": 0.2, "B": 0.001, "C": 0.2, "D": 0.0002},
)


def rows(p: Mapping[str, float], target: str = "y") -> list[dict[str, object]]:
    """A pooled row without error and a symbol row of each p-value."""
    scores = {symbol: 0.5 + float(norm.isf(value)) * SE for symbol, value in p.items()}
    own = [local(symbol, target, score=score, score_se=SE) for symbol, score in scores.items()]
    return [pooled(target), *own]


def planned(p: Mapping[str, float], history: FdrHistory, **changes: object) -> RoutingPlan:
    """The plan of these p-values with `history` behind it."""
    return routed(*rows(p), settings={**OVER_HISTORY, **changes}, history=history)


def history_of(*batches: Mapping[str, float]) -> FdrHistory:
    """The history after plans of these p-values, one after the other."""
    history = FdrHistory()
    for p in batches:
        history = with_plan(history, planned(p, history))
    return history


def said(plan: RoutingPlan) -> dict[str, str]:
    """What false-discovery control said about every symbol."""
    return dict(zip(plan.pairs["symbol"], plan.pairs["local_error_control"], strict=True))


def test_the_shares_are_a_falling_power_and_add_up_to_one() -> None:
    shares = [share(number) for number in range(1, 100_001)]
    assert shares[:3] == pytest.approx([0.4374902, 0.1443179, 0.0754352], abs=1e-7)
    assert shares == sorted(shares, reverse=True)
    # What is left of a sum of 1 beyond 100,000, by the integral.
    assert sum(shares) + shares[0] * 100_000**-0.6 / 0.6 == pytest.approx(1.0, abs=1e-6)


def test_three_batches_by_hand() -> None:
    first = planned(GOLDEN[0], FdrHistory())
    # At 0.0437490 the second of four may have p = 0.0218745.
    assert said(first) == {"A": "discovered", "B": "discovered", "C": "rejected", "D": "rejected"}
    assert pair(first, "C")["local_fdr_threshold"] == pytest.approx(0.5 + norm.isf(0.0218745) * SE)
    second = planned(GOLDEN[1], history_of(GOLDEN[0]))
    # The plan's own test at 0.1 finds C and A, so A stands and B does not. With A as found, C is the second
    # of four at 0.0144318, so it may have p = 0.0072159.
    assert said(second) == {"A": "kept", "B": "rejected", "C": "discovered", "D": "rejected"}
    assert pair(second, "A")["local_fdr_threshold"] == pytest.approx(0.5 + norm.isf(0.05) * SE)
    assert pair(second, "D")["local_fdr_threshold"] == pytest.approx(0.5 + norm.isf(0.0072159) * SE)
    third = planned(GOLDEN[2], history_of(*GOLDEN[:2]))
    # B stands again; D is the second of four at 0.0075435.
    assert said(third) == {"A": "rejected", "B": "discovered", "C": "rejected", "D": "discovered"}
    history = history_of(*GOLDEN)
    assert [batch.number for batch in history.batches] == [1, 2, 3]
    assert [batch.found_symbol for batch in history.batches] == [
        {"y": ("A", "B")},
        {"y": ("C",)},
        {"y": ("D",)},
    ]
    assert [batch.level_symbol for batch in history.batches] == pytest.approx(
        [0.04374902, 0.01443179, 0.00754352], abs=1e-8
    )
    assert {batch.tested_symbol for batch in history.batches} == {4}


def test_over_plan_nothing_is_remembered() -> None:
    over_plan = {"fdr": {"inflate_se": 1.0, **_rates(Q)}}
    plan = routed(*rows(GOLDEN[1]), settings=over_plan, history=history_of(GOLDEN[0]))
    assert said(plan) == {"A": "discovered", "B": "rejected", "C": "discovered", "D": "rejected"}
    assert plan.metadata.policy.fdr_batch is None
    assert with_plan(history_of(GOLDEN[0]), plan) == history_of(GOLDEN[0])


def _rates(q: float) -> dict[str, object]:
    return {"q": {"cross_sectional": q, "symbol": q}}


def test_a_kept_row_keeps_its_route_and_is_counted_and_explained() -> None:
    for method in ("thresholds", "shrinkage"):
        plan = planned(GOLDEN[1], history_of(GOLDEN[0]), method=method)
        assert pair(plan, "A")["local_rule"] != "fdr"
        assert pair(plan, "B")["local_rule"] == "fdr"
        control = plan.metadata.symbol
        assert (control.tested, control.discovered, control.kept) == (4, 1, 1)
        text = explanation_text(explain(plan, "y", "A"))
        assert "kept from an earlier plan" in text
        of_new = explanation_text(explain(plan, "y", "B"))
        assert "at fdr.q.symbol 0.1, of which 0.014 is left for new rows of batch 2" in of_new
        assert " 0.1 over all plans; batch 2 finds new ones at 0.014" in text
        page = plan_markdown(plan, Output(), has_yaml=True)
        assert "this is batch 2, which makes new discoveries at q = 0.014 (pooled) and 0.014 (symbol)" in page
        assert "1 more are kept because an earlier plan discovered them" in page


def test_the_pooled_side_has_a_history_of_its_own() -> None:
    def plan(p: float, history: FdrHistory) -> RoutingPlan:
        row = pooled(score=0.5 + float(norm.isf(p)) * SE, score_se=SE)
        return routed(row, settings=OVER_HISTORY, history=history)

    history = with_plan(FdrHistory(), plan(0.03, FdrHistory()))
    assert history.batches[0].found_cross_sectional == ("y",)
    assert history.batches[0].found_symbol == {}
    assert target_row(plan(0.09, history))["cs_error_control"] == "kept"
    assert target_row(plan(0.09, FdrHistory()))["cs_error_control"] == "rejected"
    assert target_row(plan(0.11, history))["cs_error_control"] == "rejected"


def test_the_same_candidates_spend_once_under_every_policy() -> None:
    history = history_of(*GOLDEN)
    again = planned(GOLDEN[2], history)
    assert with_plan(history, again) == history
    looser = planned(GOLDEN[2], history, fdr={"over": "history", **_rates(0.4)})
    assert looser.metadata.policy.fdr_batch.number == 3
    after = with_plan(history, looser)
    assert len(after.batches) == 3
    # The last batch follows the policy, and comes back with it.
    assert after.batches[2].level_symbol == pytest.approx(4 * history.batches[2].level_symbol)
    assert with_plan(after, planned(GOLDEN[2], after)) == history


def test_earlier_candidates_are_planned_as_they_were_and_change_nothing() -> None:
    second = planned(GOLDEN[1], history_of(GOLDEN[0]))
    history = history_of(*GOLDEN)
    back = planned(GOLDEN[1], history)
    assert back.metadata == second.metadata
    assert with_plan(history, back) == history
    other = planned(GOLDEN[1], history, fdr={"over": "history", **_rates(0.4)})
    assert with_plan(history, other) == history


def test_a_plan_made_from_another_history_is_refused() -> None:
    late = planned(GOLDEN[2], history_of(GOLDEN[0]))
    with pytest.raises(FdrHistoryError, match="another plan was written"):
        with_plan(history_of(*GOLDEN[:2]), late)


def test_what_tests_nothing_spends_nothing() -> None:
    history = history_of(GOLDEN[0])
    untested = routed(pooled(), local(), settings=OVER_HISTORY, history=history)
    assert with_plan(history, untested) == history
    off = planned(GOLDEN[1], history, fdr={"over": "history", "enabled": False})
    assert off.metadata.policy.fdr_batch is None
    assert with_plan(history, off) == history


def test_a_row_that_only_hysteresis_passes_is_not_recorded_as_found() -> None:
    loose = {"method": "shrinkage", "fdr": {"inflate_se": 1.0, **_rates(0.9)}}
    strict = {**OVER_HISTORY, "method": "shrinkage", "hysteresis": 0.02}
    before = routed(*rows(GOLDEN[0]), settings=loose)
    plan = routed(*rows(GOLDEN[0]), settings=strict, previous=before)
    assert said(plan)["C"] == "discovered"
    assert with_plan(FdrHistory(), plan).batches[0].found_symbol == {"y": ("A", "B")}


def test_symbols_and_targets_that_are_gone_or_new_do_no_harm() -> None:
    history = history_of(GOLDEN[0])
    plan = routed(*rows({"E": 0.0001}, "z"), settings=OVER_HISTORY, history=history)
    assert said(plan) == {"E": "discovered"}
    assert with_plan(history, plan).batches[1].found_symbol == {"z": ("E",)}


sides = st.lists(st.tuples(st.floats(-1.0, 7.0), st.booleans()), min_size=1, max_size=30)
p_values = st.dictionaries(st.sampled_from("ABCD"), st.floats(1e-9, 0.999), min_size=1)


@settings(deadline=None)
@given(sides, st.sampled_from([0.01, 0.1, 0.3]), st.integers(1, 100))
def test_a_batch_never_finds_what_its_plan_alone_would_not(
    side: list[tuple[float, bool]], q: float, number: int
) -> None:
    z, before = np.array([row[0] for row in side]), np.array([row[1] for row in side])
    none = np.zeros(len(z), dtype=bool)
    alone = discoveries(z, np.ones(len(z)), np.zeros(len(z)), ~none, q, Earlier(1.0, none))
    batch = discoveries(z, np.ones(len(z)), np.zeros(len(z)), ~none, q, Earlier(share(number), before))
    assert (batch.threshold >= alone.threshold).all()
    assert (batch.cutoff[~before] <= share(number) * q * (1 + 1e-12)).all()
    assert set(np.flatnonzero(batch.kept)) <= set(np.flatnonzero(before & (z >= alone.threshold)))
    # What was found before and is still supported passes, and makes no threshold of a new row higher.
    assert ((z >= batch.threshold) == (z >= alone.threshold))[before].all()
    afresh = discoveries(z, np.ones(len(z)), np.zeros(len(z)), ~none, q, Earlier(share(number), none))
    assert (batch.threshold <= afresh.threshold).all()


@QUICK
@given(st.lists(p_values, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_replanning_in_any_order_of_rows_is_one_plan_and_one_entry(
    batches: list[dict[str, float]], random: object
) -> None:
    history = FdrHistory()
    for p in batches:
        plan = planned(p, history)
        history = with_plan(history, plan)
        shuffled = rows(p)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        again = route(table(*shuffled), policy(**OVER_HISTORY), history=history, stamp=STAMP)
        assert again.metadata == plan.metadata
        assert with_plan(history, again) == history
    found = [symbol for batch in history.batches for symbol in batch.found_symbol.get("y", ())]
    assert len(found) == len(set(found))


def test_without_any_skill_the_rate_holds_over_the_whole_sequence() -> None:
    """Thirty plans of a window that grows: the chance of any discovery in any of them stays below q."""
    rng = np.random.default_rng(3)
    n, n_rows, n_plans, n_sequences = 100, 40, 30, 300
    ever = {"plan": 0, "history": 0}
    for _ in range(n_sequences):
        sums = rng.normal(0, np.sqrt(n), n_rows) + rng.normal(size=(n_plans, n_rows)).cumsum(axis=0)
        z = sums / np.sqrt(n + np.arange(1, n_plans + 1))[:, None]
        for name in ever:
            shares = [share(at + 1) if name == "history" else 1.0 for at in range(n_plans)]
            ever[name] += any(_finds(z[at], shares[at]) for at in range(n_plans))
    assert ever["history"] / n_sequences <= Q < ever["plan"] / n_sequences


def _finds(z: np.ndarray, spent: float) -> bool:
    everything, none = np.ones(len(z), dtype=bool), np.zeros(len(z), dtype=bool)
    found = discoveries(z, np.ones(len(z)), np.zeros(len(z)), everything, Q, Earlier(spent, none))
    return bool((z >= found.threshold).any())
