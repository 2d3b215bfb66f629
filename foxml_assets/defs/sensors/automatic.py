"""How far training may go by itself: never before the user has trained, and up to a number of jobs."""

from collections.abc import Sequence

import dagster as dg

from foxml_assets.defs.running.stage_runs import MODEL_ASSETS
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.models.fit_times import describe_cost


def hold_back(instance: dg.DagsterInstance, training: TrainingContext, pending: Sequence[Job]) -> str:
    """Why `pending` are not trained by themselves; empty if they may be."""
    allowed = training.config.automatic_training
    if not allowed.enabled:
        why = "automatic_training.enabled is false"
    elif not _was_trained_before(instance, training.layout):
        why = "the first training of a root is yours to start"
    elif len(pending) > allowed.max_jobs:
        why = f"automatic_training.max_jobs is {allowed.max_jobs}"
    else:
        return ""
    cost = describe_cost(pending, training.layout, training.config.sure_threads)
    return f"{len(pending)} jobs are pending ({cost}); {why}: foxml train"


def _was_trained_before(instance: dg.DagsterInstance, layout: Layout) -> bool:
    """Whether training was ever started here, by command or in the UI, whatever came of it."""
    if layout.models.is_dir() and any(layout.models.iterdir()):
        return True
    records = instance.get_asset_records([dg.AssetKey(name) for name in MODEL_ASSETS.values()])
    return any(record.asset_entry.last_run_id is not None for record in records)
