"""`foxml check` and `foxml train` believe no manifest, and training records the hash of each."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from shell_world import Shell
from training_world import RETURN, UP, panel_frame

from foxml_assets.commands.check import run_checks
from foxml_assets.commands.predict import run_predict
from foxml_assets.commands.running.run import run_training
from foxml_assets.core.hashing import file_hash
from foxml_assets.defs.running.stage_runs import partition_key
from foxml_assets.training.models import look
from foxml_assets.training.models.fit_times import read_fit_seconds
from foxml_assets.training.models.manifest import manifest_path, model_path, read_manifest


def manifest_of(shell: Shell, target: str, symbol: str) -> Path:
    job = shell.plan.jobs_by_pair[target, symbol]
    return manifest_path(job, "lightgbm", shell.layout)


def model_of(shell: Shell, target: str, symbol: str) -> Path:
    job = shell.plan.jobs_by_pair[target, symbol]
    return model_path(job, "lightgbm", shell.layout)


def edit(path: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def models(shell: Shell) -> dict[Path, tuple[str, int]]:
    """Hash and time of every manifest and model."""
    paths = (path for name in ("manifest.json", "model.*") for path in shell.layout.models.rglob(name))
    return {path: (file_hash(path), path.lstat().st_mtime_ns) for path in paths}


def problems(shell: Shell, *, deep: bool = False) -> dict[str, str]:
    """What `foxml check` finds of each job's files."""
    places = (shell.workspace.root, shell.workspace.config_dir)
    code = run_checks(*places, deep=deep, as_json=False, junit=None)
    key = dg.AssetCheckKey(dg.AssetKey("symbol_models"), "files_intact")
    (record,) = shell.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    if evaluation.passed:
        return {}
    assert code == 1
    found = evaluation.metadata["found"].value
    rows = [row.split("|") for row in str(found).splitlines() if "corrupt" in row]
    return {cells[1].strip(): cells[2] for cells in rows}


def train(shell: Shell) -> None:
    assert run_training(shell.workspace.root, shell.workspace.config_dir) == 0


@pytest.fixture
def trained(shell: Shell) -> Shell:
    train(shell)
    return shell


def test_the_record_of_a_job_has_the_hash_of_each_manifest(trained: Shell) -> None:
    job = trained.plan.jobs_by_pair[UP, "AAA"]
    records = trained.instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("symbol_models"), asset_partitions=[partition_key(job)]), limit=1
    ).records
    metadata = records[0].asset_materialization.metadata
    for family in job.model_families:
        hashed = file_hash(manifest_path(job, family, trained.layout))
        assert metadata[f"{family}/manifest_sha256"].value == hashed


def test_the_page_of_a_model_says_what_was_promised_and_what_came_of_it(trained: Shell) -> None:
    job = trained.plan.jobs_by_pair[UP, "AAA"]
    records = trained.instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("symbol_models"), asset_partitions=[partition_key(job)]), limit=1
    ).records
    shown = {name: value.value for name, value in records[0].asset_materialization.metadata.items()}
    assert shown["route"] == "ROUTE_SYMBOL_SPECIFIC"
    assert (shown["priority"], shown["reason"]) == (job.priority, job.reason)
    assert shown["families"] == "lightgbm, xgboost"
    assert shown["promised_auc"] == job.metadata.score == 0.8
    fits = [read_fit_seconds(job, family, trained.layout) for family in job.model_families]
    assert shown["training seconds"] == pytest.approx(sum(fits), abs=0.002)
    for family in job.model_families:
        manifest = read_manifest(manifest_path(job, family, trained.layout))
        assert shown[f"{family}/holdout_auc"] == manifest.scores.within_symbols.value
        row = next(line for line in shown["scores"].splitlines() if line.startswith(f"| {family} "))
        assert f"| {shown[f'{family}/holdout_auc']:.3f}&nbsp;auc | 0.800 |" in row
        assert Path(shown[f"{family}/manifest"]) == manifest_path(job, family, trained.layout)
        assert Path(shown[f"{family}/model"]) == model_path(job, family, trained.layout)
    assert all(Path(shown[f"lightgbm/{name}"]).is_file() for name in ("manifest", "model"))
    assert len(records[0].event_log_entry.to_json()) < 20_000


def test_check_names_every_forgery_and_train_makes_those_models_again(trained: Shell, tmp_path: Path) -> None:
    before = models(trained)
    edit(manifest_of(trained, UP, "AAA"), lambda content: content.update(target=RETURN))
    edit(manifest_of(trained, UP, "BBB"), lambda content: content["training_window"].update(rows=99))
    edit(manifest_of(trained, UP, "CCC"), lambda content: content.update(seed=1, symbols=["AAA"]))
    edit(manifest_of(trained, RETURN, "AAA"), lambda content: content["features"].append(RETURN))
    copied, linked = model_of(trained, RETURN, "BBB"), model_of(trained, RETURN, "CCC")
    shutil.copy(model_of(trained, UP, "AAA"), copied)
    edit(manifest_of(trained, RETURN, "BBB"), lambda content: content.update(sha256=file_hash(copied)))
    linked.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")
    told = {
        "sym_AAA_y_up_5d": "target: should be y_up_5d",
        "sym_BBB_y_up_5d": "training recorded one with the SHA-256",
        "sym_CCC_y_up_5d": "symbols: should have CCC",
        "sym_AAA_fwd_ret_5d": "features: should have nothing else",
        "sym_BBB_fwd_ret_5d": "training recorded one with the SHA-256",
        "sym_CCC_fwd_ret_5d": "is a link",
    }
    found = problems(trained)
    assert found.keys() == told.keys()
    assert [job for job, words in told.items() if words not in found[job].replace("\\", "")] == []
    train(trained)
    after = models(trained)
    assert {path: hash_ for path, (hash_, _) in after.items()} == {
        path: hash_ for path, (hash_, _) in before.items()
    }
    again = {path.parent for path in after if after[path] != before[path]}
    assert len(again) == 6
    assert {path.name for path in again} == {"lightgbm"}
    assert not linked.is_symlink()


def test_a_deep_check_reads_what_a_check_believes_to_be_unchanged(
    trained: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "_TICK_NS", 0)
    path, model = trained.layout.model_memory, model_of(trained, UP, "AAA")
    path.unlink()
    assert trained.pending() == []
    with model.open("r+b") as stream:
        stream.write(b"T")
    memory, status = json.loads(path.read_bytes()), model.stat()
    folder = model.parent.relative_to(trained.layout.models).as_posix()
    stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    memory["models"][folder][3][1] = stamp
    path.write_text(json.dumps(memory), encoding="utf-8")
    assert problems(trained) == {}
    assert "is not the one that was trained" in problems(trained, deep=True)["sym_AAA_y_up_5d"]


def test_predictions_are_made_by_no_model_that_training_did_not_record(
    trained: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(manifest_of(trained, UP, "BBB"), lambda content: content["training_window"].update(rows=99))
    panel, out = tmp_path / "new.parquet", tmp_path / "out.parquet"
    panel_frame().to_parquet(panel)
    capsys.readouterr()
    assert run_predict(trained.workspace.root, trained.workspace.config_dir, panel, out) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "predictions of 5 pairs" in told
    assert "training recorded one with the SHA-256" in told
    predicted = pd.read_parquet(out)[["target", "symbol"]].drop_duplicates()
    assert (UP, "BBB") not in set(predicted.itertuples(index=False, name=None))
