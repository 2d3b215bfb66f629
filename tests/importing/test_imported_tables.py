"""Candidates from a table of one's own, or FoxML's."""

from pathlib import Path

import pandas as pd
import pytest
from candidate_rows import STAMP, policy

from foxml_assets.core.errors import CandidatesError
from foxml_assets.importing.user_table import import_candidates
from foxml_assets.routing.decide.router import route

SWING = "y_will_swing_low_10m_0.20"


def _table(path: Path, **columns: object) -> Path:
    base = {
        "target": ["y", "y"],
        "symbol": [None, "A"],
        "score": [0.60, 0.62],
        "sample_size": [100_000, 5_000],
    }
    frame = pd.DataFrame({**base, **columns})
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["mine.csv", "mine.parquet"])
def test_a_minimal_table_is_enough_and_the_notes_say_what_is_missing(tmp_path: Path, name: str) -> None:
    imported = import_candidates(_table(tmp_path / name, score_metric="auc"))
    assert list(imported.candidates["leakage_status"].isna()) == [True, True]
    assert list(imported.candidates["task_type"]) == ["classification"] * 2
    assert {"leakage_status", "score_se", "n_snapshots"} <= {
        word for note in imported.notes for word in note.replace(",", " ").replace(":", " ").split()
    }
    plan = route(
        imported.candidates,
        policy(unknown_leakage="allow", experimental={"max_fraction_symbols_per_target": 1.0}),
        stamp=STAMP,
    )
    assert plan.pairs["route"].iloc[0] == "ROUTE_EXPERIMENTAL_ONLY"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_foxmls_own_candidates_are_understood(tmp_path: Path, suffix: str) -> None:
    path = _table(
        tmp_path / f"routing_candidates{suffix}",
        mode=["CROSS_SECTIONAL", "SYMBOL"],
        metric_name=["roc_auc__cs__mean", "roc_auc__sym__mean"],
        task_type=["BINARY_CLASSIFICATION"] * 2,
        stability=["STABLE", "UNKNOWN"],
        leakage_status=["OK", "LEAKAGE_DETECTED"],
        failed_model_families=[[], ["xgboost", "rf"]],
        stability_metrics=[{"mean_overlap": 0.8, "std_overlap": 0.1, "mean_tau": 0.7, "std_tau": 0.1}, None],
        timestamp="2026",
        git_commit="abc",
    )
    found = import_candidates(path).candidates
    assert list(found["score_metric"]) == ["auc", "auc"]
    assert list(found["leakage_status"]) == ["SAFE", "BLOCKED"]
    assert (found["mean_overlap"].iloc[0], found["n_snapshots"].iloc[0]) == (0.8, 2)
    assert found["failed_families"].iloc[1] == "xgboost|rf"


def test_a_scored_row_with_a_failed_family_and_no_list_of_successes_is_not_held_back(tmp_path: Path) -> None:
    path = _table(
        tmp_path / "routing_candidates.parquet",
        score=[0.60, 0.62],
        metric_name="auc",
        stability="STABLE",
        leakage_status="SAFE",
        failed_model_families=[["neural_network"], ["neural_network"]],
    )
    plan = route(import_candidates(path).candidates, policy(), stamp=STAMP)
    assert list(plan.targets["cs_state"]) == ["STRONG"]
    assert list(plan.pairs["local_state"]) == ["STRONG"]
    assert plan.pairs["local_families_ok"].isna().all()


def test_foxmls_own_table_without_a_task_takes_it_from_the_targets_name(tmp_path: Path) -> None:
    columns = {"mode": ["CROSS_SECTIONAL", "SYMBOL"], "stability": "STABLE", "leakage_status": "SAFE"}
    path = tmp_path / "routing_candidates.parquet"
    swing = import_candidates(_table(path, target=[SWING] * 2, **columns))
    assert list(swing.candidates["score_metric"]) == ["auc", "auc"]
    assert any("FoxML" in note for note in swing.notes)
    returns = import_candidates(_table(path, target=["fwd_ret_5d"] * 2, **columns)).candidates
    assert list(returns["score_metric"]) == ["r2", "r2"]
    assert list(returns["task_type"]) == ["regression", "regression"]
    with pytest.raises(CandidatesError, match="score_metric: column is missing"):
        import_candidates(_table(path, target=["other"] * 2, **columns))
    with pytest.raises(CandidatesError, match="score_metric: column is missing"):
        import_candidates(_table(path, target=[SWING] * 2))


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_an_index_that_pandas_wrote_along_is_left_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    frame = pd.DataFrame({"target": ["y", "y"], "symbol": [None, "A"], "score": [0.6, 0.62]})
    frame = frame.assign(sample_size=9_000, score_metric="auc").set_axis([5, 3])
    frame.to_csv(path) if name == "t.csv" else frame.to_parquet(path)
    assert len(import_candidates(path).candidates) == 2


def test_bad_rows_of_a_table_go_on_to_quarantine(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.csv", score_metric=["auc", "zeta"], leakage_status=["SAFE", "FISHY"])
    plan = route(import_candidates(path).candidates, policy(), stamp=STAMP)
    assert "score_metric" in plan.quarantine["reason"].iloc[0]
    assert "leakage_status" in plan.quarantine["reason"].iloc[0]


def test_a_table_with_wrong_columns_lists_them_all(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"target": ["y"], "colour": ["red"], "n": [1], "sample_size": [2]}).to_csv(path, index=False)
    with pytest.raises(CandidatesError) as caught:
        import_candidates(path)
    assert {problem.field for problem in caught.value.problems} == {
        "symbol",
        "score",
        "score_metric",
        "colour",
        "n",
    }


def test_one_column_under_two_names_is_refused(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.csv", metric="auc", metric_name="auc")
    with pytest.raises(CandidatesError, match="score_metric: is given under two names"):
        import_candidates(path)


def test_a_regression_score_must_name_its_metric(tmp_path: Path) -> None:
    with pytest.raises(CandidatesError, match="metric is not known"):
        import_candidates(_table(tmp_path / "t.csv", task_type="regression"))
    found = import_candidates(_table(tmp_path / "c.csv", task_type="classification"))
    assert list(found.candidates["score_metric"]) == ["auc", "auc"]


@pytest.mark.parametrize("name", ["absent.csv", "table.xlsx"])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    if name == "table.xlsx":
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CandidatesError):
        import_candidates(tmp_path / name)
