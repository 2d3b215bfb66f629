"""Columns that are left out because they are not numeric are named, each with a value that is none."""

from pathlib import Path

import pandas as pd
import pytest
from small_panels import parquet_config, small_frame

from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout


def told(path: Path, layout: Layout, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    build_panel(parquet_config(path, kind=path.suffix[1:]), layout)
    return [record.getMessage() for record in caplog.records if record.name.startswith("foxml_assets")]


def test_a_feature_that_one_bad_cell_makes_text_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame, path = small_frame(n_bars=120), tmp_path / "panel.csv"
    frame.to_csv(path, index=False)
    assert told(path, Layout(tmp_path / "out"), caplog) == []
    frame["slow"] = frame["slow"].astype(str)
    frame.loc[200, "slow"] = "n.a."
    frame.assign(sector="tech").to_csv(path, index=False)
    [line] = told(path, Layout(tmp_path / "out"), caplog)
    assert line == ("panel: left out, not numeric: slow ('n.a.'), sector ('tech'); until now a feature: slow")
    [line] = told(path, Layout(tmp_path / "new"), caplog)
    assert line == "panel: left out, not numeric: sector ('tech'), slow ('n.a.')"


def test_a_value_is_one_that_is_no_number_and_other_types_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = small_frame(n_bars=120)
    frame["a_number"] = "1.5"
    frame["b_empty"] = pd.Series([None] * len(frame), dtype="str")
    frame["c_first"] = "2001-01-01"
    frame["d_time"] = pd.Timestamp("2001-01-01")
    frame["e_long"] = "x" * 100
    folder = tmp_path / "parts"
    folder.mkdir()
    frame.iloc[:100].to_parquet(folder / "a.parquet", index=False)
    frame.iloc[100:].assign(f_late=pd.Categorical(["later"] * 260)).to_parquet(
        folder / "b.parquet", index=False
    )
    caplog.clear()
    build_panel(parquet_config(folder), Layout(tmp_path / "out"))
    assert caplog.messages == [
        "panel: left out, not numeric: a_number ('1.5'), b_empty (no values), c_first ('2001-01-01'),"
        f" d_time ('timestamp[us]'), e_long ('{'x' * 36}...), f_late ('later')"
    ]


def test_of_many_the_first_are_named_and_the_others_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "panel.parquet"
    names = [f"words_{number:04}" for number in range(1_500)]
    words = pd.DataFrame("x", index=range(360), columns=names)
    pd.concat([small_frame(n_bars=120), words], axis=1).to_parquet(path, index=False)
    [line] = told(path, Layout(tmp_path / "out"), caplog)
    assert line.endswith("words_0010 ('x'), words_0011 ('x') and 1,488 more")
