"""Predictions as files: whole or not at all, and the same whatever stands in the names."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import typer
from routed_world import Routed
from served_world import CONFIG_DIR, held_rows, panel_file, trained_world
from training_world import RETURN

from foxml_assets import api
from foxml_assets.cli import app
from foxml_assets.commands.predict import run_predict
from foxml_assets.core.errors import FoxmlError, StorageError
from foxml_assets.serving.prediction_file import write_predictions

SCHEMA = pa.schema({"symbol": pa.dictionary(pa.int32(), pa.string()), "prediction": pa.float64()})


def table(**values: float) -> pa.Table:
    return pa.table(
        {"symbol": pa.array(list(values)).dictionary_encode(), "prediction": list(values.values())}
    )


def predict(routed: Routed, panel: Path, out: Path) -> int:
    return run_predict(routed.world.layout.root, CONFIG_DIR, panel, out)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_file_holds_the_frame(trained_once: Routed, tmp_path: Path, suffix: str) -> None:
    panel, out = panel_file(tmp_path / "new.parquet", held_rows()), tmp_path / "new" / f"out{suffix}"
    assert predict(trained_once, panel, out) == 0
    first = out.read_bytes()
    expected = api.predict(panel, root=trained_once.world.layout.root, config_dir=CONFIG_DIR).frame
    found = pd.read_csv(out, parse_dates=["timestamp"]) if suffix == ".csv" else pd.read_parquet(out)
    for column in expected:
        assert found[column].tolist() == expected[column].tolist(), column
    assert predict(trained_once, panel, out) == 0
    assert out.read_bytes() == first
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    write_predictions(out, SCHEMA, [table(AAA=1.0), table(BBB=2.0, CCC=3.0)])
    before = out.read_bytes()

    def failing() -> Iterator[pa.Table]:
        yield table(AAA=4.0)
        raise FoxmlError("the second target cannot be predicted")

    with pytest.raises(FoxmlError, match="second target"):
        write_predictions(out, SCHEMA, failing())
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    write_predictions(out, SCHEMA, [])
    assert (pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)).columns.tolist() == SCHEMA.names


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    hostile = {"AAA": '=cmd(),"x"', "BBB": "../../etc/passwd", "CCC": "[red]'; DROP", "DDD": "Ärger & Söhne"}
    routed = trained_world(tmp_path / "world", hostile)
    rows = held_rows()
    panel = panel_file(tmp_path / "new.parquet", rows.assign(symbol=rows["symbol"].replace(hostile)))
    for suffix in (".parquet", ".csv"):
        out = tmp_path / f"out{suffix}"
        assert predict(routed, panel, out) == 0
        found = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
        assert set(found["symbol"]) == set(hostile.values())
        own = found[(found["target"] == RETURN) & (found["symbol"] == hostile["CCC"])]
        assert set(own["models"]) == {f"sym_{hostile['CCC']}_{RETURN}"}


def test_nothing_is_written_over_the_panel_or_the_root(trained_once: Routed, tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    panel = panel_file(folder / "new.parquet", held_rows())
    root = trained_once.world.layout.root
    (tmp_path / "link.parquet").symlink_to(panel)
    before = panel.read_bytes()
    for source, out in (
        (panel, panel),
        (panel, tmp_path / "link.parquet"),
        (folder, folder / "predictions.parquet"),
        (panel, root / "DATA" / "panel.parquet"),
        (panel, root / "METRICS" / "x.csv"),
        (panel, root / "MODELS" / "x.csv"),
    ):
        with pytest.raises(StorageError, match="cannot be written there"):
            predict(trained_once, source, out)
    assert panel.read_bytes() == before
    with pytest.raises(StorageError, match=r"Parquet or CSV"):
        predict(trained_once, panel, tmp_path / "out.xlsx")


@pytest.mark.parametrize("arguments", [["panel.parquet", "--holdout"], ["--holdout", "--oof"], []])
def test_one_thing_is_predicted_on(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(typer.BadParameter, match="one of PANEL, --holdout and --oof"):
        app(["predict", *arguments, "--out", str(out)], standalone_mode=False)
    assert not out.exists()


def test_what_was_predicted_is_told(
    trained_once: Routed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strangers = held_rows().assign(symbol="NEW").drop_duplicates("date")
    assert predict(trained_once, panel_file(tmp_path / "new.parquet", strangers), tmp_path / "out.csv") == 1
    told = capsys.readouterr().out
    assert "0 predictions of 0 pairs by plan" in told
    assert "the plan does not know the symbol" in told
    assert "Nothing is written to" in told


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_without_any_prediction_the_file_is_as_it_was(
    trained_once: Routed, tmp_path: Path, suffix: str
) -> None:
    strangers = held_rows().assign(symbol="NEW").drop_duplicates("date")
    panel, out = panel_file(tmp_path / "new.parquet", strangers), tmp_path / "new" / f"out{suffix}"
    assert predict(trained_once, panel, out) == 1
    assert not out.exists()
    assert predict(trained_once, panel_file(tmp_path / "held.parquet", held_rows()), out) == 0
    before = out.read_bytes()
    assert predict(trained_once, panel, out) == 1
    assert out.read_bytes() == before
