"""What other programs use: the plans as values, their paths, and predictions. It imports nothing that decides
or trains.

plan = load_master_training_plan(Layout(Path("output")).master_plan)
for job in get_jobs_for_symbol(plan, "AAPL"): ...
frame = predict(Path("today.parquet"), root=Path("output")).frame
"""

from pathlib import Path
from typing import TYPE_CHECKING

from foxml_assets.core.errors import FoxmlError
from foxml_assets.core.vocabulary import OutOfSample
from foxml_assets.planning.plan.consumer import (
    get_cs_jobs,
    get_job,
    get_jobs_for_symbol,
    get_jobs_for_target,
    get_symbol_jobs,
    load_master_training_plan,
    model_families_for,
    planned_targets,
    symbols_for_target,
)
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.storage.layout import Layout

if TYPE_CHECKING:
    from foxml_assets.serving.serve_panel import PanelPredictions

__all__ = [
    "FoxmlError",
    "Job",
    "Layout",
    "MasterPlan",
    "OutOfSample",
    "RoutingPlan",
    "get_cs_jobs",
    "get_job",
    "get_jobs_for_symbol",
    "get_jobs_for_target",
    "get_symbol_jobs",
    "load_master_training_plan",
    "model_families_for",
    "planned_targets",
    "predict",
    "read_routing_plan",
    "symbols_for_target",
]


def predict(
    panel: Path | OutOfSample, *, root: Path | None = None, config_dir: Path | None = None
) -> "PanelPredictions":
    """What `foxml predict` writes, as a frame: the predictions of the current plan's models on `panel`, a
    Parquet or CSV file, a folder or a glob, or on rows of their own that they have not seen. Root and config
    folder are found as by the command line.

    Raises FoxmlError for a config, panel or plan that cannot be used, and where no such rows are there.
    """
    from foxml_assets.serving.serve_panel import predict_panel
    from foxml_assets.workspace import current_workspace

    inputs = current_workspace(root, config_dir).read_inputs()
    return predict_panel(panel, inputs.training_context(), inputs.data.panel.time_unit)
