"""Every setting of data_config.yaml is strict and visible."""

from pathlib import Path

import pytest
import yaml

from foxml_assets.core.config_files import load_config, parse_config
from foxml_assets.core.errors import ConfigError
from foxml_assets.panel.data_config import DataConfig, DemoPanel, EvidenceConfig, FilePanel
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

SHIPPED = Path(__file__).parents[2] / "config" / "data_config.yaml"


def test_the_shipped_file_shows_every_default() -> None:
    written = yaml.safe_load(SHIPPED.read_text())
    assert written["evidence"] == EvidenceConfig().model_dump(mode="json")
    assert set(written["panel"]) == set(DemoPanel.model_fields)
    config = load_config(SHIPPED, DataConfig)
    assert config.evidence == EvidenceConfig()


@pytest.mark.parametrize("key", ["symbols: [KO, WMT]", "start: 2019-01-01"])
def test_the_demo_can_be_cut_down(tmp_path: Path, key: str) -> None:
    text = f"panel:\n  source: demo\n  {key}\n"
    config = parse_config(text.encode(), DataConfig, file=SHIPPED)
    info = build_panel(config, Layout(tmp_path))
    assert info.n_rows < 20 * 8_313
    assert info.start >= "2019" or info.symbols == ("KO", "WMT")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("panel: {source: csv}", "panel"),
        ("panel: {source: demo, path: x}", "is not a known setting"),
        ("panel: {source: parquet, path: x}", "targets"),
        ("panel: {source: parquet, path: x, targets: []}", "targets"),
        ("panel: {source: parquet, path: x, targets: y, time_column: t, symbol_column: t}", "must differ"),
        ("panel: {source: demo}\nevidence: {n_folds: 1}", "line 2: evidence.n_folds"),
        ("panel: {source: demo}\nevidence: {holdout_fraction: 1.0}", "line 2: evidence.holdout_fraction"),
        ("panel: {source: demo}\nevidence: {families: [prophet]}", "line 2: evidence.families"),
        ("panel: {source: demo}\nevidence: {trees: {bins: 1000}}", "line 2: evidence.trees.bins"),
        ("panel: {source: demo}\nevidence: {trees: {own: some}}", "line 2: evidence.trees.own"),
        ("panel: {source: demo}\nevidence: {leakage: {on_near_copy: warn}}", "evidence.leakage.on_near_copy"),
        ("panel: {source: demo}\nevidence: {unknown: 1}", "evidence.unknown: is not a known setting"),
        ("evidence: {}", "panel"),
        ("panel:\n  source: demo\n  path: x", "line 3: panel.path: is not a known setting"),
    ],
)
def test_a_wrong_setting_is_named(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), DataConfig, file=Path("data_config.yaml"))
    assert expected in str(caught.value)


def test_relative_paths_may_begin_in_another_folder_than_the_working_directory(tmp_path: Path) -> None:
    builder = {"function": "features:build", "source": "raw/*.parquet"}
    panel = {"source": "parquet", "path": "data/panel/", "targets": ["y"], "builders": [builder]}
    (tmp_path / "data_config.yaml").write_text(yaml.safe_dump({"panel": panel}), encoding="utf-8")
    placed = Workspace(tmp_path, tmp_path, data_folder=Path("/project")).data_config().panel
    assert isinstance(placed, FilePanel)
    assert placed.path == "/project/data/panel"
    assert placed.builders[0].source == "/project/raw/*.parquet"
    here = Workspace(tmp_path, tmp_path).data_config()
    assert here.panel.path == "data/panel/"
    absolute = here.placed_in(Path("/somewhere")).placed_in(Path("/project")).panel
    assert absolute.path == "/somewhere/data/panel", "an absolute path stays"
