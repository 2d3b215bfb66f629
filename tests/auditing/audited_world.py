"""The small routed world, its plan and its baselines, for the tests of the audit."""

import pandas as pd
from routed_world import POLICY, STAMP, Routed
from training_world import RETURN, UP

from foxml_assets.auditing.baselines import pending_baselines
from foxml_assets.auditing.make_audit import Contest, make_audit, open_contest
from foxml_assets.auditing.routing_audit import Result, RoutingAudit, Scheme
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout

# The hold-out is the last 64 of 320 bars, in four blocks.
FIRST_BAR, N_BLOCKS = 256, 4
# What the plan has no job for, of all that the baselines need.
MISSING = {
    (RETURN, None),
    *((UP, symbol) for symbol in ("BBB", "CCC", "DDD")),
    *((RETURN, symbol) for symbol in ("AAA", "DDD")),
}


def contest(routed: Routed) -> Contest:
    return open_contest(routed.world.context, POLICY, STAMP)


def pending(routed: Routed) -> tuple[Job, ...]:
    found = contest(routed)
    return pending_baselines(found.baselines, found.shelf)


def audit(routed: Routed) -> tuple[RoutingAudit, pd.DataFrame]:
    return make_audit(contest(routed), routed.world.context, BlockConfig())


def everything(routed: Routed) -> dict[tuple[str, str | None], Job]:
    """Every baseline job by pair."""
    baselines = contest(routed).baselines
    return {(job.target, job.symbol): job for job in (*baselines.pooled, *baselines.own)}


def layout_of(routed: Routed, job: Job) -> Layout:
    layout = routed.world.layout
    return layout.for_baselines() if (job.target, job.symbol) in MISSING else layout


def pair(pairs: pd.DataFrame, target: str, symbol: str) -> pd.Series:
    return pairs[(pairs["target"] == target) & (pairs["symbol"] == symbol)].iloc[0]


def result_of(found: RoutingAudit, scheme: Scheme) -> Result:
    result = found.line(scheme).result
    assert result is not None
    return result


def model_times(routed: Routed) -> dict[str, int]:
    root = routed.world.layout.root
    return {path.as_posix(): path.stat().st_mtime_ns for path in root.rglob("model.*")}
