"""From nothing to a plan in one launch of the UI.

The targets are partitions that exist when the panel is made, so no single backfill can hold all stages.
"""

from collections.abc import Callable

import dagster as dg

from foxml_assets.defs.running.execution import execute_here, sole_command, stages
from foxml_assets.defs.running.ledger import ledger_of, names_in
from foxml_assets.defs.running.runs import claim_run, describe_runs, runs_at_work
from foxml_assets.stages import STAGE_ASSETS, Stage
from foxml_assets.workspace import Workspace

BOOTSTRAP_JOB = "bootstrap"


def bootstrap_job(workspace: Workspace, definitions: Callable[[], dg.Definitions]) -> dg.JobDefinition:
    """The job `bootstrap`: what `foxml run --until plan` does, over the assets of `definitions`."""
    names = names_in(workspace)

    @dg.op(name=names.flat("stages_to_the_plan"), out=dg.Out(dg.Nothing))
    def stages_to_the_plan(context: dg.OpExecutionContext) -> None:
        """Panel, evidence, then all from candidates to plan: a run each."""
        claim_run(context.instance, context.run, workspace.root)
        with sole_command(workspace, f"the job {BOOTSTRAP_JOB}"):
            _refuse_company(context, workspace)
            job = definitions().resolve_implicit_global_asset_job_def()
            for title, run in stages(context.instance, workspace, Stage.PLAN):
                context.log.info(title)
                result = execute_here(
                    job, context.instance, workspace, run, within=context.run, raise_on_error=False
                )
                if not result.success:
                    raise dg.Failure(
                        f"{title}: run {result.run_id[:8]} failed, see there. What was made before it "
                        "stands; mend the cause and launch the job again.",
                        allow_retries=False,
                    )

    @dg.job(
        name=names.flat(BOOTSTRAP_JOB),
        description="From nothing to a plan, in a run each: panel, evidence, then all from "
        "candidates to plan. Evidence that is current is kept. It trains nothing.",
        executor_def=dg.in_process_executor,
    )
    def bootstrap() -> None:
        stages_to_the_plan()

    return bootstrap


def _refuse_company(context: dg.OpExecutionContext, workspace: Workspace) -> None:
    """To wait would be for ever where the queue takes one run at a time."""
    runs = runs_at_work(ledger_of(workspace, context.instance), workspace.root, STAGE_ASSETS)
    others = [run for run in runs if run.run_id != context.run_id]
    if others:
        raise dg.Failure(
            f"Not started beside {describe_runs(others)}. Launch the job again when it has ended.",
            allow_retries=False,
        )
