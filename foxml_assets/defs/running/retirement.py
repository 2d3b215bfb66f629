"""What left the plan goes, as soon as no run or backfill refers to it: its partition, and its models."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from foxml_assets.core.names import pair_of
from foxml_assets.defs.running.ledger import Ledger
from foxml_assets.defs.running.partitions import retire_partitions
from foxml_assets.defs.running.stage_runs import MODEL_PARTITIONS, partition_key
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.retired import retire_models

_MAX_LISTED = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retired:
    """Folders of the `models` that were put aside, and the partitions that are still `waiting`."""

    models: tuple[str, ...]
    waiting: tuple[str, ...]


def retire_unplanned(ledger: Ledger, plan: MasterPlan, layout: Layout) -> Retired:
    """Delete the partitions and put aside the models that `plan` does not ask for.

    A model waits as long as its partition. Raises StorageError and LinkError.
    """
    waiting: list[str] = []
    for kind, partition_set in MODEL_PARTITIONS.items():
        planned = {partition_key(job) for job in plan.jobs if job.training_type is kind}
        waiting += retire_partitions(ledger, partition_set, planned)
    models = retire_models(plan, layout, datetime.now(UTC), waiting={pair_of(key) for key in waiting})
    if models:
        more = f" and {len(models) - _MAX_LISTED} more" if len(models) > _MAX_LISTED else ""
        names = ", ".join(models[:_MAX_LISTED])
        _log.info("%d models left the plan, now in %s: %s%s", len(models), layout.retired_models, names, more)
    return Retired(models, tuple(waiting))
