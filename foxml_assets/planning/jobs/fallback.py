"""The plan of last resort: every target, pooled. Used where no plan exists and config allows it."""

from collections.abc import Sequence

from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import ModelFamily, Route, TrainingType
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.planning.jobs.builder import ROUTING_PLAN_PATH, assemble_plan
from foxml_assets.planning.plan.data_hashes import data_hash, data_hashes
from foxml_assets.planning.plan.job_ids import job_ids
from foxml_assets.planning.plan.master_plan import (
    ABSENT,
    SCHEMA_VERSION,
    Job,
    JobMetadata,
    MasterPlan,
    PlanMetadata,
    SymbolUse,
    TrainingHashes,
)
from foxml_assets.planning.plan.specs import with_spec_hashes

REASON = "there is no training plan, and on_missing_plan is train_all"


def build_fallback_plan(
    info: PanelInfo, *, families: Sequence[ModelFamily], training_hashes: TrainingHashes, stamp: RunStamp
) -> MasterPlan:
    """One cross-sectional job for every target of the panel, on all features. Never written to disk."""
    hashes = data_hashes(info)
    ids = job_ids([(spec.name, None) for spec in info.targets])
    jobs = [
        Job(
            job_id=job_id,
            target=spec.name,
            symbol=None,
            route=Route.CROSS_SECTIONAL,
            training_type=TrainingType.CROSS_SECTIONAL,
            model_families=tuple(families),
            priority=0,
            reason=REASON,
            metadata=JobMetadata(),
            task_type=spec.task_type,
            horizon_minutes=spec.horizon_minutes,
            features=None,
            excluded_symbols=(),
            data_hash=data_hash(hashes, spec.name, None),
            spec_hash="",
        )
        for job_id, spec in zip(ids, info.targets, strict=True)
    ]
    metadata = PlanMetadata(
        generated_at=stamp.generated_at,
        run_id=stamp.run_id,
        git_commit=stamp.git_commit,
        schema_version=SCHEMA_VERSION,
        plan_hash="",
        parent_plan_hash=None,
        routing_plan_hash=ABSENT,
        candidates_hash=ABSENT,
        config_hash=ABSENT,
        training_hashes=training_hashes.only(families if jobs else ()),
        routing_plan_path=ROUTING_PLAN_PATH,
        metrics_snapshot=ABSENT,
        total_jobs=0,
        model_families=tuple(families),
        assured={},
    )
    names = tuple(sorted(spec.name for spec in info.targets))
    symbols = {symbol: SymbolUse(served_by=names, rows_in=(), blocked={}) for symbol in info.symbols}
    return assemble_plan(with_spec_hashes(jobs, training_hashes), metadata, total_blocked=0, symbols=symbols)
