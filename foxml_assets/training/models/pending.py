"""Which jobs of a plan still have to be trained."""

from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.inventory import job_statuses
from foxml_assets.training.models.look import look_at
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.training.models.memory import remember


def pending_jobs(plan: MasterPlan, context: ModelContext, *, retry_failed: bool = True) -> tuple[Job, ...]:
    """The jobs that are not trained, highest priority first.

    A job whose last attempt at the same spec failed is pending too, unless `retry_failed` is false: what
    launches runs by itself would otherwise launch them for ever. What had to be read is remembered for the
    next look.
    """
    look = look_at(plan.jobs, context)
    if look.memory is not None:
        remember(look.memory, context)
    settled = {ModelState.TRAINED} if retry_failed else {ModelState.TRAINED, ModelState.FAILED}
    pending = [
        status.job
        for status in job_statuses(plan.jobs, look, context.layout)
        if any(model.state not in settled for model in status.models)
    ]
    return tuple(sorted(pending, key=lambda job: (-job.priority, job.job_id)))
