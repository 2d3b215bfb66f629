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
    ahead,
    as_class,
    autoregressive,
    config_of,
    evaluate,
    findings,
    folder_bytes,
    panel_frame,
    run,
    with_threads,
)

from foxml_assets.errors import PanelError
from foxml_assets.evidence import families
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.records import RowEvidence, TargetEvidence
from foxml_assets.evidence.store import read_all_evidence, read_evidence
from foxml_assets.families import registry
from foxml_assets.layout import Layout
from foxml_assets.selection.folds import holdout_start
from foxml_assets.selection.panel import build_panel
from foxml_assets.vocabulary import LeakageStatus, ModelFamily, ScoreMetric, TaskType

VALUE, UP, LONG = "fwd_value_2d", "y_up_2d", "fwd_long_4d"
SAFE, SUSPECT, BLOCKED = LeakageStatus.SAFE, LeakageStatus.SUSPECT, LeakageStatus.BLOCKED


def small_frame(n_bars: int = 480, n_symbols: int = 3, seed: int = 0) -> pd.DataFrame:
    """`signal` drives all labels, `bend` only where it is large; the other features are noise."""
    rng = np.random.default_rng(seed)
    shape = (n_symbols, n_bars)
    signal, bend = autoregressive(rng, shape, 0.8), autoregressive(rng, shape, 0.8)
    value = 0.5 * signal + np.abs(bend) + rng.standard_normal(shape)
    value[:, -2:] = np.nan
    return panel_frame(
        {
            "signal": signal,
            "bend": bend,
            "noise_a": rng.standard_normal(shape),
            "slow": np.cumsum(rng.standard_normal(shape), axis=1),
            VALUE: value,
            UP: as_class(value),
            LONG: ahead(0.5 * signal, 2) + rng.standard_normal(shape),
        }
    )


def row(evidence: TargetEvidence, symbol: str | None = None) -> RowEvidence:
    return next(one for one in evidence.rows if one.symbol == symbol)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evaluate(tmp_path_factory.mktemp("plain"), small_frame())


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
            assert one.successful_families == tuple(ModelFamily)
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
    assert row(plain.evidence[VALUE]).families == (ModelFamily.LIGHTGBM,)
    # Another than the expected one is chosen only where it leads clearly.
    assert row(plain.evidence[UP]).families == (ModelFamily.LIGHTGBM, ModelFamily.RIDGE)


def test_own_trees_are_fitted_where_the_pooled_trees_see_more_than_ridge(plain: Run) -> None:
    assert any("lightgbm" in row(plain.evidence[VALUE], s).by_family for s in ("S000", "S001", "S002"))
    assert ModelFamily.LIGHTGBM in row(plain.evidence[VALUE], "S001").families
    for symbol in ("S000", "S001", "S002"):
        assert list(row(plain.evidence[LONG], symbol).by_family) == ["ridge"]
        assert row(plain.evidence[LONG], symbol).families == (ModelFamily.RIDGE,)


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


def test_evidence_that_did_not_change_is_not_rewritten(plain: Run, tmp_path: Path) -> None:
    first = run(tmp_path, plain.config, UP)
    folder = first.layout.feature_selection(UP)
    times = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    run(tmp_path, plain.config, UP)
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")} == times
    assert len(times) == 3


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


def test_a_copy_of_the_label_blocks_its_target_and_no_other(plain: Run, tmp_path: Path) -> None:
    frame, rng = small_frame(), np.random.default_rng(1)
    frame["echo"] = frame[UP].fillna(0.0) + 0.1 * rng.standard_normal(len(frame))
    found = evaluate(tmp_path, frame, UP, LONG)
    blocked = found.evidence[UP]
    assert {one.leakage_status for one in blocked.rows} == {BLOCKED}
    assert all("echo is nearly the label" in one.leakage_reason for one in blocked.rows)
    assert blocked.features["echo"] is BLOCKED
    assert {status for name, status in blocked.features.items() if name != "echo"} == {SAFE}
    # A row is judged on what is left: without the echo, scores are those of a panel without it.
    assert row(blocked).score.value == pytest.approx(row(plain.evidence[UP]).score.value, abs=1e-9)
    listed = findings(found, UP)
    assert set(listed["feature"]) == {"echo"}
    assert listed["symbol"].isna().sum() == 1
    assert set(listed["symbol"].dropna()) == {"S000", "S001", "S002"}
    assert {one.leakage_status for one in found.evidence[LONG].rows} == {SAFE}
    assert findings(found, LONG).empty


def leaky_frame(rng_seed: int = 2) -> pd.DataFrame:
    """A label of noise and a little signal, a column shifted into the future, and its honest twin."""
    rng = np.random.default_rng(rng_seed)
    shape = (4, 700)
    returns, signal = rng.standard_normal(shape), autoregressive(rng, shape, 0.9)
    returns[:, 1:] += 0.3 * signal[:, :-1]
    forward = ahead(np.cumsum(returns, axis=1), 3) - np.cumsum(returns, axis=1)
    window = pd.DataFrame(returns.T).rolling(8).mean().to_numpy().T
    return panel_frame(
        {
            "signal": signal,
            "window": window,
            "noise_a": rng.standard_normal(shape),
            "leak": ahead(window, 3),
            "fwd_ret_3d": forward,
            "y_up_3d": as_class(forward),
        }
    )


@pytest.mark.parametrize("target", ["fwd_ret_3d", "y_up_3d"])
def test_evidence_with_a_leak_in_the_panel_is_that_of_a_panel_without_it(tmp_path: Path, target: str) -> None:
    frame = leaky_frame()
    settings = {**SMALL, "min_rows": 100, "top_k": 20}
    with_leak = evaluate(tmp_path / "with", frame, target, evidence=settings).evidence[target]
    without = evaluate(tmp_path / "without", frame.drop(columns="leak"), target, evidence=settings).evidence[
        target
    ]
    assert with_leak.features == {**without.features, "leak": BLOCKED}
    assert list(with_leak.features)[-1] == "leak"
    for one, other in zip(with_leak.rows, without.rows, strict=True):
        assert one.leakage_status is SAFE
        assert one.score.value == pytest.approx(other.score.value, abs=1e-9)
        assert one.score.se == pytest.approx(other.score.se, abs=1e-9)
        assert (one.stability, one.families) == (other.stability, other.families)


def test_empty_and_constant_columns_change_no_row(plain: Run, tmp_path: Path) -> None:
    frame = small_frame().assign(empty=np.nan, flat=1.0)
    found = evaluate(tmp_path, frame)
    for target, evidence in found.evidence.items():
        for one, other in zip(evidence.rows, plain.evidence[target].rows, strict=True):
            assert one.score.value == pytest.approx(other.score.value, abs=1e-9)
            assert (one.leakage_status, one.stability) == (other.leakage_status, other.stability)
        assert evidence.features == plain.evidence[target].features


def test_a_symbol_whose_label_leaks_is_kept_out_of_the_pool(tmp_path: Path) -> None:
    frame = small_frame(n_symbols=4)
    there = frame["symbol"] == "S001"
    frame["noise_a"] = frame["noise_a"].where(~there, frame[VALUE].fillna(0.0))
    found = evaluate(tmp_path, frame, VALUE).evidence[VALUE]
    assert [one.symbol for one in found.rows if one.leakage_status is BLOCKED] == ["S001"]
    clean = [row(found, symbol) for symbol in ("S000", "S002", "S003")]
    assert row(found).leakage_status is SAFE
    assert row(found).sample_size == sum(one.sample_size for one in clean)
    assert row(found).score.value == pytest.approx(np.mean([one.cs_score.value for one in clean]))
    assert row(found, "S001").score.value > 0.8
    assert row(found, "S001").cs_score.value < 0.7


def test_what_the_user_vouches_for_is_used_and_recorded(tmp_path: Path) -> None:
    frame, rng = small_frame(), np.random.default_rng(1)
    frame["echo"] = frame[UP].fillna(0.0) + 0.5 * rng.standard_normal(len(frame))
    why = "the exchange publishes it before the bar closes"
    settings = {**SMALL, "leakage": {"known_safe": {"echo": why}}}
    found = evaluate(tmp_path, frame, UP, evidence=settings).evidence[UP]
    assert found.known_safe == {"echo": why}
    assert found.features["echo"] is SAFE
    assert row(found).score.value > 0.9
    assert BLOCKED not in {one.leakage_status for one in found.rows}


def test_a_model_too_good_to_be_true_is_suspect(tmp_path: Path) -> None:
    # Many weak copies, none of them suspicious alone: together they are the label.
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((3, 480))
    columns = {f"echo_{at:02d}": noise + 5.5 * rng.standard_normal((3, 480)) for at in range(60)}
    frame = panel_frame({**columns, "fwd_noise_1d": noise})
    settings = {**SMALL, "leakage": {"max_credible_skill": 0.5}}
    found = evaluate(tmp_path, frame, evidence=settings, targets="fwd_*").evidence["fwd_noise_1d"]
    assert row(found).score.value > 0.5
    assert row(found).leakage_status is SUSPECT
    assert "from features that earlier rows do not explain" in row(found).leakage_reason


def test_great_skill_is_credible_where_a_function_of_the_past_carries_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    slow = autoregressive(rng, (3, 480), 0.97)
    frame = panel_frame({"slow": slow, "noise": rng.standard_normal((3, 480)), "fwd_slow_2d": ahead(slow, 2)})
    settings = {**SMALL, "leakage": {"max_credible_skill": 0.5}}
    found = evaluate(tmp_path, frame, evidence=settings, targets="fwd_*").evidence["fwd_slow_2d"]
    assert row(found).score.value > 0.6
    assert {one.leakage_status for one in found.rows} == {SAFE}


def test_a_symbol_with_few_rows_has_a_row_without_a_score(tmp_path: Path) -> None:
    frame = small_frame()
    short = (frame["symbol"] == "S002") & (
        frame["timestamp"] < frame["timestamp"].max() - pd.Timedelta(days=90)
    )
    found = evaluate(tmp_path, frame[~short], VALUE).evidence[VALUE]
    assert row(found, "S002").score.value is None
    assert row(found, "S002").sample_size == 0
    assert row(found, "S002").by_family == {}
    assert row(found, "S002").leakage_status is LeakageStatus.UNKNOWN
    assert row(found, "S000").score.value is not None
    assert row(found).leakage_status is SAFE


def test_a_symbol_that_exists_in_the_holdout_only_has_a_row_without_a_score(tmp_path: Path) -> None:
    frame = small_frame()
    last = frame["timestamp"].max() - pd.Timedelta(days=30)
    found = evaluate(tmp_path, frame[(frame["symbol"] != "S002") | (frame["timestamp"] > last)], UP)
    newcomer = row(found.evidence[UP], "S002")
    assert (newcomer.sample_size, newcomer.score.value, newcomer.cs_score.value) == (0, None, None)
    assert newcomer.leakage_status is LeakageStatus.UNKNOWN
    assert row(found.evidence[UP]).score.value > 0.55


def test_where_most_symbols_are_too_short_to_examine_the_pooled_row_is_unknown(tmp_path: Path) -> None:
    frame = small_frame(n_symbols=7)
    last = frame["timestamp"].max() - pd.Timedelta(days=120)
    short = (frame["symbol"] > "S002") & (frame["timestamp"] < last)
    found = evaluate(tmp_path, frame[~short], VALUE).evidence[VALUE]
    assert row(found).leakage_status is LeakageStatus.UNKNOWN
    assert "4 of 7 symbols are too short" in row(found).leakage_reason


def test_a_symbol_that_starts_late_is_scored_where_it_exists(tmp_path: Path) -> None:
    frame = small_frame(n_bars=900)
    late = (frame["symbol"] == "S002") & (frame["timestamp"] < "2020-10-01")
    found = evaluate(tmp_path, frame[~late], VALUE).evidence[VALUE]
    assert 0 < row(found, "S002").sample_size < row(found, "S000").sample_size
    assert row(found, "S002").score.value is not None


def test_a_target_that_is_known_in_the_holdout_only_has_no_scores(tmp_path: Path) -> None:
    frame = small_frame()
    last = frame["timestamp"].max() - pd.Timedelta(days=40)
    frame["y_late_2d"] = frame[UP].where(frame["timestamp"] > last)
    found = evaluate(tmp_path, frame, "y_late_2d").evidence["y_late_2d"]
    assert {one.score.value for one in found.rows} == {None}
    assert {one.sample_size for one in found.rows} == {0}
    assert {one.leakage_status for one in found.rows} == {LeakageStatus.UNKNOWN}
    assert row(found).successful_families == ()


def test_a_panel_whose_only_feature_is_a_copy_has_blocked_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    value = rng.standard_normal((3, 480))
    frame = panel_frame({"echo": value + 0.1 * rng.standard_normal(value.shape), "fwd_noise_2d": value})
    found = evaluate(tmp_path, frame, targets="fwd_*").evidence["fwd_noise_2d"]
    assert {one.leakage_status for one in found.rows} == {BLOCKED}
    assert found.features == {"echo": BLOCKED}


def test_a_family_that_cannot_be_fitted_is_recorded_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit_without_lightgbm(family: ModelFamily, *args: object, **kwargs: object) -> object:
        if family is ModelFamily.LIGHTGBM:
            raise ImportError("No module named 'lightgbm'")
        return registry.fit(family, *args, **kwargs)

    monkeypatch.setattr(families, "fit", fit_without_lightgbm)
    found = evaluate(tmp_path, small_frame(), VALUE)
    for one in found.evidence[VALUE].rows:
        assert one.failed_families == (ModelFamily.LIGHTGBM,)
        assert one.successful_families == (ModelFamily.XGBOOST, ModelFamily.RIDGE)
        assert ModelFamily.LIGHTGBM not in one.families
    path = found.layout.feature_selection(VALUE) / "families.json"
    assert b"No module named 'lightgbm'" in path.read_bytes()


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
