"""The gate before training: which plan may be trained from, if any."""

from collections.abc import Callable, Sequence

from foxml_assets.errors import PlanCorruptError, PlanInconsistentError, PlanMissingError, PlanStaleError
from foxml_assets.files import is_switch_interrupted
from foxml_assets.layout import Layout
from foxml_assets.planning.consumer import load_master_training_plan
from foxml_assets.planning.plan import MasterPlan
from foxml_assets.planning.staleness import CurrentInputs, StaleInput, stale_inputs
from foxml_assets.planning.structure import structure_problems
from foxml_assets.vocabulary import OnMissingPlan, OnStalePlan

_MAKE_NEW = "make a new plan: foxml run --until plan"


def require_current_plan(
    layout: Layout,
    current: CurrentInputs,
    *,
    on_stale: OnStalePlan,
    on_missing: OnMissingPlan,
    fallback: Callable[[], MasterPlan],
    warn: Callable[[str], None],
) -> MasterPlan:
    """The plan to train from.

    Without a plan: what `fallback` makes, with a warning, under `train_all`; else PlanMissingError.
    Raises PlanCorruptError, PlanInconsistentError, and PlanStaleError, which says what moved from what
    to what; under `on_stale: warn` a stale plan is returned and `warn` gets that message.
    """
    try:
        plan = load_master_training_plan(layout.master_plan)
    except PlanMissingError as error:
        if is_switch_interrupted(layout.training_plan_dir):
            raise PlanCorruptError(
                "writing the plan was interrupted", file=layout.master_plan, fix=_MAKE_NEW
            ) from error
        if on_missing is OnMissingPlan.REFUSE:
            raise
        warn(
            f"{layout.master_plan}: there is no master training plan, so a pooled model is trained for "
            "every target (on_missing_plan: train_all)"
        )
        return fallback()
    _refuse_inconsistent(plan, layout)
    stale = stale_inputs(plan, current)
    if stale:
        refusal = _stale_error(stale, layout)
        if on_stale is OnStalePlan.REFUSE:
            raise refusal
        warn(str(refusal))
    return plan


def _refuse_inconsistent(plan: MasterPlan, layout: Layout) -> None:
    problems = structure_problems(plan)
    if problems:
        raise PlanInconsistentError(
            "the plan contradicts itself", file=layout.master_plan, problems=problems, fix=_MAKE_NEW
        )


def _stale_error(stale: Sequence[StaleInput], layout: Layout) -> PlanStaleError:
    return PlanStaleError(
        "the plan was made from other inputs than the current ones",
        file=layout.master_plan,
        problems=[item.problem for item in stale],
        fix=_MAKE_NEW,
    )
