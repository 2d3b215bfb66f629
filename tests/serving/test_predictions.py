"""What the models of a plan say on a panel of the user's, and on the hold-out of their own."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from routed_world import Routed
from served_world import FEATURES, held_rows, job_of, panel_file
from training_world import RETURN, UP, make_world, panel_frame

from foxml_assets.core.errors import PanelError, PlanMissingError, PlanStaleError
from foxml_assets.core.vocabulary import OutOfSample, TaskType
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.reporting.make_report import make_report
from foxml_assets.serving.job_models import load_family
from foxml_assets.serving.predicting import predict_rows
from foxml_assets.serving.serve_panel import (
    PanelPredictions,
    predict_panel,
    read_panel_rows,
    read_plan,
    serve_holdout,
)
from foxml_assets.training.models.manifest import manifest_path, model_path
from foxml_assets.training.scores import score

BLOCKED = {"its route is blocked": 6}


def predicted(routed: Routed, folder: Path, frame: pd.DataFrame) -> PanelPredictions:
    return predict_panel(panel_file(folder / "new.parquet", frame), routed.world.context, None)


def of_pair(frame: pd.DataFrame, target: str, symbol: str) -> pd.DataFrame:
    return frame[(frame["target"] == target) & (frame["symbol"] == symbol)]


def said(routed: Routed, target: str, side: str | None, rows: pd.DataFrame) -> np.ndarray:
    """What the models of one job say, from the models themselves."""
    job = job_of(routed, target, side)
    models = [load_family(job, family, routed.world.context) for family in job.model_families]
    return np.mean([model.predict(rows) for model in models], axis=0)


def test_each_pair_is_served_by_the_models_its_route_names(trained_once: Routed, tmp_path: Path) -> None:
    rows = held_rows()
    found = predicted(trained_once, tmp_path, rows).frame
    both, own = rows[rows["symbol"] == "AAA"].assign(symbol=0), rows[rows["symbol"] == "CCC"]
    expected = np.mean([said(trained_once, UP, None, both), said(trained_once, UP, "AAA", both)], axis=0)
    np.testing.assert_array_equal(of_pair(found, UP, "AAA")["prediction"], expected)
    pooled = rows[rows["symbol"] == "DDD"].assign(symbol=3)
    np.testing.assert_array_equal(
        of_pair(found, UP, "DDD")["prediction"], said(trained_once, UP, None, pooled)
    )
    alone = of_pair(found, RETURN, "CCC")
    np.testing.assert_array_equal(alone["prediction"], said(trained_once, RETURN, "CCC", own))
    np.testing.assert_array_equal(alone["timestamp"], own["date"])


def test_each_row_names_its_models_and_the_plan(trained_once: Routed, tmp_path: Path) -> None:
    found = predicted(trained_once, tmp_path, held_rows())
    frame = found.frame
    assert list(frame) == ["timestamp", "symbol", "target", "prediction", "models", "plan_hash"]
    assert set(of_pair(frame, UP, "AAA")["models"]) == {f"cs_{UP}|sym_AAA_{UP}"}
    assert set(of_pair(frame, UP, "BBB")["models"]) == {f"cs_{UP}"}
    assert set(of_pair(frame, RETURN, "BBB")["models"]) == {f"sym_BBB_{RETURN}"}
    assert set(frame["plan_hash"]) == {trained_once.plan.metadata.plan_hash}
    assert found.unserved == BLOCKED
    order = frame[["target", "symbol", "timestamp"]].astype({"target": str, "symbol": str})
    assert order.equals(order.sort_values(list(order), ignore_index=True))


def test_order_labels_and_other_columns_of_the_panel_do_not_matter(
    trained_once: Routed, tmp_path: Path
) -> None:
    expected = predicted(trained_once, tmp_path, held_rows()).frame
    whole = panel_frame()
    labelled = whole[whole["date"] >= "2020-12-24"].assign(comment="text").sample(frac=1.0, random_state=1)
    for symbol, part in labelled.groupby("symbol"):
        panel_file(tmp_path / "parts" / f"symbol={symbol}" / "rows.parquet", part.drop(columns="symbol"))
    found = predict_panel(tmp_path / "parts", trained_once.world.context, None)
    pd.testing.assert_frame_equal(found.frame, expected)


def test_a_single_time_can_be_predicted(trained_once: Routed, tmp_path: Path) -> None:
    rows = held_rows()
    last = rows[rows["date"] == "2021-01-15"]
    found = predicted(trained_once, tmp_path, last).frame
    assert len(of_pair(found, UP, "AAA")) == 1


def test_only_the_columns_that_models_take_are_read(trained: Routed, tmp_path: Path) -> None:
    served = read_plan(trained.world.context)
    words = held_rows().assign(more="is no number")
    rows = read_panel_rows(panel_file(tmp_path / "p.parquet", words), served, None)
    assert sorted(rows.frame) == sorted(FEATURES)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda frame: frame.drop(columns=["mom", "gap"]),
            ["column gap: is missing", "column mom: is missing"],
        ),
        (lambda frame: frame.drop(columns="date"), ["column date: is missing"]),
        (lambda frame: frame.drop(columns="symbol"), ["column symbol: is missing"]),
        (lambda frame: frame.assign(vol="high"), ["column vol: is not numeric (found 'high')"]),
        (lambda frame: frame.assign(vol=np.inf), ["column vol: has infinite values"]),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), ["duplicate (time, symbol) rows"]),
        (lambda frame: frame.iloc[:0], ["holds no rows"]),
        (
            lambda frame: frame.assign(date=1),
            ["column date: holds whole numbers: say what they count since 1970"],
        ),
        (lambda frame: frame.assign(symbol="A\x1b[2J"), ["control or unprintable characters"]),
    ],
)
def test_a_panel_that_does_not_fit_is_refused_by_column(
    trained_once: Routed, tmp_path: Path, change: object, told: list[str]
) -> None:
    assert callable(change)
    with pytest.raises(PanelError) as caught:
        predicted(trained_once, tmp_path, change(held_rows()))
    for text in told:
        assert text in str(caught.value)


def test_pairs_without_a_model_are_counted_by_reason(trained: Routed, tmp_path: Path) -> None:
    layout = trained.world.layout
    manifest_path(job_of(trained, RETURN, "BBB"), "xgboost", layout).unlink()
    broken = model_path(job_of(trained, UP, "AAA"), "lightgbm", layout)
    broken.write_bytes(broken.read_bytes() + b" ")
    stranger = held_rows().assign(symbol="NEW").drop_duplicates("date")
    found = predicted(trained, tmp_path, pd.concat([held_rows(), stranger]))
    (corrupt,) = (reason for reason in found.unserved if reason.startswith("the symbol model is corrupt"))
    assert "is not the one that was trained" in corrupt
    assert found.unserved == {
        **BLOCKED,
        "the plan does not know the symbol": 3,
        "the symbol model is missing: xgboost: not trained yet": 1,
        corrupt: 1,
    }
    assert set(found.frame["symbol"].astype(str) + found.frame["target"].astype(str)) == {
        f"BBB{UP}", f"CCC{UP}", f"DDD{UP}", f"CCC{RETURN}",
    }  # fmt: skip


def test_a_model_is_verified_when_it_is_loaded(trained: Routed, tmp_path: Path) -> None:
    served = read_plan(trained.world.context)
    rows = read_panel_rows(panel_file(tmp_path / "p.parquet", held_rows()), served, None)
    forged = model_path(job_of(trained, UP), "lightgbm", trained.world.layout)
    forged.write_bytes(forged.read_bytes().replace(b"leaf_value=", b"leaf_value=9", 1))
    *_, up = predict_rows(served, rows, threads=1)
    assert up.pairs == 0
    ((reason, pairs),) = up.unserved.items()
    assert pairs == 4
    assert reason.startswith("the pooled model cannot be used: the model is corrupt: ")


def test_the_holdout_is_predicted_as_it_is_scored(trained_once: Routed) -> None:
    context = trained_once.world.context
    served, rows = serve_holdout(context)
    tables = [one.table.to_pandas() for one in predict_rows(served, rows, threads=2)]
    _, scores = make_report(trained_once.plan, trained_once.routing, context, BlockConfig())
    labels = panel_frame().set_index(["date", "symbol"])
    assert len(scores) == 6
    for pair in scores.itertuples():
        frame = pd.concat(of_pair(table, pair.target, pair.symbol) for table in tables)
        y = labels.loc[zip(frame["timestamp"], frame["symbol"], strict=True), pair.target].to_numpy()
        known = ~np.isnan(y)
        task = TaskType.REGRESSION if pair.target == RETURN else TaskType.CLASSIFICATION
        found = score(task, y[known], frame["prediction"].to_numpy()[known], min_rows=2)
        assert (found.value, found.n) == (pair.score, pair.n)
        # The last rows have no label yet, and a prediction all the same.
        assert len(frame) == (held_rows()["symbol"] == pair.symbol).sum()


def test_the_holdout_is_what_the_same_rows_are_as_a_panel(trained_once: Routed, tmp_path: Path) -> None:
    served, rows = serve_holdout(trained_once.world.context)
    held = pd.concat([one.table.to_pandas() for one in predict_rows(served, rows, threads=1)])
    found = predicted(trained_once, tmp_path, held_rows()).frame
    for column in ("timestamp", "prediction"):
        np.testing.assert_array_equal(held[column], found[column])


def test_the_holdout_of_a_panel_that_moved_on_is_not_out_of_sample(trained: Routed, tmp_path: Path) -> None:
    newer = make_world(tmp_path / "newer", panel_frame(seed=5))
    shutil.copytree(newer.layout.panel_dir, trained.world.layout.panel_dir, dirs_exist_ok=True)
    context = replace(trained.world.context, info=newer.context.info)
    served, rows = serve_holdout(context)
    found = list(predict_rows(served, rows, threads=1))
    assert [one.pairs for one in found] == [0, 0, 0]
    assert "the pooled model was trained before the panel changed" in found[-1].unserved
    # As rows of any panel they can be predicted on.
    assert set(predicted(trained, tmp_path, held_rows()).unserved) == set(BLOCKED)


def test_a_holdout_that_models_were_trained_on_is_refused(trained_once: Routed) -> None:
    context = replace(trained_once.world.context, holdout_fraction=0.4)
    with pytest.raises(PanelError) as caught:
        predict_panel(OutOfSample.HOLDOUT, context, None)
    assert str(context.layout.panel_info) in str(caught.value)
    assert "data_config.yaml is not the 0.2 of the panel (found 0.4)" in str(caught.value)
    assert "foxml run" in caught.value.fix
    with pytest.raises(PanelError, match="another hold-out"):
        make_report(trained_once.plan, trained_once.routing, context, BlockConfig())


def test_predictions_need_the_plan_and_its_routing_plan(trained: Routed, tmp_path: Path) -> None:
    layout = trained.world.layout
    layout.routing_plan.unlink()
    with pytest.raises(PlanStaleError, match="another routing plan"):
        predicted(trained, tmp_path, held_rows())
    layout.master_plan.unlink()
    with pytest.raises(PlanMissingError):
        predicted(trained, tmp_path, held_rows())


def test_a_symbol_is_predicted_alone_as_among_all(trained_once: Routed, tmp_path: Path) -> None:
    rows = held_rows()
    among_all = of_pair(predicted(trained_once, tmp_path, rows).frame, UP, "DDD")
    alone = predicted(trained_once, tmp_path, rows[rows["symbol"] == "DDD"]).frame
    np.testing.assert_array_equal(alone["prediction"], among_all["prediction"])


def test_a_csv_panel_is_predicted_as_the_same_parquet(trained_once: Routed, tmp_path: Path) -> None:
    expected = predicted(trained_once, tmp_path, held_rows()).frame
    held_rows().to_csv(tmp_path / "new.csv", index=False)
    found = predict_panel(tmp_path / "new.csv", trained_once.world.context, None)
    pd.testing.assert_frame_equal(found.frame, expected)
    counted = held_rows().assign(date=lambda rows: rows["date"].astype("datetime64[s]").astype("int64"))
    as_numbers = panel_file(tmp_path / "numbers.parquet", counted)
    pd.testing.assert_frame_equal(predict_panel(as_numbers, trained_once.world.context, "s").frame, expected)


def test_a_feature_without_any_value_is_predicted_on_in_csv_as_in_parquet_and_told(
    trained_once: Routed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    predicted(trained_once, tmp_path, held_rows())
    assert "have no value" not in caplog.text
    empty = held_rows().assign(gap=np.nan, vol=np.nan)
    expected = predicted(trained_once, tmp_path, empty).frame
    assert "2 features that models take have no value in any row: gap, vol" in caplog.text
    empty.to_csv(tmp_path / "new.csv", index=False)
    found = predict_panel(tmp_path / "new.csv", trained_once.world.context, None)
    assert set(found.unserved) == set(BLOCKED)
    pd.testing.assert_frame_equal(found.frame, expected)


def test_times_of_another_clock_than_that_of_training_are_kept_and_told(
    trained_once: Routed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = predicted(trained_once, tmp_path, held_rows()).frame
    assert "another zone" not in caplog.text
    zoned = held_rows().assign(date=lambda rows: rows["date"].dt.tz_localize("Europe/Paris"))
    found = predicted(trained_once, tmp_path, zoned).frame
    assert (
        "the times name another zone (UTC) than those of the panel that was trained on (none)" in caplog.text
    )
    np.testing.assert_array_equal(found["prediction"], expected["prediction"])
    assert str(found["timestamp"].dt.tz) == "UTC"
