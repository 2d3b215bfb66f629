"""A root whose plan is a job for every pair of a made-up panel: each symbol's own LightGBM."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
import pandas as pd
import yaml

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, TaskType
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, StabilityMetrics, TargetEvidence
from foxml_assets.families.lightgbm_family import LightGBMParams
from foxml_assets.families.sections import FamiliesConfig
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.routing.candidates.candidates import candidates_from_evidence
from foxml_assets.routing.candidates.candidates_file import write_candidates
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.training.training_config import TrainingConfig
from foxml_assets.workspace import Workspace

HOLDOUT = 0.15
_MAIN = "from foxml_assets.cli import main; main()"
# Own models that are sure, and pooled ones that are worth nothing.
_OWN, _POOLED = Estimate(0.8, 0.01, 0.78, 0.82), Estimate(0.5, 0.01, 0.48, 0.52)
_STABLE = StabilityMetrics(5, 0.9, 0.02, 0.9, 0.02)


class Call(TypedDict):
    """Arguments of `subprocess.run` and `subprocess.Popen`."""

    args: list[str]
    env: dict[str, str]
    text: Literal[True]


@dataclass(frozen=True)
class Size:
    """`rows` and `features` are the fewest and the most that a job trains on; `rounds` the trees of a fit."""

    targets: int
    symbols: int
    rows: tuple[int, int]
    features: tuple[int, int]
    rounds: int = LightGBMParams().rounds
    batch_size: int = TrainingConfig().batch_size


def make_job_world(size: Size, folder: Path) -> Workspace:
    """Panel, candidates, both plans and the configs below `folder`; nothing is trained."""
    workspace = Workspace(folder / "root", folder / "config")
    source = folder / "source.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    _panel(size).to_parquet(source)
    panel = {
        "source": "parquet",
        "path": str(source),
        "time_column": "time",
        "symbol_column": "symbol",
        "targets": ["y_*"],
    }
    data = DataConfig.model_validate({"panel": panel, "evidence": {"holdout_fraction": HOLDOUT}})
    policy = RoutingPolicy.model_validate(
        {"method": "thresholds", "profile": "development", "families": [{"use": ["lightgbm"]}]}
    )
    training = TrainingConfig(
        batch_size=size.batch_size,
        min_train_rows=50,
        families=FamiliesConfig(lightgbm=LightGBMParams(rounds=size.rounds)),
    )
    workspace.config_dir.mkdir()
    for path, config in (
        (workspace.data_config_file, data),
        (workspace.routing_config_file, policy),
        (workspace.training_config_file, training),
    ):
        path.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    # Where candidates are imported, a run makes the panel only for training.
    build_panel(data, workspace.layout)
    _candidates(size, workspace)
    subprocess.run(**foxml(workspace, "run", "--until", "plan"), check=True, capture_output=True)
    assert len(load_master_training_plan(workspace.layout.master_plan).jobs) == size.targets * size.symbols
    return workspace


def foxml(workspace: Workspace, *arguments: str) -> Call:
    """How `subprocess` is to be called for a command on `workspace`."""
    command = [sys.executable, "-W", "ignore", "-c", _MAIN, *arguments]
    places = {"FOXML_ROOT": str(workspace.root), "FOXML_CONFIG_DIR": str(workspace.config_dir)}
    return {"args": command, "env": {**os.environ, **places}, "text": True}


def _features(count: int) -> list[str]:
    return [f"f{number:02d}" for number in range(count)]


def _panel(size: Size) -> pd.DataFrame:
    """Hourly rows; every symbol ends with the panel, so that all have the same hold-out."""
    rng = np.random.default_rng(7)
    least, most = size.rows
    holdout = round(most * HOLDOUT / (1.0 - HOLDOUT))
    times = pd.date_range("2020-01-01", periods=most + holdout, freq="h")
    parts = []
    for at in range(size.symbols):
        rows = holdout + int(rng.integers(least, most, endpoint=True))
        X = rng.standard_normal((rows, size.features[1])).astype(np.float32)
        part = pd.DataFrame(X, columns=_features(size.features[1]))
        part.insert(0, "time", times[-rows:])
        part.insert(1, "symbol", f"S{at:04d}")
        for target in range(size.targets):
            signal = X[:, target % X.shape[1]] - X[:, (target + 7) % X.shape[1]]
            part[f"y_{target:02d}_1d"] = (signal + rng.standard_normal(rows) > 0).astype(np.float32)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _candidates(size: Size, workspace: Workspace) -> None:
    """Imported ones, which stand in for the evidence."""
    rng = np.random.default_rng(8)
    symbols = [f"S{at:04d}" for at in range(size.symbols)]
    evidence = [
        _evidence(f"y_{at:02d}_1d", symbols, int(rng.integers(*size.features, endpoint=True)))
        for at in range(size.targets)
    ]
    write_candidates(candidates_from_evidence(evidence), workspace.layout.imported_candidates)


def _evidence(target: str, symbols: Sequence[str], n_features: int) -> TargetEvidence:
    return TargetEvidence(
        target=target,
        task_type=TaskType.CLASSIFICATION,
        score_metric=ScoreMetric.AUC,
        horizon_minutes=1440.0,
        settings_hash="0" * 64,
        data_hash="0" * 64,
        rows=tuple(
            RowEvidence(
                symbol=symbol,
                sample_size=100_000,
                score=_POOLED if symbol is None else _OWN,
                stability=_STABLE,
                leakage_status=LeakageStatus.SAFE,
                leakage_reason="",
                successful_families=("lightgbm",),
            )
            for symbol in (None, *symbols)
        ),
        features=dict.fromkeys(_features(n_features), LeakageStatus.SAFE),
    )
