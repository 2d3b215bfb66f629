"""`foxml doctor` finds what stands in the way, and says how to mend it."""

import shutil
from pathlib import Path

import pytest

from foxml_assets.commands.setup.doctor import Health, look_over, run_doctor
from foxml_assets.workspace import current_workspace

CONFIG_DIR = Path(__file__).parents[2] / "config"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return Path(shutil.copytree(CONFIG_DIR, tmp_path / "config"))


def test_an_empty_root_is_well(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_doctor(tmp_path / "root", config) == 0
    told = capsys.readouterr().out
    assert "bad" not in told
    assert "is not built yet" in told
    assert {path.name for path in (tmp_path / "root").iterdir()} <= {"dagster", "METRICS", ".claims"}


def bad(root: Path, config: Path) -> str:
    """All that stands in the way, as text."""
    found = [one for one in look_over(current_workspace(root, config)) if one.health is Health.BAD]
    return "\n".join(f"{one.what}: {one.said} [{one.mend}]" for one in found)


def test_each_wrong_config_is_found_with_its_mend(config: Path, tmp_path: Path) -> None:
    (config / "routing_config.yaml").write_text("methood: thresholds", encoding="utf-8")
    (config / "data_config.yaml").write_text(
        f"panel: {{source: parquet, path: {tmp_path}/none, targets: y}}", encoding="utf-8"
    )
    told = bad(tmp_path / "root", config)
    assert "routing policy: routing_config.yaml: " in told
    assert "methood" in told
    assert "names no Parquet file" in told
    assert "[check `panel.path` in data_config.yaml]" in told
    assert run_doctor(tmp_path / "root", config) == 1


def test_a_cluster_that_does_not_answer_is_found(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foxml_assets.engines.cluster.CONNECT_SECONDS", 0.3)
    settings = config / "training_config.yaml"
    engine = "engine: {kind: dask, scheduler: tcp://127.0.0.1:9}"
    settings.write_text(settings.read_text().replace("engine: {kind: threads}", engine))
    assert "tcp://127.0.0.1:9" in bad(tmp_path / "root", config)


def test_a_store_that_cannot_be_written_is_found_and_one_that_can_is_left_as_it_was(
    config: Path, tmp_path: Path
) -> None:
    settings, store = config / "training_config.yaml", tmp_path / "store"
    own = settings.read_text()
    text = own.replace("panel: null", f"panel: file://{store}")
    assert text.count("file://") == 1
    settings.write_text(text)
    assert bad(tmp_path / "root", config) == ""
    assert not [path for path in store.rglob("*") if path.is_file()]
    settings.write_text(own.replace("models: null", "models: file:///proc/foxml"))
    told = bad(tmp_path / "root", config)
    assert "storage.models: file:///proc/foxml/.doctor/probe could not be written" in told
    assert "file:///proc/foxml" in told.partition("[")[2]


def test_a_linked_folder_and_a_damaged_instance_are_found(config: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "dagster" / "history").mkdir(parents=True)
    (root / "dagster" / "history" / "runs.db").write_bytes(b"no database" * 1_000)
    (tmp_path / "elsewhere").mkdir()
    (root / "MODELS").symlink_to(tmp_path / "elsewhere")
    told = bad(root, config)
    assert "the Dagster instance cannot be read" in told
    assert "is a link" in told
