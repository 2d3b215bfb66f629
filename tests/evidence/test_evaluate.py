"""Targets evaluated from a panel on disk to the files that routing reads."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from evidence_panels import (
    SMALL,
    Run,
    config_of,
    evaluate,
    findings,
    folder_bytes,
    run,
    with_threads,
)
from small_market import LONG, UP, VALUE, row, small_frame

from foxml_assets.core.errors import PanelError
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, ModelFamily, TaskType
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.evidence_files import evidence_path, read_all_evidence, read_evidence
from foxml_assets.evidence.screening import probe
from foxml_assets.evidence.timing import timing_path
from foxml_assets.families import registry
from foxml_assets.panel.folds import holdout_start
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout

SAFE, SUSPECT, BLOCKED = LeakageStatus.SAFE, LeakageStatus.SUSPECT, LeakageStatus.BLOCKED


def test_there_is_a_pooled_row_and_one_per_symbol(plain: Run) -> None:
    assert set(plain.evidence) == {VALUE, UP, LONG}
    for target, evidence in plain.evidence.items():
        assert [one.symbol for one in evidence.rows] == [None, "S000", "S001", "S002"]
        assert evidence.score_metric is (ScoreMetric.AUC if target == UP else ScoreMetric.IC)
        assert evidence.task_type is (TaskType.CLASSIFICATION if target == UP else TaskType.REGRESSION)
        assert evidence.horizon_minutes == (4 if target == LONG else 2) * 1_440.0
        for one in evidence.rows:
            assert one.leakage_status is SAFE
            assert one.leakage_reason == ""
            assert one.successful_families == ("lightgbm", "xgboost", "ridge")
            assert one.failed_families == ()
            assert one.score.ci_low < one.score.value < one.score.ci_high
            assert one.families
        assert row(evidence).stability.n_snapshots == 3


def test_a_driving_feature_is_found_and_ranked_first(plain: Run) -> None:
    for target, evidence in plain.evidence.items():
        assert len(evidence.features) == 3
        assert next(iter(evidence.features)) in (("signal",) if target == LONG else ("signal", "bend"))
        assert set(evidence.features.values()) == {SAFE}
    assert 0.3 < row(plain.evidence[VALUE]).score.value < 0.7
    assert 0.6 < row(plain.evidence[UP]).score.value < 0.85


def test_trees_and_ridge_are_scored_beside_their_mean(plain: Run) -> None:
    by_family = row(plain.evidence[VALUE]).by_family
    assert list(by_family) == ["lightgbm+ridge", "lightgbm", "ridge"]
    # |bend| is nothing to a line.
    assert by_family["lightgbm"].value > by_family["ridge"].value
    score = row(plain.evidence[VALUE]).score
    assert score == by_family["lightgbm"]
    assert row(plain.evidence[VALUE]).families == ("lightgbm",)
    # Another than the expected one is chosen only where it leads clearly.
    assert row(plain.evidence[UP]).families == ("lightgbm", "ridge")


def test_own_trees_are_fitted_where_the_pooled_trees_see_more_than_ridge(plain: Run) -> None:
    assert any("lightgbm" in row(plain.evidence[VALUE], s).by_family for s in ("S000", "S001", "S002"))
    assert "lightgbm" in row(plain.evidence[VALUE], "S001").families
    for symbol in ("S000", "S001", "S002"):
        assert list(row(plain.evidence[LONG], symbol).by_family) == ["ridge"]
        assert row(plain.evidence[LONG], symbol).families == ("ridge",)


@pytest.mark.parametrize(("own", "expected"), [("none", 1), ("all", 3)])
def test_own_trees_can_be_asked_for_or_left_out(tmp_path: Path, own: str, expected: int) -> None:
    settings = {**SMALL, "trees": {**SMALL["trees"], "own": own}}
    found = evaluate(tmp_path, small_frame(), VALUE, evidence=settings)
    assert {len(one.by_family) for one in found.evidence[VALUE].rows[1:]} == {expected}
    assert len(row(found.evidence[VALUE]).by_family) == 3


def test_the_pooled_score_is_the_mean_within_symbols(plain: Run) -> None:
    for evidence in plain.evidence.values():
        on_symbols = [one.cs_score.value for one in evidence.rows if one.cs_score is not None]
        assert row(evidence).score.value == pytest.approx(np.mean(on_symbols))
        assert row(evidence).sample_size == sum(one.sample_size for one in evidence.rows[1:])
        assert row(evidence).earlier_score.value != row(evidence).recent_score.value


def test_own_models_have_a_mean_score_that_no_choice_flatters(plain: Run) -> None:
    for evidence in plain.evidence.values():
        own = evidence.rows[1:]
        mean = row(evidence).local_score
        # Of ridge on every symbol, also where trees are chosen by their score.
        assert mean.value == pytest.approx(np.mean([one.by_family["ridge"].value for one in own]))
        alone = [one.by_family["ridge"].se for one in own]
        # Not below what three independent symbols would give, nor above the error of one.
        assert min(alone) / 2 < mean.se < max(alone)
        assert {one.local_score for one in own} == {None}
    chosen = [one.score.value for one in plain.evidence[VALUE].rows[1:]]
    assert row(plain.evidence[VALUE]).local_score.value < np.mean(chosen)


def test_the_difference_is_paired(plain: Run) -> None:
    for evidence in plain.evidence.values():
        for one in evidence.rows[1:]:
            assert one.difference.value == pytest.approx(one.score.value - one.cs_score.value)
            assert one.difference.se < np.hypot(one.score.se, one.cs_score.se)
            assert one.both_score.value not in {one.score.value, one.cs_score.value}


def test_what_is_written_reads_back_equal(plain: Run) -> None:
    for target, evidence in plain.evidence.items():
        assert read_evidence(plain.layout, target) == evidence
        folder = plain.layout.feature_selection(target)
        assert sorted(path.name for path in folder.iterdir()) == [
            "evidence.json",
            "families.json",
            "importances.parquet",
            "leakage.json",
            "scores.parquet",
            "timing.json",
        ]
        scores = pd.read_parquet(folder / "scores.parquet")
        assert set(scores["model"]) == {"pooled", "local", "both"}
        assert len(scores) == 3 * 3 * 3
        assert (pd.to_datetime(scores["train_stop"]) < pd.to_datetime(scores["test_start"])).all()
        assert (pd.to_datetime(scores["test_start"]) < pd.to_datetime(scores["test_stop"])).all()
        importances = pd.read_parquet(folder / "importances.parquet")
        assert list(importances.columns) == ["fold", "feature", "gain", "weight"]
        assert len(importances) == 3 * 4
    assert {one.target for one in read_all_evidence(plain.layout)} == set(plain.evidence)


def test_scores_by_fold_stand_in_the_table(plain: Run) -> None:
    scores = pd.read_parquet(plain.layout.feature_selection(VALUE) / "scores.parquet")
    of = scores[(scores["symbol"] == "S001") & (scores["model"] == "local")]
    assert of["fold"].tolist() == [0, 1, 2]
    assert of["score"].mean() == pytest.approx(row(plain.evidence[VALUE], "S001").score.value, abs=0.05)


def test_progress_is_told_with_the_time_that_is_left(plain: Run) -> None:
    assert "rows before the hold-out, 4 features" in plain.told[0]
    done = [message for message in plain.told if ": done, " in message]
    assert [message.split(":")[0] for message in done] == list(plain.evidence)
    assert "1 of 3, about" in done[0]
    assert done[0].endswith("s left")
    assert done[-1].endswith("3 of 3")


def test_no_targets_need_no_panel(tmp_path: Path, plain: Run) -> None:
    info = build_panel(plain.config, plain.layout)
    assert list(evaluate_targets((), info, plain.config, Layout(tmp_path), print)) == []


def test_bytes_do_not_depend_on_order_company_or_threads(plain: Run, tmp_path: Path) -> None:
    frame = small_frame()
    gappy = frame.assign(y_gappy_2d=frame[UP].where(frame.index % 5 > 0))
    shuffled = tmp_path / "shuffled.parquet"
    frame.sample(frac=1.0, random_state=4).to_parquet(shuffled, index=False)
    alone = run(tmp_path / "alone", with_threads(plain.config, 1), UP)
    mixed = run(tmp_path / "mixed", config_of(shuffled), UP, VALUE)
    among = evaluate(tmp_path / "among", gappy)
    for target, others in ((UP, (alone, mixed, among)), (VALUE, (mixed, among))):
        expected = folder_bytes(plain.layout.feature_selection(target))
        for other in others:
            assert folder_bytes(other.layout.feature_selection(target)) == expected


def test_evidence_never_stands_without_its_timing(plain: Run) -> None:
    """What stands is not evaluated again: after a kill between the two the timing would never be known."""
    timing, evidence = timing_path(plain.layout, UP), evidence_path(plain.layout, UP)
    assert timing.stat().st_mtime_ns <= evidence.stat().st_mtime_ns


def test_evidence_that_did_not_change_is_not_rewritten(plain: Run, tmp_path: Path) -> None:
    first = run(tmp_path, plain.config, UP)
    folder = first.layout.feature_selection(UP)
    files = [folder / name for name in ("evidence.json", "families.json", "leakage.json")]
    times = [path.stat().st_mtime_ns for path in files]
    run(tmp_path, plain.config, UP)
    assert [path.stat().st_mtime_ns for path in files] == times


def test_the_holdout_is_never_looked_at(plain: Run, tmp_path: Path) -> None:
    frame, rng = small_frame(), np.random.default_rng(9)
    days = frame["timestamp"].drop_duplicates().sort_values().reset_index(drop=True)
    late = frame["timestamp"] >= days[holdout_start(len(days), 0.15)]
    for column in ("signal", "bend", "slow", "noise_a", VALUE):
        frame.loc[late, column] = rng.standard_normal(int(late.sum()))
    after = evaluate(tmp_path, frame, VALUE).evidence[VALUE]
    before = plain.evidence[VALUE]
    assert after.data_hash != before.data_hash
    assert (after.rows, after.features) == (before.rows, before.features)


def test_labels_that_reach_into_the_holdout_are_not_used(plain: Run, tmp_path: Path) -> None:
    frame = small_frame()
    days = frame["timestamp"].drop_duplicates().sort_values().reset_index(drop=True)
    start = holdout_start(len(days), 0.15)
    frame.loc[frame["timestamp"].isin(days[start - 2 : start]), VALUE] *= -5.0
    assert evaluate(tmp_path, frame, VALUE).evidence[VALUE].rows == plain.evidence[VALUE].rows


def test_leaks_are_not_looked_for_in_labels_that_reach_into_the_holdout(tmp_path: Path) -> None:
    frame, rng = small_frame(), np.random.default_rng(1)
    frame["echo"] = frame[UP].fillna(0.0) + 0.1 * rng.standard_normal(len(frame))
    days = frame["timestamp"].drop_duplicates().sort_values().reset_index(drop=True)
    start = holdout_start(len(days), 0.15)
    before = findings(evaluate(tmp_path / "before", frame, UP), UP)
    reaching = frame["timestamp"].isin(days[start - 2 : start])
    frame.loc[reaching, UP] = 1.0 - frame.loc[reaching, UP]
    after = findings(evaluate(tmp_path / "after", frame, UP), UP)
    pd.testing.assert_frame_equal(after, before)


def test_a_family_that_cannot_be_fitted_is_recorded_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit_without_lightgbm(family: ModelFamily, *args: object, **kwargs: object) -> object:
        if family == "lightgbm":
            raise ImportError("No module named 'lightgbm'")
        return registry.fit(family, *args, **kwargs)

    monkeypatch.setattr(probe, "fit", fit_without_lightgbm)
    found = evaluate(tmp_path, small_frame(), VALUE)
    for one in found.evidence[VALUE].rows:
        assert one.failed_families == ("lightgbm",)
        assert one.successful_families == ("xgboost", "ridge")
        assert "lightgbm" not in one.families
    path = found.layout.feature_selection(VALUE) / "families.json"
    assert b"No module named 'lightgbm'" in path.read_bytes()


def test_a_family_that_does_not_learn_the_task_is_recorded_as_failed(tmp_path: Path) -> None:
    named = ["ridge", "logistic", "elastic_net"]
    found = evaluate(tmp_path, small_frame(), UP, VALUE, evidence={**SMALL, "families": named})
    for target, other in ((UP, "elastic_net"), (VALUE, "logistic")):
        for one in found.evidence[target].rows:
            assert one.failed_families == (other,)
            assert one.families == ("ridge",)
    path = found.layout.feature_selection(VALUE) / "families.json"
    assert b"logistic learns no regression" in path.read_bytes()


@pytest.mark.parametrize(("named", "scored"), [(["xgboost"], ["xgboost"]), (["ridge"], ["ridge"])])
def test_a_single_family_is_screened_alone(tmp_path: Path, named: list[str], scored: list[str]) -> None:
    found = evaluate(tmp_path, small_frame(), UP, evidence={**SMALL, "families": named}).evidence[UP]
    assert {tuple(one.by_family) for one in found.rows} == {tuple(scored)}
    assert row(found).stability is not None
    assert row(found).score.value > 0.55


def test_a_panel_too_short_for_its_folds_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    # Folds purge 17 bars as 32.
    frame = small_frame(n_bars=160).assign(y_far=lambda f: f[UP])
    config = {"horizons": {"y_far": "17 bars"}, "evidence": {**SMALL, "embargo_bars": 0}}
    with pytest.raises(PanelError, match="too few for 3 folds of labels 32 bars ahead"):
        evaluate(tmp_path, frame, "y_far", **config)
    assert not (tmp_path / "out").exists()


def test_the_evidence_of_one_target_needs_no_other_target(plain: Run) -> None:
    assert plain.evidence[VALUE].settings_hash == plain.evidence[VALUE].settings_hash
    hashes = {evidence.data_hash for evidence in plain.evidence.values()}
    assert len(hashes) == 3


def test_evidence_is_json_that_a_reader_without_this_code_understands(plain: Run) -> None:
    path = plain.layout.feature_selection(UP) / "evidence.json"
    content = msgspec.json.decode(path.read_bytes())
    assert content["target"] == UP
    assert content["rows"][0]["score"]["value"] == row(plain.evidence[UP]).score.value
    assert replace(plain.evidence[UP]) == plain.evidence[UP]


def test_shuffled_labels_score_no_better_than_chance(plain: Run) -> None:
    for evidence in plain.evidence.values():
        null, found = evidence.null_score, row(evidence).score
        chance = evidence.score_metric.facts.chance
        assert null.value is not None
        assert null.se is not None
        assert abs(null.value - chance) < 4 * null.se
        assert null.value != chance
        assert found.value - chance > 5 * null.se, "the labels as they are have skill to lose"
