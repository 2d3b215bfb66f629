"""The out-of-fold predictions of the evidence, served as the plan would serve the pairs."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from routed_world import Routed, copied
from served_world import CONFIG_DIR, FIRST_HELD, job_of
from training_world import LONELY, RETURN, UP, make_world, panel_frame

from foxml_assets import api
from foxml_assets.commands.predict import run_predict
from foxml_assets.core.errors import EvidenceError
from foxml_assets.core.vocabulary import OutOfSample
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.evidence_files import read_evidence
from foxml_assets.evidence.kept_predictions import kept_path, read_predictions
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.serving.serve_panel import PanelPredictions, predict_panel
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.manifest import model_path

EVIDENCE = {
    "holdout_fraction": 0.2,
    "n_folds": 2,
    "min_rows": 60,
    "families": ["ridge"],
    "keep_predictions": True,
}


def evaluate(info: PanelInfo, layout: Layout, *targets: str) -> None:
    config = DataConfig.model_validate({"panel": {"source": "demo"}, "evidence": EVIDENCE})
    assert len(list(evaluate_targets(targets, info, config, layout, lambda _: None))) == len(targets)


@pytest.fixture(scope="module")
def kept_once(trained_once: Routed, tmp_path_factory: pytest.TempPathFactory) -> Routed:
    """The trained world with the evidence of two of its three targets."""
    routed = copied(trained_once, tmp_path_factory.mktemp("kept") / "root")
    evaluate(routed.world.context.info, routed.world.layout, UP, RETURN)
    return routed


@pytest.fixture
def kept(kept_once: Routed, tmp_path: Path) -> Routed:
    return copied(kept_once, tmp_path / "root")


def out_of_fold(routed: Routed) -> PanelPredictions:
    return predict_panel(OutOfSample.OUT_OF_FOLD, routed.world.context, None)


def of_pair(frame: pd.DataFrame, target: str, symbol: str) -> pd.DataFrame:
    return frame[(frame["target"] == target) & (frame["symbol"] == symbol)]


def screened(routed: Routed, target: str, symbol: str) -> pd.DataFrame:
    layout = routed.world.layout
    rows = read_predictions(layout, read_evidence(layout, target)).astype({"pooled": "f8", "own": "f8"})
    return rows[rows["symbol"] == symbol]


def test_each_pair_has_what_the_models_of_its_route_said(kept_once: Routed) -> None:
    found = out_of_fold(kept_once)
    both = screened(kept_once, UP, "AAA").dropna()
    for target, symbol, rows, expected in (
        (UP, "AAA", both, (both["pooled"] + both["own"]) / 2),
        (UP, "DDD", pooled := screened(kept_once, UP, "DDD"), pooled["pooled"]),
        (RETURN, "CCC", own := screened(kept_once, RETURN, "CCC").dropna(subset="own"), own["own"]),
    ):
        pair = of_pair(found.frame, target, symbol)
        assert len(pair) > 50
        np.testing.assert_array_equal(pair["timestamp"], rows["timestamp"])
        np.testing.assert_array_equal(pair["prediction"], expected)
    assert found.unserved == {
        "its route is blocked": 2,
        "no out-of-fold predictions of the target are kept": 4,
    }
    assert set(found.frame["target"]) == {UP, RETURN}


def test_the_frame_is_that_of_the_holdout_before_it_and_says_who_predicts(kept_once: Routed) -> None:
    found = out_of_fold(kept_once).frame
    held = predict_panel(OutOfSample.HOLDOUT, kept_once.world.context, None).frame
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        name: str(kind) for name, kind in held.dtypes.items()
    }
    assert found["timestamp"].max() < pd.Timestamp(FIRST_HELD) == held["timestamp"].min()
    assert set(of_pair(found, UP, "AAA")["models"]) == {f"screen:cs_{UP}|screen:sym_AAA_{UP}"}
    assert set(of_pair(found, UP, "BBB")["models"]) == {f"screen:cs_{UP}"}
    assert set(found["plan_hash"]) == {kept_once.plan.metadata.plan_hash}
    order = found[["target", "symbol", "timestamp"]].astype({"target": str, "symbol": str})
    assert order.equals(order.sort_values(list(order), ignore_index=True))


def test_no_model_of_the_plan_is_asked(kept: Routed) -> None:
    expected = out_of_fold(kept).frame
    model_path(job_of(kept, UP), "lightgbm", kept.world.layout).unlink()
    pd.testing.assert_frame_equal(out_of_fold(kept).frame, expected)


def test_a_pair_whose_evidence_is_of_another_panel_has_none(kept: Routed, tmp_path: Path) -> None:
    newer, layout = make_world(tmp_path / "newer", panel_frame(seed=5)), kept.world.layout
    shutil.copytree(newer.layout.panel_dir, layout.panel_dir, dirs_exist_ok=True)
    evaluate(newer.context.info, layout, UP)
    context = replace(kept.world.context, info=newer.context.info)
    found = predict_panel(OutOfSample.OUT_OF_FOLD, context, None)
    assert found.unserved["the evidence is of other data than the plan"] == 4
    assert set(found.frame["target"]) == {RETURN}


def test_without_any_kept_predictions_the_error_says_how_to_keep_them(trained_once: Routed) -> None:
    with pytest.raises(
        EvidenceError, match=r"set evidence\.keep_predictions: true .*foxml run --until evidence"
    ):
        out_of_fold(trained_once)


def test_predictions_of_another_evidence_are_refused(kept: Routed) -> None:
    layout = kept.world.layout
    kept_path(layout, UP).write_bytes(kept_path(layout, RETURN).read_bytes())
    with pytest.raises(EvidenceError, match="belongs to another evidence"):
        out_of_fold(kept)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_file_and_frame_are_the_same(kept_once: Routed, tmp_path: Path, suffix: str) -> None:
    root, out = kept_once.world.layout.root, tmp_path / f"out{suffix}"
    assert run_predict(root, CONFIG_DIR, OutOfSample.OUT_OF_FOLD, out) == 0
    first = out.read_bytes()
    expected = api.predict(api.OutOfSample.OUT_OF_FOLD, root=root, config_dir=CONFIG_DIR).frame
    found = pd.read_csv(out, parse_dates=["timestamp"]) if suffix == ".csv" else pd.read_parquet(out)
    for column in expected:
        assert found[column].tolist() == expected[column].tolist(), column
    assert run_predict(root, CONFIG_DIR, OutOfSample.OUT_OF_FOLD, out) == 0
    assert out.read_bytes() == first
    assert LONELY not in set(found["target"])
