"""Bad rows of evidence: set aside with their reason, without touching any other row."""

import numpy as np
import pytest
from candidate_rows import local, pair, pooled, routed, routes, table, target_row

BAD_ROWS: list[tuple[dict[str, object], str]] = [
    ({"score": float("nan")}, "score is missing"),
    ({"score": float("inf")}, "outside the range"),
    ({"score": float("-inf")}, "outside the range"),
    ({"score": 1.01}, "outside the range"),
    ({"score": -0.01}, "outside the range"),
    ({"score": "high"}, "outside the range"),
    ({"score_metric": "zeta"}, "score_metric"),
    ({"score_metric": None}, "score_metric"),
    ({"score_metric": "r2"}, "no thresholds"),
    ({"task_type": "clustering"}, "task_type"),
    ({"task_type": "regression"}, "task_type differs"),
    ({"sample_size": -5}, "sample_size"),
    ({"sample_size": None}, "sample_size"),
    ({"sample_size": 10.5}, "sample_size"),
    ({"sample_size": "many"}, "sample_size"),
    ({"score_se": -0.1}, "interval"),
    ({"score_se": float("inf")}, "interval"),
    ({"score_ci_low": 0.7, "score_ci_high": 0.6}, "interval"),
    ({"score_se": 0.01, "score_ci_low": 0.7, "score_ci_high": 0.6}, "interval"),
    ({"horizon_minutes": -1.0}, "horizon_minutes"),
    ({"stability": "WOBBLY"}, "stability"),
    ({"mean_tau": 1.5}, "stability metric"),
    ({"std_overlap": -0.1}, "stability metric"),
    ({"n_snapshots": -2}, "stability metric"),
    ({"features": "not json"}, "features"),
    ({"cs_score": 1.2}, "cs_score"),
    ({"both_score": 0.6, "both_score_se": -1.0}, "cs_score"),
    ({"difference": float("inf")}, "cs_score"),
    ({"features": '{"f": "DANGEROUS"}'}, "features"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_ROWS, ids=[str(bad) for bad, _ in BAD_ROWS])
def test_a_bad_symbol_row_is_disallowed_with_its_reason_and_nothing_else_changes(
    bad: dict[str, object], reason: str
) -> None:
    others = [pooled(score=0.6), local("B", score=0.62), local("C", score=0.53)]
    plan = routed(*others, local("A", **{"score": 0.9, **bad}))
    row = pair(plan)
    assert (row["local_state"], row["local_rule"]) == ("DISALLOWED", "quarantined")
    assert reason in row["quarantine_reason"]
    assert list(plan.quarantine["symbol"]) == ["A"]
    assert reason in plan.quarantine["reason"].iloc[0]
    assert plan.metadata.n_quarantined == 1
    without = routes(routed(*others))
    assert {key: route for key, route in routes(plan).items() if key[1] != "A"} == without


@pytest.mark.parametrize("bad", [{"score": float("nan")}, {"score_metric": "zeta"}, {"task_type": None}])
def test_a_bad_pooled_row_leaves_its_symbols_to_their_own_evidence(bad: dict[str, object]) -> None:
    plan = routed(pooled(**{"score": 0.9, **bad}), local("A", score=0.62), local("B", score=0.50))
    assert target_row(plan)["cs_rule"] == "quarantined"
    assert pair(plan, "A")["route"] == "ROUTE_SYMBOL_SPECIFIC"
    assert pair(plan, "B")["route"] == "ROUTE_BLOCKED"
    assert target_row(plan)["task_type"] == "classification"


def test_several_faults_of_a_row_are_all_named() -> None:
    plan = routed(pooled(), local(score=7.0, sample_size=-1, score_se=-1.0))
    reason = pair(plan)["quarantine_reason"]
    assert all(part in reason for part in ("range", "sample_size", "interval"))


def test_repeated_rows_are_ambiguous_so_none_counts() -> None:
    plan = routed(pooled(score=0.6), local(score=0.9), local(score=0.9), local("B", score=0.62))
    assert pair(plan)["local_rule"] == "quarantined"
    assert (len(plan.quarantine), plan.quarantine["n_rows"].iloc[0]) == (1, 2)
    assert pair(plan, "B")["route"] == "ROUTE_BOTH"
    doubled = routed(pooled(score=0.6), pooled(score=0.6), local(score=0.62))
    assert target_row(doubled)["cs_rule"] == "quarantined"


def test_symbol_rows_of_a_target_without_a_pooled_row_are_set_aside() -> None:
    plan = routed(local("A", score=0.9), local("B", score=0.9))
    assert set(plan.pairs["route"]) == {"ROUTE_BLOCKED"}
    assert plan.quarantine["reason"].str.contains("no cross-sectional row").all()


def test_a_row_without_a_target_is_listed_but_decides_nothing() -> None:
    plan = routed(pooled(), local(score=0.62), local("A", None, score=0.9))  # type: ignore[arg-type]
    assert len(plan.pairs) == 1
    assert list(plan.quarantine["reason"]) == ["target is missing"]


@pytest.mark.parametrize("name", ["A|B", " A", "A\n", "A\x00"])
def test_names_that_cannot_be_partition_keys_never_get_a_model_of_their_own(name: str) -> None:
    plan = routed(pooled(score=0.6), local(name, score=0.9))
    assert (pair(plan, name)["route"], pair(plan, name)["local_rule"]) == (
        "ROUTE_CROSS_SECTIONAL",
        "quarantined",
    )
    plan = routed(pooled(name, score=0.6), local("A", name, score=0.9))
    assert pair(plan, "A", name)["route"] == "ROUTE_BLOCKED"


def test_a_score_may_be_missing_where_there_was_too_little_to_score() -> None:
    plan = routed(pooled(), local(score=None, sample_size=12))
    assert pair(plan)["local_rule"] == "sample_size"
    assert plan.quarantine.empty


def test_numbers_of_bad_rows_do_not_reach_the_plan() -> None:
    plan = routed(pooled(), local(score=float("inf"), score_se=0.01))
    assert np.isnan(pair(plan)["local_score"])
    assert np.isnan(pair(plan)["local_gate"])


def test_a_table_of_nothing_but_bad_rows_gives_a_plan_that_blocks_all() -> None:
    rows = [{**local(f"S{at}"), **bad} for at, (bad, _) in enumerate(BAD_ROWS)]
    plan = routed(pooled(score=float("nan")), *rows)
    assert set(plan.pairs["route"]) == {"ROUTE_BLOCKED"}
    assert len(plan.quarantine) == len(rows) + 1


def test_unreadable_cells_survive_typing_as_values_that_are_set_aside() -> None:
    typed = table(pooled(sample_size="x", score="y", score_se="z"))
    assert typed["sample_size"].iloc[0] == -1
    assert np.isinf(typed["score"].iloc[0])
    assert np.isinf(typed["score_se"].iloc[0])
