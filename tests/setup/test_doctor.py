"""`foxml doctor` finds what stands in the way, and says how to mend it."""

import shutil
from pathlib import Path

import pytest

from foxml_assets.commands.setup.doctor import run_doctor

CONFIG_DIR = Path(__file__).parents[2] / "config"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return Path(shutil.copytree(CONFIG_DIR, tmp_path / "config"))


def test_an_empty_root_is_well(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_doctor(tmp_path / "root", config) == 0
    told = capsys.readouterr().out
    assert "bad" not in told
    assert "is not built yet" in told
    assert {path.name for path in (tmp_path / "root").iterdir()} <= {"dagster", "METRICS", ".claims"}


def test_each_wrong_config_is_found_with_its_mend(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config / "routing_config.yaml").write_text("methood: thresholds", encoding="utf-8")
    (config / "data_config.yaml").write_text(
        f"panel: {{source: parquet, path: {tmp_path}/none, targets: y}}", encoding="utf-8"
    )
    assert run_doctor(tmp_path / "root", config) == 1
    told = capsys.readouterr().out
    assert "methood" in told
    assert "names no Parquet file" in told


def test_a_linked_folder_and_a_damaged_instance_are_found(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"
    (root / "dagster" / "history").mkdir(parents=True)
    (root / "dagster" / "history" / "runs.db").write_bytes(b"no database" * 1_000)
    (tmp_path / "elsewhere").mkdir()
    (root / "MODELS").symlink_to(tmp_path / "elsewhere")
    assert run_doctor(root, config) == 1
    told = capsys.readouterr().out
    assert "the Dagster instance cannot be read" in told
    assert "is a link" in told
