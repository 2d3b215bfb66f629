"""Plans for tests, made without routing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import Route, SignalState, TaskType, TrainingType
from foxml_assets.planning.jobs.builder import METRICS_SNAPSHOT, ROUTING_PLAN_PATH, assemble_plan
from foxml_assets.planning.plan.job_ids import job_ids
from foxml_assets.planning.plan.master_plan import (
    SCHEMA_VERSION,
    ExcludedSymbol,
    Job,
    JobMetadata,
    MasterPlan,
    PlanMetadata,
    SymbolUse,
    TrainingHashes,
)
from foxml_assets.planning.plan.specs import with_spec_hashes
from foxml_assets.planning.plan.structure import planned_families
from foxml_assets.planning.store.tree import plan_files

BOTH_FAMILIES = ("lightgbm", "xgboost")
SETTINGS = TrainingHashes("4" * 64, dict.fromkeys(BOTH_FAMILIES, "5" * 64))
SWING = "y_will_swing_low_10m_0.20"


def metadata(**changes: object) -> PlanMetadata:
    fields: dict[str, object] = {
        "generated_at": "2025-12-11T18:45:00Z",
        "run_id": "20251211_184500",
        "git_commit": "abc1234",
        "schema_version": SCHEMA_VERSION,
        "plan_hash": "",
        "parent_plan_hash": None,
        "routing_plan_hash": "1" * 64,
        "candidates_hash": "2" * 64,
        "config_hash": "3" * 64,
        "training_hashes": SETTINGS,
        "routing_plan_path": ROUTING_PLAN_PATH,
        "metrics_snapshot": METRICS_SNAPSHOT,
        "total_jobs": 0,
        "model_families": BOTH_FAMILIES,
        "assured": {},
    }
    return PlanMetadata(**(fields | changes))  # type: ignore[arg-type]


def job(target: str = SWING, symbol: str | None = None, **changes: object) -> Job:
    is_pooled = symbol is None
    fields: dict[str, object] = {
        "job_id": job_ids([(target, symbol)])[0],
        "target": target,
        "symbol": symbol,
        "route": Route.CROSS_SECTIONAL if is_pooled else Route.SYMBOL_SPECIFIC,
        "training_type": TrainingType.CROSS_SECTIONAL if is_pooled else TrainingType.SYMBOL_SPECIFIC,
        "model_families": BOTH_FAMILIES,
        "priority": 90 if is_pooled else 80,
        "reason": "strong and stable",
        "metadata": JobMetadata(
            cs_state=SignalState.STRONG,
            local_state=None if is_pooled else SignalState.STRONG,
            sample_size=8000,
            score=0.62,
            gate=0.62,
            score_metric=ScoreMetric.AUC,
        ),
        "task_type": TaskType.CLASSIFICATION,
        "horizon_minutes": 10.0,
        "features": ("momentum", "volatility"),
        "excluded_symbols": (),
        "data_hash": "d" * 64,
        "spec_hash": "",
    }
    return Job(**(fields | changes))  # type: ignore[arg-type]


def plan(
    jobs: Sequence[Job],
    *,
    total_blocked: int = 0,
    symbols: Mapping[str, SymbolUse] | None = None,
    **changes: object,
) -> MasterPlan:
    hashes = SETTINGS.only(planned_families(jobs))
    made_from = metadata(**{"training_hashes": hashes} | changes)
    hashed = with_spec_hashes(jobs, made_from.training_hashes)
    return assemble_plan(hashed, made_from, total_blocked=total_blocked, symbols=symbols or {})


def example_plan(**changes: object) -> MasterPlan:
    """Two targets, a pooled job each, four symbol jobs; one symbol is left out of a pooled job."""
    left_out = (ExcludedSymbol("GME", "a feature copies the label"),)
    jobs = [
        job(SWING, excluded_symbols=left_out),
        job("fwd_ret_5d", task_type=TaskType.REGRESSION, priority=75),
        job(SWING, "AAPL"),
        job(SWING, "BTC/USD", route=Route.BOTH),
        job("fwd_ret_5d", "AAPL", task_type=TaskType.REGRESSION, features=None),
        job(
            "fwd_ret_5d",
            "MSFT",
            route=Route.EXPERIMENTAL_ONLY,
            priority=30,
            model_families=("lightgbm",),
            task_type=TaskType.REGRESSION,
        ),
    ]
    return plan(jobs, total_blocked=3, **changes)


def master_bytes(master: MasterPlan) -> bytes:
    return b"".join(next(plan_files(master)).chunks())


def save(master: MasterPlan, folder: Path) -> Path:
    path = folder / "master_training_plan.json"
    path.write_bytes(master_bytes(master))
    return path
