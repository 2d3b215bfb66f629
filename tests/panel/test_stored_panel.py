"""A panel in an object store gives what the panel under the root gives."""

from pathlib import Path

import pandas as pd
import pytest
from small_panels import parquet_config, small_frame

from foxml_assets.core.errors import PanelError
from foxml_assets.engines.worker_panel import PanelPlace, place_panel
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import build_panel, read_panel
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore

UP, VALUE = "y_up_2d", "fwd_value_2d"


@pytest.fixture
def info(tmp_path: Path) -> PanelInfo:
    source = tmp_path / "source.parquet"
    frame = small_frame()
    frame[UP] = frame[UP].astype("Int8")
    frame.to_parquet(source)
    return build_panel(parquet_config(source), Layout(tmp_path / "root"))


@pytest.fixture
def place(info: PanelInfo, tmp_path: Path) -> PanelPlace:
    return place_panel(Layout(tmp_path / "root"), ObjectStore(f"file://{tmp_path / 'store'}"), info)


@pytest.mark.parametrize(
    ("columns", "symbols"),
    [([], None), ([UP], None), ([VALUE], None), ([UP], ["BBB"]), ([UP, VALUE], None), (["slow", UP], None)],
)
def test_any_columns_of_any_symbols(
    columns: list[str], symbols: list[str] | None, info: PanelInfo, place: PanelPlace, tmp_path: Path
) -> None:
    expected = read_panel(Layout(tmp_path / "root"), info, columns, symbols)
    pd.testing.assert_frame_equal(place.read(info, columns, symbols), expected)


def test_the_labels_of_a_target_are_read_without_the_rows(
    info: PanelInfo, place: PanelPlace, tmp_path: Path
) -> None:
    (rows,) = (tmp_path / "store").rglob("panel.parquet")
    rows.unlink()
    assert len(place.read(info, [UP])) == info.n_rows
    (labels,) = (tmp_path / "store").rglob(f"labels/{UP}.parquet")
    labels.write_bytes(labels.read_bytes()[:-9])
    with pytest.raises(PanelError, match=rf"labels/{UP}\.parquet is damaged(?s:.*)delete that folder"):
        place.read(info, [UP])
    labels.unlink()
    with pytest.raises(PanelError, match=rf"labels/{UP}\.parquet is missing"):
        place.read(info, [UP])
