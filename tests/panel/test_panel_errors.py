"""Whatever is wrong with a panel is named before anything is written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv
from small_panels import parquet_config, small_frame

from foxml_assets.core.errors import PanelError
from foxml_assets.panel.guess import Wish, guess_panel
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout

Spoil = Callable[[pd.DataFrame], pd.DataFrame]

SPOILED: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "no time column": (lambda f: f.drop(columns="timestamp"), ("column timestamp: is missing",)),
    "no symbol column": (lambda f: f.drop(columns="symbol"), ("column symbol: is missing",)),
    "no targets": (lambda f: f.drop(columns=["y_up_2d", "fwd_value_2d"]), ("names no column", "y_*")),
    "no features": (
        lambda f: f.drop(columns=["signal", "noise_a", "noise_b", "slow", "late"]),
        ("choose no numeric column",),
    ),
    "duplicates": (
        lambda f: pd.concat([f, f.iloc[[7]]]),
        ("1 duplicate (time, symbol) rows", "2020-01-08", "AAA"),
    ),
    "infinite feature": (
        lambda f: f.assign(slow=f["slow"].where(f.index != 3, np.inf)),
        ("column slow: has infinite values (found 1)",),
    ),
    "infinite target": (
        lambda f: f.assign(fwd_value_2d=f["fwd_value_2d"].where(f.index > 1, -np.inf)),
        ("column fwd_value_2d: has infinite values (found 2)",),
    ),
    "constant target": (lambda f: f.assign(y_up_2d=1.0), ("target y_up_2d: is constant (found 1.0)",)),
    "empty target": (lambda f: f.assign(y_up_2d=np.nan), ("target y_up_2d: is empty",)),
    "target without a type": (lambda f: f.assign(y_up_2d=None), ("target y_up_2d: has no values",)),
    "text target": (
        lambda f: f.assign(y_up_2d="up"),
        ("target y_up_2d: is not numeric (found 'up')",),
    ),
    "no horizon": (lambda f: f.rename(columns={"y_up_2d": "y_up"}), ("target y_up: has no horizon",)),
    "months as minutes": (
        lambda f: f.rename(columns={"y_up_2d": "y_up_6m"}),
        ("target y_up_6m: looks ahead less than half a bar", "(found '6m')"),
    ),
    "unsafe target": (lambda f: f.rename(columns={"y_up_2d": "y_a|b_2d"}), ("target", "'y_a|b_2d'")),
    "unsafe symbol": (lambda f: f.replace({"symbol": {"BBB": "B|B"}}), ("symbol", "'B|B'")),
    "blank symbol": (lambda f: f.replace({"symbol": {"BBB": " BBB"}}), ("begins or ends with a blank",)),
    "empty time": (
        lambda f: f.assign(timestamp=f["timestamp"].where(f.index != 5)),
        ("column timestamp: has empty values (found 1)",),
    ),
    "empty symbol": (
        lambda f: f.assign(symbol=f["symbol"].where(f.index > 2)),
        ("column symbol: has empty values (found 3)",),
    ),
    "time as words": (
        lambda f: f.assign(timestamp=f["timestamp"].astype(str).where(f.index != 4, "yesterday")),
        ("column timestamp: holds 1 values that are not ISO 8601", "'yesterday'"),
    ),
    "times of two kinds": (
        lambda f: f.assign(timestamp=f["timestamp"].astype(str) + np.where(f.index > 4, "Z", "")),
        ("column timestamp: names a zone in some times and not in others", "'2020-01-01'"),
    ),
    "time as numbers": (
        lambda f: f.assign(timestamp=f["timestamp"].astype("int64")),
        ("column timestamp: holds whole numbers", "time_unit: ms"),
    ),
    "no such day": (
        lambda f: f.assign(
            timestamp=f["timestamp"].dt.strftime("%Y%m%d").astype(int).replace(20200301, 20200231)
        ),
        ("column timestamp: holds 3 values that are not dates as 20240131", "(found 20200231)"),
    ),
    "time as fractions": (
        lambda f: f.assign(timestamp=f["timestamp"].astype("int64") / 1e9),
        ("column timestamp: is not a timestamp, a date or their text",),
    ),
    "three classes": (
        lambda f: f.assign(fwd_value_2d=np.sign(f["fwd_value_2d"]).where(f["slow"] > 0, 0.0)),
        ("target fwd_value_2d: has 3 whole values", "task_types: {fwd_value_2d: regression}"),
    ),
    "two other classes": (
        lambda f: f.assign(y_up_2d=f["y_up_2d"] + 1),
        ("target y_up_2d: has 2 whole values", "task_types: {y_up_2d: regression}", "[1.0, 2.0]"),
    ),
    "fractional symbols": (
        lambda f: f.assign(symbol=np.linspace(0, 1, len(f))),
        ("column symbol: is not text or integer",),
    ),
    "one moment": (
        lambda f: f.groupby("symbol").head(1).assign(y_up_2d=[0, 1, 0]),
        ("column timestamp: holds a single time",),
    ),
    "too short": (lambda f: f.groupby("symbol").head(14), ("14 bars are too few for 3 folds",)),
    "no rows": (lambda f: f.head(0), ("holds no rows",)),
    "far future": (
        lambda f: f.assign(timestamp=f["timestamp"].astype("datetime64[s]") + pd.DateOffset(years=900)),
        ("column timestamp: is out of range",),
    ),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_spoiled_panel_is_refused_and_nothing_is_written(tmp_path: Path, case: str) -> None:
    spoil, expected = SPOILED[case]
    path = tmp_path / "panel.parquet"
    spoil(small_frame(n_bars=120)).to_parquet(path, index=False)
    root = tmp_path / "out"
    with pytest.raises(PanelError) as caught:
        build_panel(parquet_config(path), Layout(root))
    for text in expected:
        assert text in str(caught.value)
    assert not root.exists()


def test_all_problems_stand_in_one_error(tmp_path: Path) -> None:
    frame = small_frame(n_bars=120).assign(y_up_2d=0.0)
    frame.loc[4, "slow"] = np.inf
    path = tmp_path / "panel.parquet"
    pd.concat([frame, frame.head(1)]).to_parquet(path, index=False)
    with pytest.raises(PanelError) as caught:
        build_panel(parquet_config(path), Layout(tmp_path / "out"))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("panel", "expected"),
    [
        ("targets: [y_up_2d]\nhorizons: {y_up_2d: soon}", "panel.horizons of y_up_2d: is not a horizon"),
        (
            "targets: [y_up_2d]\nhorizons: {y_down: 3 bars}",
            "panel.horizons: names no target (found 'y_down')",
        ),
        ("targets: [y_up_2d]\ntask_types: {y_x: regression}", "panel.task_types: names no target"),
        ("targets: [y_up_2d]\nfeatures: [signal, gone]", "panel.features: names no column (found 'gone')"),
        ("targets: [y_up_2d]\nfeatures: [name]", "feature name: is not numeric (found 'text')"),
        (
            "targets: [y_up_2d]\nhorizons: {y_up_2d: 3m}",
            "target y_up_2d: looks ahead less than half a bar, which is 1d (`m` stands for minutes): give a"
            " number of bars, as `panel.horizons: {y_up_2d: 5 bars}` (found '3m')",
        ),
        ('targets: ["re:("]', "is not a regular expression"),
        (
            "targets: [y_up_2d]\ntime_column: day\ntime_unit: s",
            "column day: holds dates as 20240131 or months as 202401, and no s since 1970:"
            " leave out `time_unit` (found 20200101)",
        ),
        (
            "targets: [fwd_value_2d]\ntask_types: {fwd_value_2d: classification}",
            "target fwd_value_2d: is not 0 or 1, as classification needs",
        ),
    ],
)
def test_a_choice_that_does_not_fit_the_panel_is_named(tmp_path: Path, panel: str, expected: str) -> None:
    path = tmp_path / "panel.parquet"
    frame = small_frame(n_bars=120)
    days = frame["timestamp"].dt.strftime("%Y%m%d").astype(int)
    frame.assign(name="text", day=days).to_parquet(path, index=False)
    with pytest.raises(PanelError) as caught:
        build_panel(parquet_config(path, panel), Layout(tmp_path / "out"))
    assert expected in str(caught.value)


def test_the_fix_fits_the_problem(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    small_frame(n_bars=120).rename(columns={"y_up_2d": "y_up"}).to_parquet(path, index=False)
    with pytest.raises(PanelError) as no_horizon:
        build_panel(parquet_config(path, "targets: [y_up]"), Layout(tmp_path / "out"))
    assert "under `panel.horizons`" in str(no_horizon.value)
    assert "choose from its columns" not in str(no_horizon.value)
    with pytest.raises(PanelError, match="choose from its columns"):
        build_panel(parquet_config(path, "targets: [y_down_2d]"), Layout(tmp_path / "out"))


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(PanelError, match=r"panel\.parquet: is not a readable Parquet file"):
        build_panel(parquet_config(path), Layout(tmp_path / "out"))


def test_a_column_missing_from_one_of_several_files_is_named(tmp_path: Path) -> None:
    frame = small_frame(n_bars=120)
    frame.iloc[:100].to_parquet(tmp_path / "a.parquet", index=False)
    frame.iloc[100:].drop(columns="slow").to_parquet(tmp_path / "b.parquet", index=False)
    with pytest.raises(PanelError, match=r"column slow: is missing \(found 'b.parquet'\)"):
        build_panel(parquet_config(tmp_path), Layout(tmp_path / "out"))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_names_that_stand_twice_are_told_with_their_file(tmp_path: Path, kind: str) -> None:
    frame, path = small_frame(n_bars=120), tmp_path / f"b.{kind}"
    frame.to_csv(tmp_path / "a.csv") if kind == "csv" else frame.to_parquet(tmp_path / "a.parquet")
    table = pa.Table.from_pandas(frame).rename_columns(
        {"slow": "signal", "noise_b": "noise_a", "late": "noise_a"}
    )
    csv.write_csv(table, path) if kind == "csv" else pq.write_table(table, path)
    for refused in (
        lambda: build_panel(parquet_config(tmp_path, kind=kind), Layout(tmp_path / "out")),
        lambda: guess_panel(str(tmp_path), Wish()),
    ):
        with pytest.raises(PanelError) as caught:
            refused()
        assert caught.value.file == path
        assert list(map(str, caught.value.problems)) == [
            "column signal: stands more than once (found 2)",
            "column noise_a: stands more than once (found 3)",
        ]


def test_files_that_disagree_on_a_type_are_an_error(tmp_path: Path) -> None:
    frame = small_frame(n_bars=120)
    frame.iloc[:100].to_parquet(tmp_path / "a.parquet", index=False)
    frame.iloc[100:].assign(slow="text").to_parquet(tmp_path / "b.parquet", index=False)
    with pytest.raises(PanelError, match="disagree on a column's type"):
        build_panel(parquet_config(tmp_path), Layout(tmp_path / "out"))
    with pytest.raises(PanelError, match="disagree on a column's type"):
        guess_panel(str(tmp_path), Wish())


def test_a_bad_panel_leaves_the_old_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    frame = small_frame(n_bars=120)
    frame.to_parquet(path, index=False)
    layout = Layout(tmp_path / "out")
    build_panel(parquet_config(path), layout)
    before = layout.panel.read_bytes(), layout.panel_info.read_bytes()
    frame.assign(y_up_2d=1.0).to_parquet(path, index=False)
    with pytest.raises(PanelError):
        build_panel(parquet_config(path), layout)
    assert (layout.panel.read_bytes(), layout.panel_info.read_bytes()) == before


def test_a_target_that_is_taken_out_is_no_feature_unless_it_is_named(tmp_path: Path) -> None:
    path, layout = tmp_path / "panel.parquet", Layout(tmp_path / "out")
    small_frame(n_bars=120).to_parquet(path, index=False)
    build_panel(parquet_config(path), layout)
    before = layout.panel.read_bytes()
    one_less = 'targets: "fwd_*"'
    with pytest.raises(PanelError, match=r"feature y_up_2d: was a target until now.*under exclude_features"):
        build_panel(parquet_config(path, one_less), layout)
    assert layout.panel.read_bytes() == before
    left_out = build_panel(parquet_config(path, f'{one_less}\nexclude_features: "y_*"'), layout)
    assert "y_up_2d" not in left_out.features
    build_panel(parquet_config(path), layout)
    named = build_panel(parquet_config(path, f'{one_less}\nfeatures: ["*", y_up_2d]'), layout)
    assert "y_up_2d" in named.features
    # It is a feature of the panel that stands by now.
    assert "y_up_2d" in build_panel(parquet_config(path, one_less), layout).features
