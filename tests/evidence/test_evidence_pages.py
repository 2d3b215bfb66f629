"""The evidence as tables for people: what comes first, what is significant, and how long it gets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_panels import as_class, autoregressive, evaluate, panel_frame

from foxml_assets.core.assurances import Assurance
from foxml_assets.core.errors import EvidenceError
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import AssuredBy, LeakageStatus, TaskType
from foxml_assets.evidence.evidence_files import read_findings, read_importances
from foxml_assets.evidence.leakage.findings import Detector, Finding
from foxml_assets.evidence.pages import MOST_ROWS, EvidencePage, above_chance, evidence_page
from foxml_assets.evidence.scores.sums import estimate
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, TargetEvidence

NO_IMPORTANCES = pd.DataFrame({"fold": [], "feature": [], "gain": [], "weight": []})
BLOCKED, SAFE, SUSPECT = LeakageStatus.BLOCKED, LeakageStatus.SAFE, LeakageStatus.SUSPECT


def body(text: str) -> list[list[str]]:
    """Cells of the table's rows, without the header."""
    lines = [line for line in text.split("\n") if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def page(
    *rows: RowEvidence,
    findings: tuple[Finding, ...] = (),
    importances: pd.DataFrame = NO_IMPORTANCES,
    assured: dict[str, Assurance] | None = None,
) -> EvidencePage:
    evidence = TargetEvidence(
        "y", TaskType.CLASSIFICATION, ScoreMetric.AUC, None, "d", "s", rows, {}, assured or {}
    )
    return evidence_page(evidence, findings, importances)


def symbol(name: str, own: Estimate, pooled: Estimate) -> RowEvidence:
    return RowEvidence(name, 1_000, own, SAFE, cs_score=pooled, difference=Estimate(None))


def finding(feature: str, of: str | None, skill: float) -> Finding:
    return Finding(of, feature, Detector.NEWS, SUSPECT, skill, None, -0.01, 0.02, 0.3, f"{feature} why")


def test_above_chance_means_that_the_whole_interval_is() -> None:
    assert above_chance(estimate(0.52, 0.005), ScoreMetric.AUC) is True
    assert above_chance(estimate(0.52, 0.02), ScoreMetric.AUC) is False
    assert above_chance(estimate(0.52, 0.02), ScoreMetric.IC) is True
    assert above_chance(estimate(-0.1, 0.01), ScoreMetric.IC) is False
    assert above_chance(Estimate(0.9), ScoreMetric.AUC) is None
    assert above_chance(None, ScoreMetric.AUC) is None


def test_the_pooled_score_comes_with_its_interval_parts_and_verdict() -> None:
    row = RowEvidence(
        None,
        12_345,
        estimate(0.6, 0.01),
        BLOCKED,
        "x is nearly the label",
        families=("lightgbm", "ridge"),
        by_family={"lightgbm+ridge": estimate(0.6, 0.01), "ridge": estimate(0.51, 0.01)},
        earlier_score=estimate(0.62, 0.01),
        recent_score=Estimate(0.5),
    )
    text = page(row).pooled
    assert body(text) == [
        ["lightgbm+ridge, all folds", "0.600", "0.580 to 0.620", "yes"],
        ["earlier folds", "0.620", "0.600 to 0.640", "yes"],
        ["recent folds", "0.500", "", ""],
        ["ridge instead", "0.510", "0.490 to 0.530", "no"],
    ]
    assert text.endswith("12,345 rows. Leakage: BLOCKED: x is nearly the label")


def test_the_verdict_says_what_own_models_are_in_their_mean() -> None:
    pooled = RowEvidence(None, 9, estimate(0.51, 0.01), LeakageStatus.SAFE, local_score=estimate(0.57, 0.01))
    weak = symbol("A", estimate(0.57, 0.05), Estimate(None))
    told = "Own models: in their mean auc 0.570 (0.550 to 0.590), above chance; 0 of 1 above chance"
    assert told in page(pooled, weak).verdict
    bare = replace(pooled, local_score=Estimate(None))
    assert "Own models: 0 of 1 above chance" in page(bare, weak).verdict


def test_findings_about_the_whole_target_come_first_then_the_strongest() -> None:
    found = (finding("weak", "A", 0.2), finding("strong", "A", -0.9), finding("everywhere", None, 0.1))
    vouched = {"vix": Assurance(AssuredBy.USER, reason="published before")}
    rows = body(page(findings=found, assured=vouched).leakage)
    assert [row[0] for row in rows] == ["everywhere", "strong", "weak"]
    assert rows[0][1:] == ["all", "news", "SUSPECT", "0.100", "-0.010", "0.020", "0.300", "everywhere why"]
    assert "vouched for by you: vix: published before." in page(assured=vouched).leakage


def test_five_hundred_symbols_show_the_best_and_the_worst_only() -> None:
    scored = [symbol(f"S{at:03d}", estimate(0.4 + at / 2_000, 0.01), Estimate(None)) for at in range(400)]
    silent = [symbol(f"Z{at:03d}", Estimate(None), Estimate(None)) for at in range(100)]
    text = page(*scored, *silent).symbols
    names = [row[0] for row in body(text)]
    assert len(names) == MOST_ROWS == 50
    assert names == [f"S{at:03d}" for at in [*range(399, 374, -1), *range(24, -1, -1)]]
    assert "450 symbols between the best and the worst, or without a score are not shown." in text


def test_few_symbols_are_all_shown_and_ranked_by_the_better_of_both_models() -> None:
    nothing = Estimate(None)
    rows = [
        symbol("A", estimate(0.55, 0.001), nothing),
        symbol("B", nothing, nothing),
        symbol("C", estimate(0.5, 0.1), estimate(0.7, 0.05)),
    ]
    text = page(*rows).symbols
    shown = body(text)
    assert [row[0] for row in shown] == ["C", "A", "B"]
    assert shown[0][2:8] == ["0.700", "0.602 to 0.798", "yes", "0.500", "0.304 to 0.696", "no"]
    assert "not shown" not in text


def test_many_findings_are_cut_and_counted() -> None:
    text = page(findings=tuple(finding(f"x{at}", "A", 0.5) for at in range(60))).leakage
    assert len(body(text)) == MOST_ROWS
    assert "10 weaker findings are not shown." in text


def test_importances_are_mean_shares_over_folds() -> None:
    importances = pd.DataFrame(
        {
            "fold": [0, 0, 1, 1],
            "feature": ["a", "b", "a", "b"],
            "gain": [3.0, 1.0, 1.0, 1.0],
            "weight": [-1.0, 0.0, np.nan, np.nan],
        }
    )
    assert body(page(importances=importances).importances) == [
        ["a", "81.2%", "62.5%", "100.0%"],
        ["b", "18.8%", "37.5%", "0.0%"],
    ]
    without_trees = importances.assign(gain=np.nan)
    assert body(page(importances=without_trees).importances)[0] == ["a", "100.0%", "", "100.0%"]


def test_hostile_names_are_no_markup() -> None:
    text = page(symbol("<b>|x", estimate(0.6, 0.1), Estimate(None)))
    assert "<b>" not in text.symbols
    assert len(body(page(findings=(finding("a|b", None, 0.3),)).leakage.replace(r"\|", "!"))[0]) == 9


def test_real_evidence_is_read_back_from_disk(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    signal = autoregressive(rng, (3, 300), 0.8)
    value = 0.8 * signal + rng.standard_normal((3, 300))
    label = as_class(value)
    frame = panel_frame({"signal": signal, "copy": label, "y_up_2d": label})
    run = evaluate(tmp_path, frame, targets=["y_*"])
    found = read_findings(run.layout, "y_up_2d")
    shown = evidence_page(run.evidence["y_up_2d"], found, read_importances(run.layout, "y_up_2d"))
    assert body(shown.leakage)[0][:4] == ["copy", "all", "near_copy", "BLOCKED"]
    assert body(shown.importances)[0][0] == "signal"
    assert {row[0] for row in body(shown.symbols)} == {"S000", "S001", "S002"}
    (run.layout.feature_selection("y_up_2d") / "importances.parquet").write_bytes(b"PAR1")
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_importances(run.layout, "y_up_2d")
