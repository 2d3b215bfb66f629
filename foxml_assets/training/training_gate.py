"""Leave to train: which plan, if any, may be trained from now."""

import logging
from dataclasses import dataclass

from foxml_assets.core.errors import PlanStaleError
from foxml_assets.core.stamp import RunStamp
from foxml_assets.planning.jobs.fallback import build_fallback_plan
from foxml_assets.planning.plan.consumer import describe_filter
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.validate.plan_checks import read_basis
from foxml_assets.planning.validate.plan_gate import require_current_plan
from foxml_assets.planning.validate.staleness import CurrentInputs, stale_inputs
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.training.context import TrainingContext

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingPermit:
    """The plan to train from, and what a person must be told: the filter line once a run, and warnings."""

    plan: MasterPlan
    filter_line: str
    warnings: tuple[str, ...]


def authorise_training(context: TrainingContext, policy: RoutingPolicy, stamp: RunStamp) -> TrainingPermit:
    """Read the master plan and hold it against what is current.

    Without a plan: under `on_missing_plan: train_all` one pooled job per target, with a warning. Raises
    PlanMissingError under `refuse`, PlanCorruptError and PlanInconsistentError always, RoutingPlanError and
    CandidatesError for what the plan cannot be held against, and PlanStaleError;
    under `on_stale_plan: warn` only for other training settings, as then no job could be filed under its
    spec. The same holds for a single job whose target's data moved: the runner fails it.
    """
    warnings: list[str] = []

    def warn(message: str) -> None:
        _log.warning(message)
        warnings.append(message)

    plan = require_current_plan(
        context.layout,
        read_basis(context.layout, policy, context.info, context.training_hashes),
        on_stale=context.config.on_stale_plan,
        on_missing=context.config.on_missing_plan,
        fallback=lambda: build_fallback_plan(
            context.info,
            families=policy.families[-1].use,
            training_hashes=context.training_hashes,
            stamp=stamp,
        ),
        warn=warn,
    )
    moved = stale_inputs(plan, CurrentInputs(training_hashes=context.training_hashes))
    if moved:
        raise PlanStaleError(
            "the plan was made for other training settings",
            file=context.layout.master_plan,
            problems=[item.problem for item in moved],
            fix="make a new plan: foxml run --until plan",
        )
    targets = [spec.name for spec in context.info.targets]
    return TrainingPermit(plan, describe_filter(plan, targets), tuple(warnings))
