"""Evidence for one target, from a panel to the files that routing reads."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_panels import demo_config, folder_bytes, parquet_config, silent, small_frame

from foxml_assets.errors import EvidenceError
from foxml_assets.evidence.evaluate import evaluate_target
from foxml_assets.evidence.records import RowEvidence, TargetEvidence
from foxml_assets.evidence.store import (
    evidence_hash,
    evidence_path,
    read_all_evidence,
    read_evidence,
)
from foxml_assets.families import registry
from foxml_assets.layout import Layout
from foxml_assets.selection import family_probe
from foxml_assets.selection.config import DataConfig
from foxml_assets.selection.folds import holdout_start
from foxml_assets.selection.panel import build_panel
from foxml_assets.vocabulary import LeakageStatus, ModelFamily, ScoreMetric

TARGET = "fwd_value_2d"


def evaluate(
    root: Path, frame: pd.DataFrame, target: str = TARGET, config: DataConfig | None = None
) -> tuple[TargetEvidence, Layout]:
    root.mkdir(exist_ok=True)
    path = root / "panel.parquet"
    frame.to_parquet(path, index=False)
    config, layout = config or parquet_config(path), Layout(root / "out")
    info = build_panel(config, layout)
    return evaluate_target(target, info, config, layout, silent), layout


def row(evidence: TargetEvidence, symbol: str | None) -> RowEvidence:
    return next(one for one in evidence.rows if one.symbol == symbol)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[TargetEvidence, Layout]:
    frame = small_frame().drop(columns="late")
    return evaluate(tmp_path_factory.mktemp("plain") / "run", frame)


def test_there_is_a_pooled_row_and_one_per_symbol(plain: tuple[TargetEvidence, Layout]) -> None:
    evidence, _ = plain
    assert [one.symbol for one in evidence.rows] == [None, "AAA", "BBB", "CCC"]
    assert evidence.score_metric is ScoreMetric.IC
    assert evidence.horizon_minutes == 2 * 1_440.0
    for one in evidence.rows:
        assert one.leakage_status is LeakageStatus.SAFE
        assert one.successful_families == (ModelFamily.LIGHTGBM, ModelFamily.XGBOOST)
        assert one.stability is not None
        assert one.stability.n_snapshots == 3
        assert one.score.value is not None
        assert one.score.ci_low is not None
        assert one.score.ci_high is not None
        assert one.score.ci_low <= one.score.value <= one.score.ci_high


def test_the_driving_feature_is_found_and_ranked_first(plain: tuple[TargetEvidence, Layout]) -> None:
    evidence, _ = plain
    assert len(evidence.features) == 3
    assert next(iter(evidence.features)) == "signal"
    assert evidence.rows[0].score.value == pytest.approx(0.3, abs=0.15)


def test_the_pooled_score_is_the_mean_within_symbols(plain: tuple[TargetEvidence, Layout]) -> None:
    evidence, _ = plain
    on_symbols = [one.cs_score.value for one in evidence.rows if one.cs_score is not None]
    assert evidence.rows[0].score.value == pytest.approx(np.mean(on_symbols))
    assert evidence.rows[0].sample_size == sum(one.sample_size for one in evidence.rows[1:])


def test_the_difference_is_paired(plain: tuple[TargetEvidence, Layout]) -> None:
    evidence, _ = plain
    for one in evidence.rows[1:]:
        assert one.difference is not None
        assert one.cs_score is not None
        assert one.difference.value == pytest.approx(one.score.value - one.cs_score.value)
        unpaired = np.hypot(one.score.se, one.cs_score.se)
        assert one.difference.se < unpaired


def test_what_is_written_reads_back_equal(plain: tuple[TargetEvidence, Layout]) -> None:
    evidence, layout = plain
    assert read_evidence(layout, TARGET) == evidence
    assert read_all_evidence(layout) == (evidence,)
    assert len(evidence_hash(layout, TARGET)) == 64
    scores = pd.read_parquet(layout.feature_selection(TARGET) / "scores.parquet")
    assert set(scores["model"]) == {"pooled", "local", "both"}
    assert len(scores) == 3 * 3 * 3
    assert (pd.to_datetime(scores["train_stop"]) < pd.to_datetime(scores["test_start"])).all()
    importances = pd.read_parquet(layout.feature_selection(TARGET) / "importances.parquet")
    assert len(importances) == (1 + 3) * 3 * 4
    assert importances["symbol"].isna().sum() == 3 * 4


def test_the_result_does_not_depend_on_order_company_or_threads(tmp_path: Path) -> None:
    frame = small_frame()
    path = tmp_path / "panel.parquet"
    frame.to_parquet(path, index=False)
    shuffled = tmp_path / "shuffled.parquet"
    frame.sample(frac=1.0, random_state=4).to_parquet(shuffled, index=False)
    found = []
    for name, source, targets, threads in (
        ("alone", path, (TARGET,), 2),
        ("after another", path, ("y_up_2d", TARGET), 2),
        ("one thread", path, (TARGET,), 1),
        ("shuffled", shuffled, (TARGET,), 3),
    ):
        base = parquet_config(source)
        config = base.model_copy(update={"evidence": base.evidence.model_copy(update={"threads": threads})})
        layout = Layout(tmp_path / name)
        info = build_panel(config, layout)
        for target in targets:
            evaluate_target(target, info, config, layout, silent)
        found.append(folder_bytes(layout.feature_selection(TARGET)))
    assert all(one == found[0] for one in found[1:])


def test_the_holdout_is_never_looked_at(tmp_path: Path) -> None:
    frame = small_frame()
    days = frame["timestamp"].drop_duplicates().sort_values().reset_index(drop=True)
    first = days[holdout_start(len(days), 0.15)]
    altered = frame.copy()
    late = altered["timestamp"] >= first
    rng = np.random.default_rng(9)
    for column in ("signal", "slow", "late", TARGET):
        altered.loc[late, column] = rng.standard_normal(int(late.sum()))
    before, _ = evaluate(tmp_path / "before", frame)
    after, _ = evaluate(tmp_path / "after", altered)
    assert before.data_hash != after.data_hash
    assert before.rows == after.rows
    assert before.features == after.features


def test_labels_that_reach_into_the_holdout_are_not_used(tmp_path: Path) -> None:
    frame = small_frame()
    days = frame["timestamp"].drop_duplicates().sort_values().reset_index(drop=True)
    start = holdout_start(len(days), 0.15)
    altered = frame.copy()
    reaching = altered["timestamp"].isin(days[start - 2 : start])
    altered.loc[reaching, TARGET] *= -5.0
    assert evaluate(tmp_path / "before", frame)[0].rows == evaluate(tmp_path / "after", altered)[0].rows


def test_a_leaking_feature_blocks_its_target_and_no_other(tmp_path: Path) -> None:
    frame = small_frame().drop(columns="late")
    frame["echo"] = frame[TARGET].fillna(0.0) + 0.01 * frame["noise_a"]
    unseen = np.random.default_rng(6).standard_normal(len(frame))
    frame["y_other_2d"] = (frame["signal"] + unseen > 0) * 1.0
    blocked, _ = evaluate(tmp_path / "one", frame)
    assert {one.leakage_status for one in blocked.rows} == {LeakageStatus.BLOCKED}
    assert all("echo is nearly the label" in one.leakage_reason for one in blocked.rows)
    assert blocked.features["echo"] is LeakageStatus.BLOCKED
    assert {status for name, status in blocked.features.items() if name != "echo"} == {LeakageStatus.SAFE}
    other, _ = evaluate(tmp_path / "two", frame, "y_other_2d")
    assert {one.leakage_status for one in other.rows} == {LeakageStatus.SAFE}


def test_a_symbol_whose_label_leaks_is_kept_out_of_the_pool(tmp_path: Path) -> None:
    frame = small_frame(symbols=("AAA", "BBB", "CCC", "DDD")).drop(columns="late")
    at_bbb = frame["symbol"] == "BBB"
    frame["noise_a"] = frame["noise_a"].where(~at_bbb, frame[TARGET].fillna(0.0))
    found, _ = evaluate(tmp_path / "run", frame)
    assert [one.symbol for one in found.rows if one.leakage_status is LeakageStatus.BLOCKED] == ["BBB"]
    clean = [row(found, symbol) for symbol in ("AAA", "CCC", "DDD")]
    assert row(found, None).sample_size == sum(one.sample_size for one in clean)
    assert row(found, None).score.value == pytest.approx(np.mean([one.cs_score.value for one in clean]))
    assert row(found, "BBB").score.value > 0.8
    assert row(found, "BBB").cs_score.value < 0.5


def test_a_symbol_with_few_rows_has_a_row_without_a_score(tmp_path: Path) -> None:
    frame = small_frame().drop(columns="late")
    short = (frame["symbol"] == "CCC") & (
        frame["timestamp"] < frame["timestamp"].max() - pd.Timedelta(days=90)
    )
    found, _ = evaluate(tmp_path / "run", frame[~short])
    assert row(found, "CCC").score.value is None
    assert row(found, "CCC").sample_size == 0
    assert row(found, "CCC").leakage_status is LeakageStatus.UNKNOWN
    assert row(found, "AAA").score.value is not None


def test_a_symbol_that_starts_late_is_scored_where_it_exists(tmp_path: Path) -> None:
    frame = small_frame(n_bars=900).drop(columns="late")
    late = (frame["symbol"] == "CCC") & (frame["timestamp"] < "2020-10-01")
    found, _ = evaluate(tmp_path / "run", frame[~late])
    one = row(found, "CCC")
    assert 0 < one.sample_size < row(found, "AAA").sample_size
    assert one.score.value is not None
    assert one.stability is not None
    assert one.stability.n_snapshots < 3


def test_a_family_that_cannot_be_fitted_is_recorded_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit_without_xgboost(family: ModelFamily, *args: object, **kwargs: object) -> object:
        if family is ModelFamily.XGBOOST:
            raise ImportError("No module named 'xgboost'")
        return registry.fit(family, *args, **kwargs)

    monkeypatch.setattr(family_probe, "fit", fit_without_xgboost)
    found, layout = evaluate(tmp_path / "run", small_frame())
    assert all(one.failed_families == (ModelFamily.XGBOOST,) for one in found.rows)
    assert all(one.successful_families == (ModelFamily.LIGHTGBM,) for one in found.rows)
    assert b"No module named 'xgboost'" in (layout.feature_selection(TARGET) / "families.json").read_bytes()


def test_progress_is_told(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    small_frame().to_parquet(path, index=False)
    config, layout = parquet_config(path), Layout(tmp_path / "out")
    told: list[str] = []
    evaluate_target(TARGET, build_panel(config, layout), config, layout, told.append)
    assert len(told) >= 4
    assert all(message.startswith(TARGET) for message in told)


def test_evidence_that_is_missing_damaged_or_misplaced_is_an_error(
    plain: tuple[TargetEvidence, Layout], tmp_path: Path
) -> None:
    evidence, layout = plain
    empty = Layout(tmp_path)
    assert read_all_evidence(empty) == ()
    for read in (read_evidence, evidence_hash):
        with pytest.raises(EvidenceError, match="no evidence yet"):
            read(empty, TARGET)
    path = evidence_path(empty, "y_else_2d")
    path.parent.mkdir(parents=True)
    path.write_bytes(evidence_path(layout, evidence.target).read_bytes())
    with pytest.raises(EvidenceError, match="another target"):
        read_evidence(empty, "y_else_2d")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_all_evidence(empty)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TargetEvidence]:
    """All targets of the demo, cut down to five stocks and ten years, with the screening of the default."""
    config = demo_config(["AAPL", "JPM", "KO", "WMT", "XOM"], "2012-06-01", evidence="evidence: {}")
    layout = Layout(tmp_path_factory.mktemp("demo"))
    info = build_panel(config, layout)
    for target in info.targets:
        evaluate_target(target.name, info, config, layout, silent)
    return {evidence.target: evidence for evidence in read_all_evidence(layout)}


def test_the_demos_planted_leak_is_blocked(demo: dict[str, TargetEvidence]) -> None:
    coin = demo["y_coin_flip_5d"]
    assert {one.leakage_status for one in coin.rows} == {LeakageStatus.BLOCKED}
    assert all("coin_flip_echo" in one.leakage_reason for one in coin.rows)
    assert next(iter(coin.features.items())) == ("coin_flip_echo", LeakageStatus.BLOCKED)


def test_no_honest_feature_of_the_demo_is_flagged(demo: dict[str, TargetEvidence]) -> None:
    for target, evidence in demo.items():
        if target != "y_coin_flip_5d":
            assert {one.leakage_status for one in evidence.rows} == {LeakageStatus.SAFE}, target
        for feature, status in evidence.features.items():
            planted = target == "y_coin_flip_5d" and feature == "coin_flip_echo"
            assert status is (LeakageStatus.BLOCKED if planted else LeakageStatus.SAFE), (target, feature)


def test_volatility_is_easier_than_returns_and_swings_lie_between(demo: dict[str, TargetEvidence]) -> None:
    skill = {target: evidence.rows[0].score.value for target, evidence in demo.items()}
    assert skill["fwd_log_vol_10d"] > 0.2
    assert skill["fwd_log_vol_10d"] > abs(skill["fwd_ret_5d"])
    assert 0.52 < skill["y_will_swing_low_5d_0.03"] < 0.75


def test_without_its_echo_the_coin_scores_near_chance(tmp_path: Path) -> None:
    whole = demo_config(["AAPL", "JPM", "KO", "WMT", "XOM"], "2012-06-01")
    layout = Layout(tmp_path / "demo")
    build_panel(whole, layout)
    frame = pd.read_parquet(layout.panel).rename(columns={"date": "timestamp"}).drop(columns="coin_flip_echo")
    path = tmp_path / "honest.parquet"
    frame.to_parquet(path, index=False)
    config = parquet_config(path, 'targets: [y_coin_flip_5d]\nexclude_features: ["fwd_*", "y_*"]', "")
    found, _ = evaluate(tmp_path / "run", frame, "y_coin_flip_5d", config)
    for one in found.rows:
        assert one.leakage_status is LeakageStatus.SAFE
        assert abs(one.score.value - 0.5) < 4 * one.score.se
        assert abs(one.score.value - 0.5) < 0.06
