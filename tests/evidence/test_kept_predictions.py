"""The predictions behind the scores of a target, kept where the settings ask for it."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evidence_panels import (
    SMALL,
    Run,
    as_class,
    autoregressive,
    config_of,
    evaluate,
    folder_bytes,
    panel_frame,
    run,
    with_threads,
)

from foxml_assets.core.errors import EvidenceError
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.evidence.kept_predictions import COLUMNS, kept_path, read_predictions
from foxml_assets.panel.folds import walk_forward
from foxml_assets.panel.panel_store import load_panel_info
from foxml_assets.storage.layout import Layout

VALUE, UP = "fwd_value_2d", "y_up_2d"
KEEPING = {**SMALL, "keep_predictions": True}


def frame() -> pd.DataFrame:
    """The levels of the labels differ by symbol."""
    rng = np.random.default_rng(0)
    signal = autoregressive(rng, (3, 300), 0.8)
    value = 0.5 * signal + rng.standard_normal((3, 300)) + np.array([[0.0], [5.0], [-5.0]])
    value[:, ::7] = np.nan
    return panel_frame(
        {"signal": signal, "noise": rng.standard_normal((3, 300)), VALUE: value, UP: as_class(value)}
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evaluate(tmp_path_factory.mktemp("kept"), frame(), evidence=KEEPING)


@pytest.fixture
def copied(kept: Run, tmp_path: Path) -> Run:
    shutil.copytree(kept.layout.root, tmp_path / "root")
    return Run(Layout(tmp_path / "root"), kept.config, kept.evidence, ())


def labelled(kept: Run, target: str) -> pd.DataFrame:
    """The kept predictions beside the label."""
    found = read_predictions(kept.layout, kept.evidence[target]).astype({"symbol": "str"})
    return found.merge(frame()[["timestamp", "symbol", target]], on=["timestamp", "symbol"], validate="1:1")


def skill_within_folds(rows: pd.DataFrame, side: str) -> float:
    """The rank correlation with the label over the folds, by ranks within each."""
    rows = rows[rows[side].notna()]
    ranks = rows.groupby("fold")[[side, VALUE]].rank(pct=True)
    centred = ranks - ranks.groupby(rows["fold"]).transform("mean")
    x, y = centred[side], centred[VALUE]
    return float((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))


def test_they_have_the_scores_of_the_evidence(kept: Run) -> None:
    rows, evidence = labelled(kept, VALUE), kept.evidence[VALUE]
    for row in evidence.rows[1:]:
        own = rows[rows["symbol"] == row.symbol]
        assert skill_within_folds(own, "own") == pytest.approx(row.score.value, abs=1e-4)
        assert skill_within_folds(own, "pooled") == pytest.approx(row.cs_score.value, abs=1e-4)
        assert own["own"].notna().sum() == row.sample_size


def test_they_are_in_the_unit_of_the_label(kept: Run) -> None:
    for target, close in ((VALUE, 0.6), (UP, 0.3)):
        rows = labelled(kept, target)
        off = (rows["own"] - rows[target]).groupby([rows["symbol"], rows["fold"]]).mean().dropna()
        assert (off.abs() < close).all()
    # The pooled model shrinks the levels of so few rows.
    levels = labelled(kept, VALUE).groupby("symbol")["pooled"].mean()
    assert levels["S001"] - 1.0 > levels["S000"] > levels["S002"] + 1.0


def test_each_row_is_labelled_and_in_the_test_window_of_its_fold(kept: Run) -> None:
    for target in (VALUE, UP):
        rows = labelled(kept, target)
        assert list(rows) == [*COLUMNS, target]
        assert rows[target].notna().all()
        assert rows["pooled"].dtype == rows["own"].dtype == np.float32
        horizon = load_panel_info(kept.layout).target(target).horizon_bars
        folds = walk_forward(300, horizon, kept.config.evidence)
        bar = (rows["timestamp"] - frame()["timestamp"].min()).dt.days
        for fold in folds:
            inside = bar[rows["fold"] == fold.index]
            assert fold.test_start <= inside.min() <= inside.max() < fold.test_stop
        assert rows["fold"].isin(range(len(folds))).all()


def test_no_label_of_a_fold_or_later_reaches_its_predictions(kept: Run, tmp_path: Path) -> None:
    changed = frame()
    last = read_predictions(kept.layout, kept.evidence[VALUE]).query("fold == 2")["timestamp"].min()
    late = changed["timestamp"] >= last
    changed.loc[late, VALUE] = changed.loc[late, VALUE] + np.random.default_rng(1).standard_normal(
        int(late.sum())
    )
    other = evaluate(tmp_path, changed, VALUE, evidence=KEEPING)
    assert other.evidence[VALUE].rows[0].families == kept.evidence[VALUE].rows[0].families
    before, after = (read_predictions(one.layout, one.evidence[VALUE]) for one in (kept, other))
    pd.testing.assert_frame_equal(after, before)


def test_the_evidence_itself_is_the_same_with_and_without_them(kept: Run, tmp_path: Path) -> None:
    quiet = config_of(Path(kept.config.panel.path), {**SMALL, "keep_predictions": False})
    without = run(tmp_path, with_threads(quiet, 1))
    before, after = (folder_bytes(one.layout.feature_selections) for one in (kept, without))
    assert {name for name in before if name not in after} == {
        f"{target}/predictions.parquet" for target in (VALUE, UP)
    }
    assert {name: before[name] for name in after} == after


def test_equal_inputs_give_equal_bytes_whatever_the_threads(kept: Run, copied: Run) -> None:
    shutil.rmtree(copied.layout.feature_selections)
    run(copied.layout.root, with_threads(kept.config, 1), VALUE)
    again, first = (kept_path(one.layout, VALUE).read_bytes() for one in (copied, kept))
    assert again == first


def test_a_target_is_stale_only_where_they_are_asked_for_and_missing(copied: Run) -> None:
    info, path = load_panel_info(copied.layout), Path(copied.config.panel.path)
    quiet = config_of(path, SMALL)
    assert stale_targets(info, copied.config, copied.layout) == ()
    kept_path(copied.layout, VALUE).unlink()
    kept_path(copied.layout, UP).write_bytes(b"torn")
    assert stale_targets(info, copied.config, copied.layout) == (VALUE, UP)
    assert stale_targets(info, quiet, copied.layout) == ()


def test_a_new_evidence_that_keeps_none_removes_those_of_the_old(copied: Run) -> None:
    run(copied.layout.root, config_of(Path(copied.config.panel.path), SMALL), UP)
    assert not kept_path(copied.layout, UP).exists()
    assert kept_path(copied.layout, VALUE).exists()


def test_a_file_that_is_missing_damaged_or_of_another_evidence_is_an_error(copied: Run) -> None:
    evidence, path = copied.evidence[VALUE], kept_path(copied.layout, VALUE)
    table = pq.read_table(path)
    for change, told in (
        (table.drop_columns(["own"]), "own: column is missing"),
        (table.set_column(2, "fold", table["fold"].cast(pa.int64())), "fold: is of another type"),
        (table.set_column(0, "timestamp", table["fold"]), "timestamp: is of another type"),
        (table.replace_schema_metadata({}), "belongs to another evidence"),
        (table.take(np.arange(len(table))[::-1]), "is not sorted by symbol"),
    ):
        pq.write_table(change, path)
        with pytest.raises(EvidenceError, match=told):
            read_predictions(copied.layout, evidence)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_predictions(copied.layout, evidence)
    path.unlink()
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_predictions(copied.layout, evidence)
