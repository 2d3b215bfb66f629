"""The gate before training: which plan may be trained from, if any."""

from collections.abc import Callable, Mapping, Sequence

from foxml_assets.core.errors import (
    PlanCorruptError,
    PlanInconsistentError,
    PlanMissingError,
    PlanStaleError,
    Problem,
)
from foxml_assets.core.vocabulary import OnMissingPlan, OnStalePlan
from foxml_assets.planning.plan.consumer import MAKE_NEW, load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.validate.plan_checks import Basis, PlanCheck, check_plan
from foxml_assets.planning.validate.staleness import CurrentInputs
from foxml_assets.storage.directories import is_switch_interrupted
from foxml_assets.storage.layout import Layout


def require_current_plan(
    layout: Layout,
    basis: Basis,
    *,
    on_stale: OnStalePlan,
    on_missing: OnMissingPlan,
    fallback: Callable[[], MasterPlan],
    warn: Callable[[str], None],
) -> MasterPlan:
    """The plan to train from.

    Without a plan: what `fallback` makes, with a warning, under `train_all`; else PlanMissingError.
    Raises PlanCorruptError; PlanInconsistentError if one of the checks of validation fails, since whoever
    can edit a plan can compute its hashes anew; and PlanStaleError, which says what moved from what to what.
    Under `on_stale: warn` a stale plan is returned and `warn` gets that message; only a routing plan or
    policy that moved on is not held against it.
    """
    try:
        plan = load_master_training_plan(layout.master_plan)
    except PlanMissingError as error:
        # Moved away and not yet replaced: that is no project without a plan, whatever `on_missing` says.
        if is_switch_interrupted(layout.training_plan_dir):
            raise PlanCorruptError(
                "writing the plan was interrupted", file=layout.master_plan, fix=MAKE_NEW
            ) from error
        if on_missing is OnMissingPlan.REFUSE:
            raise
        warn(
            f"{layout.master_plan}: there is no master training plan, so a pooled model is trained for "
            "every target (on_missing_plan: train_all)"
        )
        return fallback()
    found = {result.check: result.problems for result in check_plan(plan, basis)}
    # Before freshness: a plan that contradicts itself is not even a stale one.
    _refuse(found, (PlanCheck.STRUCTURE, PlanCheck.HASHES), layout)
    if found[PlanCheck.FRESHNESS]:
        stale = PlanStaleError(
            "the plan was made from other inputs than the current ones",
            file=layout.master_plan,
            problems=found[PlanCheck.FRESHNESS],
            fix=MAKE_NEW,
        )
        if on_stale is OnStalePlan.REFUSE:
            raise stale
        warn(str(stale))
    _refuse(found, _binding(plan, basis.current), layout)
    return plan


def _binding(plan: MasterPlan, current: CurrentInputs) -> tuple[PlanCheck, ...]:
    """The checks against what is current that a plan must pass though something else has moved."""
    made = plan.metadata
    # A routing plan or policy that has moved is no basis to hold the plan against.
    checks = [PlanCheck.NAMES]
    if made.routing_plan_hash == current.routing_plan_hash:
        checks.append(PlanCheck.ROUTING)
        if made.config_hash == current.config_hash:
            checks.append(PlanCheck.FAMILIES)
    return tuple(checks)


def _refuse(
    found: Mapping[PlanCheck, Sequence[Problem]], checks: Sequence[PlanCheck], layout: Layout
) -> None:
    problems = [problem for check in checks for problem in found[check]]
    if problems:
        raise PlanInconsistentError(
            "the plan contradicts itself or what it was made from",
            file=layout.master_plan,
            problems=problems,
            fix=MAKE_NEW,
        )
