"""Real panels: the recipes of their features are honest, planted leaks are what they say, bars are kept."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.panels import running
from benchmarks.panels.judging import false_alarms
from benchmarks.panels.leaks import Leak, plant, skill_alone
from benchmarks.panels.panel import RealPanel, wide_panel
from benchmarks.panels.recipes import (
    calendar,
    exceeds,
    forward_change,
    forward_mean,
    forward_swing,
    panel_features,
    past_features,
    rises,
)
from benchmarks.worlds import runs
from foxml_assets.evidence.leakage.findings import Detector

REPOSITORY = Path(__file__).parents[2]
BARS, HORIZON = 400, 5


@pytest.fixture
def series() -> pd.DataFrame:
    """Two random walks by day, with a gap."""
    steps = np.random.default_rng(3).standard_normal((BARS, 2))
    wide = pd.DataFrame(steps.cumsum(axis=0), pd.date_range("2020-01-01", periods=BARS), ["A", "B"])
    wide.iloc[50:55, 1] = np.nan
    return wide


@pytest.fixture
def panel(series: pd.DataFrame) -> RealPanel:
    features = past_features(series, lags=(2,), windows=(5,), season=7)
    targets = {"fwd_x_5": forward_change(series, HORIZON), "y_x_5": rises(series, HORIZON)}
    return wide_panel("walk", "made", features, targets, dict.fromkeys(targets, HORIZON))


def test_features_do_not_change_when_the_future_is_cut_off(series: pd.DataFrame) -> None:
    def features(x: pd.DataFrame) -> dict[str, pd.DataFrame]:
        found = past_features(x, lags=(2, 7), windows=(5, 20), season=7)
        return found | panel_features(x, window=5) | calendar(x, hour=True, weekday=True)

    whole, cut = features(series), features(series.iloc[:300])
    for name, wide in cut.items():
        pd.testing.assert_frame_equal(wide, whole[name].iloc[:300], check_freq=False, obj=name)


@pytest.mark.parametrize(
    "label",
    [
        lambda x: forward_change(x, HORIZON),
        lambda x: rises(x, HORIZON),
        lambda x: forward_mean(x, HORIZON, 10),
        lambda x: forward_swing(x, HORIZON),
        lambda x: exceeds(x, HORIZON, 10),
    ],
)
def test_labels_end_with_their_horizon(series: pd.DataFrame, label: object) -> None:
    assert callable(label)
    whole, cut = label(series), label(series.iloc[:300])
    known = 300 - HORIZON
    pd.testing.assert_frame_equal(cut.iloc[:known], whole.iloc[:known], check_freq=False)
    assert cut.iloc[known:].isna().all(axis=None)


def test_the_first_feature_is_the_series_and_rows_have_a_label(
    panel: RealPanel, series: pd.DataFrame
) -> None:
    assert panel.series == "x"
    assert panel.symbols == ("A", "B")
    assert panel.frame[list(panel.targets)].notna().any(axis=1).all()
    assert panel.frame["timestamp"].max() == series.index[BARS - HORIZON - 1]


@pytest.mark.parametrize(("leak", "skill"), [(Leak.COPY_70, 0.4), (Leak.COPY_75, 0.5), (Leak.COPY_85, 0.7)])
def test_copies_have_the_skill_of_their_name(panel: RealPanel, leak: Leak, skill: float) -> None:
    planted = plant(panel, leak)
    for target, column in planted.columns.items():
        assert skill_alone(planted.panel, target, column) == pytest.approx(skill, abs=0.08)


def test_columns_that_look_ahead_know_later_rows(panel: RealPanel) -> None:
    one = panel.frame[panel.frame["symbol"] == "A"].reset_index(drop=True)
    for leak in (Leak.SHIFTED, Leak.CENTRED, Leak.TOMORROW):
        planted = plant(panel, leak)
        (column,) = set(planted.columns.values())
        values = planted.panel.frame.loc[planted.panel.frame["symbol"] == "A", column].reset_index(drop=True)
        moved = one["x"].copy()
        moved.iloc[101:] += 100.0
        changed = plant(_with(panel, moved), leak).panel.frame
        other = changed.loc[changed["symbol"] == "A", column].reset_index(drop=True)
        assert abs(other[100] - values[100]) > 1.0, leak


def test_a_finding_of_the_pipeline_is_an_alarm_of_its_target(panel: RealPanel, tmp_path: Path) -> None:
    planted = plant(panel, Leak.COPY_85)
    run = running.run_panel(planted.panel, tmp_path / "run", "evidence", {})
    alarms = false_alarms(planted.panel, run, list(planted.columns.values()))
    assert {(one.target, one.feature) for one in alarms} >= set(planted.columns.items())
    assert {one.detector for one in alarms} <= {detector.value for detector in Detector}
    assert all(one.reason for one in alarms)
    assert false_alarms(planted.panel, run, []) == ()


def test_without_the_data_one_line_says_what_to_install() -> None:
    code = (
        "import sys, benchmarks.panels.panel as panel; panel.is_installed = lambda: False;"
        "import benchmarks.real_panels as script; sys.argv = ['real_panels.py']; sys.exit(script.main())"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("\n") == 1
    assert "real-panels" in answer.stdout


def _with(panel: RealPanel, x_of_a: pd.Series) -> RealPanel:
    frame = panel.frame.copy()
    frame.loc[frame["symbol"] == "A", "x"] = x_of_a.to_numpy()
    return RealPanel(panel.name, panel.origin, panel.series, frame, panel.features, panel.targets)


@pytest.mark.parametrize("code", [running.STAGES, runs.STAGES], ids=["panels", "worlds"])
def test_what_a_process_of_its_own_imports_is_there(code: str) -> None:
    imported = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    assert imported
    for node in imported:
        module = importlib.import_module(str(node.module))
        for name in node.names:
            assert hasattr(module, name.name), f"{node.module} has no {name.name}"
