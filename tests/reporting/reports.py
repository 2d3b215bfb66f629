"""The report on a world as it is."""

import pandas as pd
from routed_world import Routed

from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.planning.plan.consumer import get_job
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.reporting.make_report import make_report
from foxml_assets.reporting.report import TrainingReport


def report_on(routed: Routed, plan: MasterPlan | None = None) -> tuple[TrainingReport, pd.DataFrame]:
    return make_report(plan or routed.plan, routed.routing, routed.world.context, BlockConfig())


def job_of(routed: Routed, target: str, symbol: str | None = None) -> Job:
    job = get_job(routed.plan, target, symbol)
    assert job is not None
    return job
