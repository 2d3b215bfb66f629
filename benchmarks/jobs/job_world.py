"""A root whose plan is a job for every pair of a made-up panel: each symbol's own LightGBM."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import LeakageStatus, TaskType
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, StabilityMetrics, TargetEvidence
from foxml_assets.families.lightgbm_family import LightGBMParams
from foxml_assets.families.sections import FamiliesConfig
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.routing.candidates.candidates import candidates_from_evidence
from foxml_assets.routing.candidates.candidates_file import write_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.training.training_config import TrainingConfig
from foxml_assets.workspace import Workspace

STAMP = RunStamp("2026-01-01T00:00:00Z", "benchmark", None)
HOLDOUT = 0.15
# Own models that are sure, and pooled ones that are worth nothing.
_OWN, _POOLED = Estimate(0.8, 0.01, 0.78, 0.82), Estimate(0.5, 0.01, 0.48, 0.52)
_STABLE = StabilityMetrics(5, 0.9, 0.02, 0.9, 0.02)


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
    _plan(size, workspace, build_panel(data, workspace.layout))
    return workspace


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
        part = pd.DataFrame(X, columns=[f"f{number:02d}" for number in range(size.features[1])])
        part.insert(0, "time", times[-rows:])
        part.insert(1, "symbol", f"S{at:04d}")
        for target in range(size.targets):
            signal = X[:, target % X.shape[1]] - X[:, (target + 7) % X.shape[1]]
            part[f"y_{target:02d}_1d"] = (signal + rng.standard_normal(rows) > 0).astype(np.float32)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _plan(size: Size, workspace: Workspace, info: PanelInfo) -> None:
    rng = np.random.default_rng(8)
    inputs = workspace.read_inputs()
    evidence = [
        _evidence(spec.name, info, int(rng.integers(*size.features, endpoint=True))) for spec in info.targets
    ]
    candidates = candidates_from_evidence(evidence)
    write_candidates(candidates, workspace.layout.routing_candidates)
    routing = route(candidates, inputs.policy, universe=inputs.universe, stamp=STAMP)
    write_routing_plan(routing, workspace.layout)
    plan = build_plan(
        routing,
        inputs.policy,
        data_hashes=inputs.data_hashes,
        training_hash=inputs.training_hash,
        parent_plan_hash=None,
        stamp=STAMP,
    )
    assert len(plan.jobs) == size.targets * size.symbols
    write_plan(plan, workspace.layout, history=0)


def _evidence(target: str, info: PanelInfo, n_features: int) -> TargetEvidence:
    return TargetEvidence(
        target=target,
        task_type=TaskType.CLASSIFICATION,
        score_metric=ScoreMetric.AUC,
        horizon_minutes=info.target(target).horizon_minutes,
        settings_hash="0" * 64,
        data_hash=info.data_hash_for(target),
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
            for symbol in (None, *info.symbols)
        ),
        features=dict.fromkeys(info.features[:n_features], LeakageStatus.SAFE),
    )
