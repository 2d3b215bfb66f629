"""Every setting of data_config.yaml is strict, visible and changes what comes out."""

from pathlib import Path

import pytest
import yaml
from small_panels import SMALL_EVIDENCE, folder_bytes, parquet_config, silent, small_frame

from foxml_assets.config_files import load_config, parse_config
from foxml_assets.errors import ConfigError
from foxml_assets.evidence.evaluate import evaluate_target
from foxml_assets.layout import Layout
from foxml_assets.selection.config import DataConfig, DemoPanel, EvidenceConfig
from foxml_assets.selection.panel import build_panel

SHIPPED = Path(__file__).parents[2] / "config" / "data_config.yaml"
TARGET = "fwd_value_2d"

CHANGES: dict[str, object] = {
    "holdout_fraction": 0.3,
    "n_folds": 4,
    "embargo_bars": 30,
    "min_rows": 150,
    "top_k": 2,
    "overlap_top_k": 1,
    "families": ["xgboost"],
    "probe_rows": 150,
    "seed": 8,
    "screening.rounds": 5,
    "screening.leaves": 3,
    "screening.bins": 7,
    "screening.learning_rate": 0.3,
    "screening.min_leaf_rows": 40,
    "bootstrap.replicates": 60,
    "bootstrap.min_block_bars": 25,
    "bootstrap.max_blocks_per_fold": 3,
    "leakage.near_copy_skill": 0.6,
    "leakage.lag_collapse_skill": 0.9,
    "leakage.lag_collapse_ratio": 0.001,
    "leakage.max_credible_skill": 0.2,
}


def evidence_bytes(root: Path, panel: Path, settings: dict[str, object]) -> dict[str, bytes]:
    config = parquet_config(panel, evidence="\n" + yaml.safe_dump({"evidence": settings}))
    layout = Layout(root)
    evaluate_target(TARGET, build_panel(config, layout), config, layout, silent)
    return folder_bytes(layout.feature_selection(TARGET))


def with_change(key: str, value: object) -> dict[str, object]:
    settings = yaml.safe_load(SMALL_EVIDENCE)["evidence"]
    section, _, name = key.rpartition(".")
    target = settings.setdefault(section, {}) if section else settings
    target[name] = value
    return settings


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # No other feature, so that each leakage bar decides alone.
    path = tmp_path_factory.mktemp("source") / "panel.parquet"
    small_frame().to_parquet(path, index=False)
    return path


@pytest.fixture(scope="module")
def baseline(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return evidence_bytes(
        tmp_path_factory.mktemp("baseline"), panel, yaml.safe_load(SMALL_EVIDENCE)["evidence"]
    )


@pytest.mark.parametrize("key", CHANGES)
def test_every_evidence_setting_changes_the_evidence(
    tmp_path: Path, panel: Path, baseline: dict[str, bytes], key: str
) -> None:
    assert evidence_bytes(tmp_path, panel, with_change(key, CHANGES[key])) != baseline


def test_threads_change_the_speed_only(tmp_path: Path, panel: Path, baseline: dict[str, bytes]) -> None:
    assert evidence_bytes(tmp_path, panel, with_change("threads", 1)) == baseline
    assert EvidenceConfig(threads=1).config_hash() == EvidenceConfig(threads=4).config_hash()


def test_no_evidence_setting_is_left_untested() -> None:
    keys = {"threads"}
    for name, field in EvidenceConfig.model_fields.items():
        nested = getattr(field.annotation, "model_fields", None)
        keys |= {f"{name}.{inner}" for inner in nested} if nested else {name}
    assert keys == {*CHANGES, "threads"}


@pytest.mark.parametrize("key", [key for key in CHANGES if "." not in key])
def test_the_hash_covers_what_changes_the_evidence(key: str) -> None:
    assert EvidenceConfig.model_validate({key: CHANGES[key]}).config_hash() != EvidenceConfig().config_hash()


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
        ("panel: {source: demo}\nevidence: {families: [catboost]}", "line 2: evidence.families"),
        ("panel: {source: demo}\nevidence: {screening: {bins: 1000}}", "line 2: evidence.screening.bins"),
        ("panel: {source: demo}\nevidence: {unknown: 1}", "evidence.unknown: is not a known setting"),
        ("evidence: {}", "panel"),
        ("panel:\n  source: demo\n  path: x", "line 3: panel.path: is not a known setting"),
    ],
)
def test_a_wrong_setting_is_named(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), DataConfig, file=Path("data_config.yaml"))
    assert expected in str(caught.value)
