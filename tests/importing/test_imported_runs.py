"""Candidates from the folder of a FoxML run."""

import json
from pathlib import Path

import pandas as pd
import pytest
from candidate_rows import STAMP, policy

from foxml_assets.core.errors import CandidatesError
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.importing.foreign_words import LEAKAGE_WORDS, leakage_status
from foxml_assets.importing.foxml_run import import_foxml
from foxml_assets.routing.decide.router import route

SWING = "y_will_swing_low_10m_0.20"
RANKING = "reproducibility/stage=TARGET_RANKING"


class Run:
    """A FoxML run's folder under construction."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: object) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))

    def snapshots(self, folder: str, importances: list[list[float]], **fields: object) -> None:
        for at, values in enumerate(importances):
            names = [f"f{index}" for index in range(len(values))]
            content = {
                "method": "lightgbm",
                "run_id": str(at),
                "features": names,
                "importances": values,
                **fields,
            }
            self.write(f"{folder}/run{at}.json", content)

    def rows(self) -> dict[tuple[str, str | None], pd.Series]:
        table = import_foxml(self.root).candidates
        symbols = [None if pd.isna(symbol) else symbol for symbol in table["symbol"]]
        return {
            (target, symbol): table.iloc[at]
            for at, (target, symbol) in enumerate(zip(table["target"], symbols, strict=True))
        }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def test_the_layout_of_the_seeds_is_read(run: Run) -> None:
    folder = f"feature_selections/{SWING}"
    entries = {
        f"{SWING}:AAPL:lightgbm": {"score": 0.60, "reproducibility": {"status": "STABLE"}},
        f"{SWING}:AAPL:catboost": {"score": 0.64},
        f"{SWING}:AAPL:xgboost": {"score": 0.99, "reproducibility": {"status": "FAILED"}},
        f"{SWING}:MSFT:lightgbm": {"score": float("nan")},
        "n_selected_features": 40,
    }
    run.write(f"{folder}/model_metadata.json", entries)
    run.write(
        f"{folder}/target_confidence.json", {"target_name": SWING, "mean_score": 0.59, "sample_size": 120_000}
    )
    run.write(f"{folder}/selected_features.txt", "f1\nf2\n\nf3\n")
    run.write(
        f"{folder}/leakage_report.json",
        {"leakage_flag": "HIGH_SCORE", "suspicious_features": {"lightgbm": [["f2", 0.4]]}},
    )
    rows = run.rows()
    cs, aapl, msft = rows[SWING, None], rows[SWING, "AAPL"], rows[SWING, "MSFT"]
    assert (cs["score"], cs["sample_size"], cs["leakage_status"]) == (0.59, 120_000, "SUSPECT")
    assert cs["leakage_reason"] == "FoxML says HIGH_SCORE"
    assert json.loads(cs["features"]) == {"f1": "UNKNOWN", "f2": "SUSPECT", "f3": "UNKNOWN"}
    assert (cs["task_type"], cs["score_metric"], cs["horizon_minutes"]) == ("classification", "auc", 10.0)
    assert aapl["score"] == pytest.approx(0.62)
    assert (aapl["successful_families"], aapl["failed_families"]) == ("catboost|lightgbm", "xgboost")
    assert aapl["leakage_status"] == "UNKNOWN"
    assert pd.isna(aapl["sample_size"])
    assert pd.isna(msft["score"])
    assert msft["failed_families"] == "lightgbm"


def test_grouped_cohort_metrics_are_read(run: Run) -> None:
    metric = {
        "name": "roc_auc__cs__mean",
        "baseline": 0.5,
        "mean": 0.08,
        "skill_mean": 0.08,
        "skill_se": 0.01,
    }
    content = {
        "scope": {"view": "CROSS_SECTIONAL", "task_family": "classification"},
        "primary_metric": metric,
        "coverage": {"n_effective": 50_000},
        "leakage": {"status": "OK"},
    }
    run.write(f"targets/y/{RANKING}/CROSS_SECTIONAL/universe=u/cohort=cs_1/metrics.json", content)
    flat = {
        "auc": 0.04,
        "metric_name": "spearman_ic__sym__mean",
        "task_type": "TaskType.REGRESSION",
        "n_effective": 900,
        "leakage_flag": "INCONSISTENT",
    }
    run.write(f"targets/z/{RANKING}/SYMBOL_SPECIFIC/universe=u/symbol=BRK.B/cohort=sy_1/metrics.json", flat)
    rows = run.rows()
    cs, symbol = rows["y", None], rows["z", "BRK.B"]
    assert cs["score"] == pytest.approx(0.58)
    assert (cs["score_se"], cs["sample_size"], cs["leakage_status"]) == (0.01, 50_000, "SAFE")
    assert (symbol["score"], symbol["score_metric"], symbol["task_type"]) == (0.04, "ic", "regression")
    assert (symbol["sample_size"], symbol["leakage_status"]) == (900, "SUSPECT")


def test_the_latest_cohort_counts_and_its_metadata_fills_gaps(run: Run) -> None:
    base = f"targets/fwd_ret_60m/{RANKING}/CROSS_SECTIONAL"
    run.write(f"{base}/cohort=cs_1/metrics.json", {"score": 0.01, "metric_name": "ic"})
    run.write(f"{base}/cohort=cs_2/metrics.json", {"score": 0.07, "metric_name": "ic"})
    run.write(f"{base}/cohort=cs_2/metadata.json", {"n_samples": 4_000, "horizon_minutes": 60})
    row = run.rows()["fwd_ret_60m", None]
    assert (row["score"], row["sample_size"], row["horizon_minutes"]) == (0.07, 4_000, 60.0)


def test_agreement_of_rankings_and_trained_models_are_no_scores(run: Run) -> None:
    consensus = {"primary_metric": {"name": "consensus_score", "mean": 0.9}, "coverage": {"n_effective": 10}}
    run.write(
        "targets/y/reproducibility/stage=FEATURE_SELECTION/CROSS_SECTIONAL/cohort=c/metrics.json", consensus
    )
    run.write("targets/y/reproducibility/stage=TRAINING/CROSS_SECTIONAL/cohort=c/metrics.json", {"auc": 0.99})
    assert pd.isna(run.rows()["y", None]["score"])


def test_a_score_of_minus_999_means_that_nothing_was_scored(run: Run) -> None:
    run.write(
        "targets/y/reproducibility/CROSS_SECTIONAL/cohort=c/metrics.json",
        {"auc": -999.0, "metric_name": "auc"},
    )
    assert pd.isna(run.rows()["y", None]["score"])


def test_without_a_pooled_score_the_mean_over_symbols_stands_in_with_a_note(run: Run) -> None:
    for symbol, score in (("A", 0.6), ("B", 0.7)):
        run.write(
            f"REPRODUCIBILITY/FEATURE_SELECTION/SYMBOL_SPECIFIC/{SWING}/symbol={symbol}/metrics.json",
            {"auc": score, "metric_name": "roc_auc"},
        )
    assert run.rows()[SWING, None]["score"] == pytest.approx(0.65)
    assert any("mean over 2 symbol scores" in note for note in import_foxml(run.root).notes)


def test_stability_comes_from_the_snapshots(run: Run) -> None:
    run.write(f"targets/{SWING}/reproducibility/CROSS_SECTIONAL/cohort=c/metrics.json", {"auc": 0.6})
    run.write(f"targets/{SWING}/reproducibility/SYMBOL_SPECIFIC/symbol=A/cohort=c/metrics.json", {"auc": 0.6})
    steady = [[10.0 - at + 0.1 * k for at in range(10)] for k in range(3)]
    run.snapshots(f"targets/{SWING}/reproducibility/CROSS_SECTIONAL/feature_importance_snapshots/x", steady)
    mixed = [[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]]
    run.snapshots(
        f"targets/{SWING}/reproducibility/SYMBOL_SPECIFIC/symbol=A/feature_importance_snapshots/x", mixed
    )
    rows = run.rows()
    cs, symbol = rows[SWING, None], rows[SWING, "A"]
    assert (cs["n_snapshots"], cs["mean_overlap"]) == (3, 1.0)
    assert cs["mean_tau"] == pytest.approx(1.0)
    assert (symbol["n_snapshots"], symbol["mean_tau"]) == (2, -1.0)
    assert symbol["mean_overlap"] < 0


def test_snapshots_of_one_symbol_are_told_by_their_universe(run: Run) -> None:
    run.write("targets/y/reproducibility/SYMBOL_SPECIFIC/symbol=A/cohort=c/metrics.json", {"auc": 0.6})
    run.snapshots(
        "artifacts/feature_importance/y/lightgbm", [[1.0, 2.0], [1.0, 2.0]], target="y", universe_sig="A:abc"
    )
    assert run.rows()["y", "A"]["n_snapshots"] == 2


@pytest.mark.parametrize("word", [*LEAKAGE_WORDS, "leakage_detected", "FISHY", ""])
def test_every_detector_word_maps_to_one_status_and_others_to_unknown(run: Run, word: str) -> None:
    run.write(
        "targets/y/reproducibility/CROSS_SECTIONAL/cohort=c/metrics.json", {"auc": 0.6, "leakage_flag": word}
    )
    expected = leakage_status(word) or LeakageStatus.UNKNOWN
    assert run.rows()["y", None]["leakage_status"] == expected.value
    notes = import_foxml(run.root).notes
    assert any("FISHY" in note for note in notes) is (word == "FISHY")


def test_the_run_status_can_raise_an_alarm_but_never_clear_a_row(run: Run) -> None:
    path = "targets/y/reproducibility/CROSS_SECTIONAL/cohort=c/metrics.json"
    run.write(path, {"auc": 0.6, "status": "OK"})
    assert run.rows()["y", None]["leakage_status"] == "UNKNOWN"
    run.write(path, {"auc": 0.6, "leakage_flag": "OK", "status": "LEAKAGE_UNRESOLVED_MAX_RETRIES"})
    assert run.rows()["y", None]["leakage_status"] == "BLOCKED"
    run.write(path, {"auc": 0.6, "leakage_flag": "OK", "leakage_flags": {"perfect_train_acc": True}})
    assert run.rows()["y", None]["leakage_status"] == "SUSPECT"


def test_all_broken_files_are_listed_at_once(run: Run) -> None:
    run.write("targets/y/reproducibility/CROSS_SECTIONAL/cohort=c/metrics.json", "{half")
    run.write("targets/y/reproducibility/CROSS_SECTIONAL/target_confidence.json", "[1, 2]")
    run.write("targets/y/feature_importance_snapshots/a.json", {"features": ["f"], "importances": []})
    with pytest.raises(CandidatesError) as caught:
        import_foxml(run.root)
    assert len(caught.value.problems) == 3


def test_a_folder_without_metrics_is_refused(run: Run, tmp_path: Path) -> None:
    run.write("notes/readme.json", {})
    with pytest.raises(CandidatesError, match="no FoxML metrics"):
        import_foxml(run.root)
    with pytest.raises(CandidatesError, match="not a folder"):
        import_foxml(tmp_path / "absent")


def test_links_out_of_the_run_are_not_followed(run: Run, tmp_path: Path) -> None:
    run.write("targets/y/reproducibility/CROSS_SECTIONAL/cohort=c/metrics.json", {"auc": 0.6})
    secret = tmp_path / "metrics.json"
    secret.write_text(json.dumps({"auc": 0.9}))
    folder = run.root / "targets/z/reproducibility/CROSS_SECTIONAL/cohort=c"
    folder.mkdir(parents=True)
    (folder / "metrics.json").symlink_to(secret)
    assert set(run.rows()) == {("y", None)}


def test_imported_candidates_are_routed_without_ever_being_safe_by_default(run: Run) -> None:
    run.write(f"feature_selections/{SWING}/model_metadata.json", {f"{SWING}:A:lightgbm": {"score": 0.9}})
    run.write(f"feature_selections/{SWING}/target_confidence.json", {"mean_score": 0.9, "sample_size": 10**6})
    plan = route(import_foxml(run.root).candidates, policy(), stamp=STAMP)
    assert plan.targets["cs_state"].iloc[0] == "EXPERIMENTAL"
    assert plan.pairs["local_rule"].iloc[0] == "quarantined"
