"""Each symbol's data has a hash of its own, so that a model goes stale by the rows it learned from alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_panels import parquet_config, small_frame

from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout

LABELS = ("fwd_value_2d", "y_up_2d")


@pytest.fixture
def frame() -> pd.DataFrame:
    """Three symbols; AAA ends before the hold-out begins."""
    whole = small_frame()
    middle = whole["timestamp"].median()
    return whole[(whole["symbol"] != "AAA") | (whole["timestamp"] < middle)].reset_index(drop=True)


def built_of(frame: pd.DataFrame, folder: Path) -> PanelInfo:
    folder.mkdir(exist_ok=True)
    frame.to_parquet(folder / "panel.parquet", index=False)
    return build_panel(parquet_config(folder / "panel.parquet"), Layout(folder / "out"))


def moved(before: PanelInfo, after: PanelInfo) -> set[tuple[str, str]]:
    """The targets and symbols whose hash is another."""
    return {
        (label, symbol)
        for label in LABELS
        for symbol, hash_ in after.symbol_hashes(label).items()
        if before.symbol_hashes(label).get(symbol) != hash_
    }


def test_a_changed_label_changes_the_hash_of_its_target_and_symbol_only(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    before = built_of(frame, tmp_path)
    frame.loc[frame.index[-100], "fwd_value_2d"] += 1.0
    after = built_of(frame, tmp_path)
    assert moved(before, after) == {("fwd_value_2d", "CCC")}
    assert before.data_hash_for("y_up_2d") == after.data_hash_for("y_up_2d")
    assert before.data_hash_for("fwd_value_2d") != after.data_hash_for("fwd_value_2d")
    assert before.features_hash == after.features_hash


def test_a_changed_feature_and_a_row_less_change_every_hash_of_their_symbol_only(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    before = built_of(frame, tmp_path)
    own = {(label, "BBB") for label in LABELS}
    at = frame.index[frame["symbol"] == "BBB"][5]
    assert moved(before, built_of(frame.drop(index=at), tmp_path)) == own
    frame.loc[at, "noise_a"] += 1.0
    after = built_of(frame, tmp_path)
    assert moved(before, after) == own
    assert after.features_hash != before.features_hash
    assert all(after.data_hash_for(label) != before.data_hash_for(label) for label in LABELS)


def test_rows_that_change_places_are_other_rows(frame: pd.DataFrame, tmp_path: Path) -> None:
    """The first label of one symbol becomes the last of the one before: the column holds the same bytes."""
    before = built_of(frame, tmp_path)
    at = frame.index[frame["symbol"] == "CCC"][0]
    frame.loc[at, ["symbol", "timestamp"]] = ["BBB", frame["timestamp"].max() + pd.Timedelta(days=1)]
    after = built_of(frame, tmp_path)
    assert {symbol for _, symbol in moved(before, after)} == {"BBB", "CCC"}


def test_a_later_bar_changes_the_hash_of_the_symbols_whose_hold_out_it_moves(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    """Where the hold-out begins depends on the bars of all symbols; one that has ended does not notice."""
    before = built_of(frame, tmp_path)
    last = frame.iloc[[-1]]
    more = [last.assign(timestamp=last["timestamp"] + pd.Timedelta(days=day)) for day in range(1, 9)]
    after = built_of(pd.concat([frame, *more], ignore_index=True), tmp_path)
    assert {symbol for _, symbol in moved(before, after)} == {"BBB", "CCC"}


def test_equal_values_have_equal_hashes_however_they_are_stored(frame: pd.DataFrame, tmp_path: Path) -> None:
    """The bits of a NaN, and another order of rows and columns, make no other data."""
    frame.loc[3, "noise_a"] = np.nan
    plain = built_of(frame, tmp_path / "plain")
    values = frame["noise_a"].to_numpy().copy()
    values.view("uint64")[3] ^= 1
    assert np.isnan(values[3])
    other = frame.assign(noise_a=values)[[*reversed(frame.columns)]].sample(frac=1.0, random_state=1)
    assert built_of(other, tmp_path / "other") == plain
