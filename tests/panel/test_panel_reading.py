"""A user's own panel from fifteen lines of YAML."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from small_panels import SMALL_EVIDENCE, parquet_config, small_frame

from foxml_assets.core.config_files import parse_config
from foxml_assets.core.errors import PanelError
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_store import build_panel, load_panel_info, read_panel
from foxml_assets.panel.source import panel_source_hash
from foxml_assets.storage.layout import Layout

OWN_PANEL = """panel:
  source: parquet
  path: {path}
  time_column: when
  symbol_column: ticker
  targets: ["y_up_2d", "re:fwd_.*", "odd"]
  features: "*"
  exclude_features: ["late", "noise_*"]
  horizons: {{odd: 3 bars}}
  task_types: {{y_up_2d: regression}}
"""


def test_fifteen_lines_describe_a_panel_in_hive_folders(tmp_path: Path) -> None:
    frame = small_frame().rename(columns={"timestamp": "when", "symbol": "ticker"})
    frame["odd"] = frame["slow"].diff().fillna(0.0)
    frame["comment"] = "text is no feature"
    source = tmp_path / "source"
    for ticker, part in frame.groupby("ticker"):
        folder = source / f"ticker={ticker}"
        folder.mkdir(parents=True)
        part.drop(columns="ticker").to_parquet(folder / "part.parquet", index=False)
    text = OWN_PANEL.format(path=source)
    assert len(text.splitlines()) <= 15
    config = parse_config((text + SMALL_EVIDENCE).encode(), DataConfig, file=Path("data_config.yaml"))
    info = build_panel(config, Layout(tmp_path / "out"))
    assert info.features == ("signal", "slow")
    assert info.symbols == ("AAA", "BBB", "CCC")
    assert {target.name: target.horizon_bars for target in info.targets} == {
        "fwd_value_2d": 2, "odd": 3, "y_up_2d": 2,
    }  # fmt: skip
    assert info.target("y_up_2d").task_type is TaskType.REGRESSION
    assert info.target("odd").horizon_minutes == 3 * 1_440.0


@pytest.mark.parametrize("shape", ["file", "folder", "glob"])
def test_a_file_a_folder_and_a_glob_give_the_same_panel(tmp_path: Path, shape: str) -> None:
    frame = small_frame()
    whole = tmp_path / "whole" / "panel.parquet"
    whole.parent.mkdir()
    frame.to_parquet(whole, index=False)
    parts = tmp_path / "parts"
    parts.mkdir()
    frame.iloc[:500].to_parquet(parts / "a.parquet", index=False)
    frame.iloc[500:].to_parquet(parts / "b.parquet", index=False)
    path = {"file": whole, "folder": parts, "glob": parts / "*.parquet"}[shape]
    expected = build_panel(parquet_config(whole), Layout(tmp_path / "expected"))
    assert build_panel(parquet_config(path), Layout(tmp_path / "out")).data_hash == expected.data_hash


def test_integer_symbols_and_numbers_of_all_kinds_are_read(tmp_path: Path) -> None:
    frame = small_frame()
    frame["symbol"] = frame["symbol"].map({"AAA": 7, "BBB": 12, "CCC": 3})
    frame["flag"] = frame["slow"] > 0
    frame["count"] = pd.array(range(len(frame)), dtype="Int64")
    frame.loc[5, "count"] = pd.NA
    path = tmp_path / "panel.parquet"
    frame.to_parquet(path, index=False)
    layout = Layout(tmp_path / "out")
    info = build_panel(parquet_config(path), layout)
    assert info.symbols == ("12", "3", "7")
    read = read_panel(layout, load_panel_info(layout), ["flag", "count"])
    assert set(read["flag"].unique()) == {0, 1}
    assert read["count"].isna().sum() == 1


def test_only_the_asked_columns_and_symbols_are_read(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    small_frame().to_parquet(path, index=False)
    layout = Layout(tmp_path / "out")
    build_panel(parquet_config(path), layout)
    read = read_panel(layout, load_panel_info(layout), ["slow"], ["CCC", "AAA"])
    assert list(read.columns) == ["timestamp", "symbol", "slow"]
    assert list(read["symbol"].unique()) == ["AAA", "CCC"]
    assert read.groupby("symbol")["timestamp"].is_monotonic_increasing.all()


def test_permuted_source_rows_give_the_same_bytes(tmp_path: Path) -> None:
    frame = small_frame()
    layouts = []
    for seed in (None, 1, 2):
        path = tmp_path / f"panel_{seed}.parquet"
        shuffled = frame if seed is None else frame.sample(frac=1.0, random_state=seed)
        shuffled.to_parquet(path, index=False)
        layouts.append(Layout(tmp_path / f"out_{seed}"))
        build_panel(parquet_config(path), layouts[-1])
    assert len({layout.panel.read_bytes() for layout in layouts}) == 1
    assert len({layout.panel_info.read_bytes() for layout in layouts}) == 1


def test_an_unchanged_panel_is_not_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    small_frame().to_parquet(path, index=False)
    layout = Layout(tmp_path / "out")
    first = build_panel(parquet_config(path), layout)
    before = layout.panel.stat().st_mtime_ns, layout.panel_info.stat().st_mtime_ns
    assert build_panel(parquet_config(path), layout) == first
    assert (layout.panel.stat().st_mtime_ns, layout.panel_info.stat().st_mtime_ns) == before
    assert load_panel_info(layout) == first


def test_a_panel_that_is_not_the_described_one_is_refused(tmp_path: Path) -> None:
    layouts = [Layout(tmp_path / name) for name in ("one", "two")]
    for seed, layout in enumerate(layouts):
        path = tmp_path / f"{seed}.parquet"
        small_frame(seed=seed).to_parquet(path, index=False)
        build_panel(parquet_config(path), layout)
    layouts[0].panel.write_bytes(layouts[1].panel.read_bytes())
    with pytest.raises(PanelError, match="does not belong"):
        read_panel(layouts[0], load_panel_info(layouts[0]), ["slow"])


def test_a_panel_built_anew_is_not_read_for_the_one_a_run_began_with(tmp_path: Path) -> None:
    path, layout = tmp_path / "panel.parquet", Layout(tmp_path / "out")
    small_frame(seed=0).to_parquet(path, index=False)
    first = build_panel(parquet_config(path), layout)
    small_frame(seed=1).to_parquet(path, index=False)
    second = build_panel(parquet_config(path), layout)
    assert len(read_panel(layout, second, ["slow"])) == second.n_rows
    with pytest.raises(PanelError, match="does not belong"):
        read_panel(layout, first, ["slow"])


def test_a_file_that_took_the_place_of_one_that_was_read_is_read_by_its_own_footer(tmp_path: Path) -> None:
    layouts = [Layout(tmp_path / name) for name in ("one", "other")]
    infos = []
    for number, layout in enumerate(layouts):
        source = tmp_path / f"{number}.parquet"
        frame = small_frame()
        # Rows of another number of symbols are other row groups.
        frame[frame["symbol"] != "AAA"].to_parquet(source) if number else frame.to_parquet(source)
        infos.append(build_panel(parquet_config(source), layout))
    before = read_panel(layouts[0], infos[0], ["slow"], ["CCC"])
    layouts[1].panel.replace(layouts[0].panel)
    with pytest.raises(PanelError, match="does not belong to its description"):
        read_panel(layouts[0], infos[0], ["slow"], ["CCC"])
    pd.testing.assert_frame_equal(read_panel(layouts[0], infos[1], ["slow"], ["CCC"]), before)


def test_a_truncated_panel_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    small_frame().to_parquet(path, index=False)
    layout = Layout(tmp_path / "out")
    build_panel(parquet_config(path), layout)
    layout.panel.write_bytes(layout.panel.read_bytes()[:-100])
    with pytest.raises(PanelError, match="cannot be read"):
        read_panel(layout, load_panel_info(layout), ["slow"])


def test_unknown_columns_and_symbols_are_named(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    small_frame().to_parquet(path, index=False)
    layout = Layout(tmp_path / "out")
    build_panel(parquet_config(path), layout)
    with pytest.raises(PanelError) as caught:
        read_panel(layout, load_panel_info(layout), ["gone"], ["ZZZ"])
    assert "gone" in str(caught.value)
    assert "ZZZ" in str(caught.value)


def test_a_missing_or_damaged_description_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with pytest.raises(PanelError, match="no panel yet"):
        load_panel_info(layout)
    layout.panel_info.parent.mkdir(parents=True)
    layout.panel_info.write_text('{"features": 3}')
    with pytest.raises(PanelError, match="damaged"):
        load_panel_info(layout)


def test_the_fingerprint_follows_the_content_of_the_source(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    frame = small_frame()
    frame.to_parquet(path, index=False)
    config = parquet_config(path)
    first = panel_source_hash(config)
    frame.to_parquet(path, index=False)
    assert panel_source_hash(config) == first
    frame.assign(slow=0.5).to_parquet(path, index=False)
    assert panel_source_hash(config) != first
    path.unlink()
    with pytest.raises(PanelError, match="names no Parquet file"):
        panel_source_hash(config)


def test_an_index_that_pandas_wrote_along_is_no_feature(tmp_path: Path) -> None:
    path, frame = tmp_path / "panel.parquet", small_frame()
    frame.set_axis(range(len(frame), 0, -1)).astype({"slow": float}).sample(
        frac=1.0, random_state=0
    ).to_parquet(path)
    assert "__index_level_0__" in pq.read_schema(path).names
    assert "__index_level_0__" not in build_panel(parquet_config(path), Layout(tmp_path / "out")).features


def test_names_that_come_from_the_future_are_never_features(tmp_path: Path) -> None:
    frame = small_frame().assign(fwd_other_3d=0.5, future_spread=0.5, futures_basis=small_frame()["slow"])
    path = tmp_path / "panel.parquet"
    frame.to_parquet(path, index=False)
    info = build_panel(parquet_config(path, 'targets: ["fwd_value_2d"]'), Layout(tmp_path / "out"))
    assert "futures_basis" in info.features
    assert not {"fwd_other_3d", "future_spread"} & set(info.features)
    asked = parquet_config(path, 'targets: ["fwd_value_2d"]\nfeatures: [slow, fwd_other_3d]')
    with pytest.raises(PanelError, match="fwd_other_3d: has a name that comes from the future"):
        build_panel(asked, Layout(tmp_path / "again"))


def test_a_csv_file_or_folder_gives_the_panel_of_the_parquet(tmp_path: Path) -> None:
    frame = small_frame().replace({"symbol": {"AAA": "001", "CCC": "NA"}})
    frame.to_parquet(tmp_path / "panel.parquet", index=False)
    expected = build_panel(parquet_config(tmp_path / "panel.parquet"), Layout(tmp_path / "expected"))
    folder = tmp_path / "parts"
    folder.mkdir()
    frame.iloc[::2].to_csv(folder / "one.csv", index=False)
    frame.iloc[1::2].to_csv(folder / "two.csv.gz", index=False)
    frame.to_csv(tmp_path / "panel.csv", index=False)
    for number, path in enumerate((tmp_path / "panel.csv", folder)):
        config = parquet_config(path, kind="csv")
        info = build_panel(config, Layout(tmp_path / str(number)))
        assert info.symbols == expected.symbols == ("001", "BBB", "NA")
        assert info.targets == expected.targets
        assert info.label_hashes == expected.label_hashes
        assert info.training_rows == expected.training_rows


TIMES: dict[str, tuple[Callable[[pd.Series], pd.Series], str]] = {
    "days as text": (lambda times: times.dt.strftime("%Y-%m-%d"), ""),
    "moments as text": (lambda times: times.dt.strftime("%Y-%m-%dT%H:%M:%S"), ""),
    "moments of a zone as text": (lambda times: times.dt.strftime("%Y-%m-%dT%H:%M:%S+02:00"), ""),
    "seconds": (lambda times: times.astype("datetime64[s]").astype("int64"), "time_unit: s"),
    "milliseconds": (lambda times: times.astype("datetime64[ms]").astype("int64"), "time_unit: ms"),
    "days as whole numbers": (lambda times: times.dt.strftime("%Y%m%d").astype("int64"), ""),
}


@pytest.mark.parametrize("written", TIMES)
def test_times_are_read_as_people_write_them(written: str, tmp_path: Path) -> None:
    write, setting = TIMES[written]
    frame = small_frame(n_bars=120)
    rewritten = frame.assign(timestamp=write(frame["timestamp"]))
    rewritten.to_parquet(tmp_path / "panel.parquet", index=False)
    rewritten.to_csv(tmp_path / "panel.csv", index=False)
    panel = f'targets: "y_*"\nexclude_features: fwd_value_2d\n{setting}'
    is_zoned = "zone" in written
    for kind in ("parquet", "csv"):
        config = parquet_config(tmp_path / f"panel.{kind}", panel, kind=kind)
        info = build_panel(config, Layout(tmp_path / kind))
        assert info.start == ("2019-12-31T22:00:00+00:00" if is_zoned else "2020-01-01T00:00:00")
        assert info.target("y_up_2d").horizon_bars == 2


def test_months_as_whole_numbers_are_read(tmp_path: Path) -> None:
    frame = small_frame(n_bars=120)
    months = frame.groupby("symbol").cumcount()
    written = 100 * (2010 + months // 12) + months % 12 + 1
    frame.assign(timestamp=written).to_parquet(tmp_path / "panel.parquet", index=False)
    config = parquet_config(tmp_path / "panel.parquet")
    in_bars = {"horizons": {"y_up_2d": 2, "fwd_value_2d": 2}}
    config = config.model_copy(update={"panel": config.panel.model_copy(update=in_bars)})
    info = build_panel(config, Layout(tmp_path / "out"))
    assert (info.start, info.end) == ("2010-01-01T00:00:00", "2019-12-01T00:00:00")


def test_labels_of_minus_one_and_one_are_classes(tmp_path: Path) -> None:
    frame = small_frame(n_bars=120)
    frame.assign(y_up_2d=2 * frame["y_up_2d"] - 1).to_parquet(tmp_path / "signs.parquet", index=False)
    frame.to_parquet(tmp_path / "panel.parquet", index=False)
    signs = build_panel(parquet_config(tmp_path / "signs.parquet"), Layout(tmp_path / "signs"))
    plain = build_panel(parquet_config(tmp_path / "panel.parquet"), Layout(tmp_path / "plain"))
    assert signs.target("y_up_2d").task_type is TaskType.CLASSIFICATION
    assert signs.data_hash == plain.data_hash
