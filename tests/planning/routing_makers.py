"""Routing plans for tests, made by the real router from small candidate tables."""

from collections.abc import Iterable, Mapping

import pandas as pd
from plan_makers import SETTINGS

from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.panel.panel_info import PanelInfo, TargetSpec
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import get_job
from foxml_assets.planning.plan.data_hashes import DataHashes
from foxml_assets.planning.plan.master_plan import Job, MasterPlan, TrainingHashes
from foxml_assets.planning.validate.staleness import CurrentInputs
from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy

NO_DATA: DataHashes = {}
STAMP = RunStamp("2025-12-11T18:45:00Z", "20251211_184500", "abc1234")

# AUC that gives the state under the default thresholds, for the pooled and for a symbol's own model.
POOLED = {"strong": 0.65, "weak": 0.55, "experimental": 0.515, "none": 0.45}
LOCAL = {"strong": 0.66, "weak": 0.57, "experimental": 0.53, "none": 0.45}


_SEED_POLICY: dict[str, object] = {
    "method": "thresholds",
    "both_strong_behavior": "ROUTE_BOTH",
    "stability_allowlist": {"symbol": ["STABLE"]},
    "fdr": {"enabled": False},
    "families": [
        {"when": {"route": ["ROUTE_EXPERIMENTAL_ONLY"]}, "use": ["lightgbm"]},
        {"use": ["lightgbm", "xgboost"]},
    ],
}


def row(target: str, symbol: str | None, state: str, **changes: object) -> dict[str, object]:
    """One candidate with the score that gives it `state`."""
    return {
        "target": target,
        "symbol": symbol,
        "task_type": "classification",
        "score_metric": "auc",
        "horizon_minutes": 600.0,
        "sample_size": 100_000 if symbol is None else 8_000,
        "score": (POOLED if symbol is None else LOCAL)[state],
        "score_se": 0.005,
        "n_snapshots": 5,
        "mean_overlap": 0.9,
        "std_overlap": 0.02,
        "mean_tau": 0.9,
        "std_tau": 0.02,
        "leakage_status": "SAFE",
        "successful_families": "lightgbm|xgboost",
        "failed_families": "",
        "features": '{"momentum":"SAFE","volatility":"SAFE"}' if symbol is None else None,
    } | changes


def candidates(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    return typed_candidates(pd.DataFrame(list(rows)))


def policy(**changes: object) -> RoutingPolicy:
    """The policy of the seeds without false-discovery control, with `changes`."""
    return RoutingPolicy.model_validate(_SEED_POLICY | changes)


def panel_of(targets: Iterable[str], symbols: Iterable[str]) -> PanelInfo:
    """The description of a panel that holds these targets and symbols."""
    specs = tuple(TargetSpec(name, TaskType.CLASSIFICATION, 1, 600.0) for name in targets)
    return described(("momentum", "volatility"), specs, tuple(symbols))


def panel_behind(plan: MasterPlan, symbols: Iterable[str]) -> PanelInfo:
    """A panel from which `plan` could have been made, with these symbols besides its own."""
    jobs = plan.jobs
    targets = {job.target: job for job in jobs}
    specs = tuple(
        TargetSpec(name, job.task_type, 1, job.horizon_minutes or 1.0) for name, job in targets.items()
    )
    features = dict.fromkeys(name for job in jobs for name in job.features or ())
    known = dict.fromkeys((*symbols, *(job.symbol for job in jobs if job.symbol is not None)))
    return described(tuple(features), specs, tuple(known))


def described(
    features: tuple[str, ...], targets: tuple[TargetSpec, ...], symbols: tuple[str, ...]
) -> PanelInfo:
    """A panel's description whose hashes are of nothing."""
    return PanelInfo(
        time_column="time",
        symbol_column="symbol",
        features=features,
        targets=targets,
        symbols=symbols,
        n_rows=1,
        start="2020",
        end="2021",
        holdout_fraction=0.15,
        training_rows=(1,) * len(symbols),
        feature_hashes=("",) * len(symbols),
        label_hashes={spec.name: ("",) * len(symbols) for spec in targets},
    )


def inputs_of(plan: MasterPlan, data_hashes: DataHashes = NO_DATA) -> CurrentInputs:
    """What is current when nothing has moved since `plan` was made from `data_hashes`."""
    made = plan.metadata
    return CurrentInputs(
        made.routing_plan_hash, made.candidates_hash, made.config_hash, made.training_hashes, data_hashes
    )


def routed(rows: Iterable[Mapping[str, object]], with_policy: RoutingPolicy | None = None) -> RoutingPlan:
    return route(candidates(rows), with_policy or policy(), stamp=STAMP)


def grid() -> list[dict[str, object]]:
    """A target for each state of the pooled model, a symbol for each state of its own model."""
    rows: list[dict[str, object]] = []
    for pooled in POOLED:
        target = f"y_{pooled}"
        rows.append(row(target, None, pooled))
        rows.extend(row(target, local.upper(), local) for local in LOCAL)
    return rows


def built(
    routing: RoutingPlan,
    with_policy: RoutingPolicy | None = None,
    training_hashes: TrainingHashes = SETTINGS,
    **hashes: dict[str, str],
) -> MasterPlan:
    return build_plan(
        routing,
        with_policy or policy(),
        data_hashes=hashes,
        training_hashes=training_hashes,
        parent_plan_hash=None,
        stamp=STAMP,
    )


def job_of(plan: MasterPlan, target: str, symbol: str | None = None) -> Job:
    found = get_job(plan, target, symbol)
    assert found is not None
    return found
