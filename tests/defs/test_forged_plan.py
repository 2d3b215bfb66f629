"""`foxml train` under a plan that was edited by hand and hashed anew."""

import sys

import pytest
from msgspec.structs import replace
from shell_world import Shell

from foxml_assets.cli import main
from foxml_assets.core.hashing import file_hash
from foxml_assets.planning.jobs.builder import assemble_plan
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.specs import with_spec_hashes
from foxml_assets.planning.store.writer import write_plan


def foxml_train(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> int:
    """Its exit code."""
    places = ["--root", str(shell.workspace.root), "--config-dir", str(shell.workspace.config_dir)]
    monkeypatch.setattr(sys, "argv", ["foxml", "train", *places])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_label_as_feature_is_refused_and_the_good_models_stay(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert foxml_train(shell, monkeypatch) == 0
    models = {path: file_hash(path) for path in shell.layout.models.rglob("model*.*")}
    plan = shell.plan
    jobs = [replace(job, features=(*(job.features or ()), job.target)) for job in plan.jobs]
    forged = assemble_plan(
        with_spec_hashes(jobs, plan.metadata.training_hashes),
        plan.metadata,
        total_blocked=plan.summary.total_blocked,
        symbols=plan.summary.symbols,
    )
    write_plan(forged, shell.layout, history=2)
    assert load_master_training_plan(shell.layout.master_plan).metadata.plan_hash != plan.metadata.plan_hash
    capsys.readouterr()
    assert foxml_train(shell, monkeypatch) == 1
    told = capsys.readouterr().err
    assert "the plan contradicts itself or what it was made from" in told
    assert "has other features than the routing plan allows" in told
    assert f"is not a feature of the panel (found '{jobs[0].target}')" in told
    assert {path: file_hash(path) for path in shell.layout.models.rglob("model*.*")} == models
