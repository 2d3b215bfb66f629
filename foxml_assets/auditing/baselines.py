"""The jobs of training everything: one pooled model a target, and every pair a model of its own."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from foxml_assets.auditing.routing_audit import LeftOut
from foxml_assets.auditing.shelf import Shelf
from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.jobs.from_table import make_jobs
from foxml_assets.planning.jobs.job_table import job_table
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.locks import hold_lock
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.training.outcome import JobOutcome
from foxml_assets.training.runner import train_jobs

PROGRESS_SECONDS = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Baselines:
    """`pairs`: target, symbol, route and `left_out` (why a pair is not compared, "" where it is), in the
    order of the routing plan. `pooled` and `own` are the jobs that would serve all compared pairs."""

    pairs: pd.DataFrame
    pooled: tuple[Job, ...]
    own: tuple[Job, ...]


def make_baselines(routing: RoutingPlan, policy: RoutingPolicy, context: TrainingContext) -> Baselines:
    """The jobs that `policy` would plan if every pair of `routing` had both models.

    So features, families and excluded symbols are those of the plan's own jobs, and a job that the plan has
    too has the plan's spec. A pair blocked for leakage has no honest model and is left out. Raises
    RoutingPlanError for a routing plan made under another policy.
    """
    pairs = routing.pairs[["target", "symbol", "route"]].astype("str").reset_index(drop=True)
    pairs["left_out"] = _left_out(routing, context)
    compared = (pairs["left_out"] == "").to_numpy()
    # A family rule may ask for ROUTE_BOTH: pairs that have it keep it.
    own_route = np.where(pairs["route"] == Route.BOTH.value, Route.BOTH.value, Route.SYMBOL_SPECIFIC.value)
    # The planner makes the jobs: a pair to compare gets the route that asks for the model, any other none.
    pooled = _jobs(
        routing, policy, context, np.where(compared, Route.CROSS_SECTIONAL.value, Route.BLOCKED.value)
    )
    own = _jobs(routing, policy, context, np.where(compared, own_route, Route.BLOCKED.value))
    return Baselines(
        pairs=pairs,
        pooled=tuple(job for job in pooled if job.symbol is None),
        own=tuple(job for job in own if job.symbol is not None),
    )


def pending_baselines(baselines: Baselines, shelf: Shelf) -> tuple[Job, ...]:
    """The jobs to train for the comparison, pooled ones first. What belongs to the plan is not among them."""
    return tuple(
        job
        for job in (*baselines.pooled, *baselines.own)
        if not shelf.of_plan(job) and shelf.state(job) is not ModelState.TRAINED
    )


def train_baselines(jobs: Sequence[Job], context: TrainingContext) -> Iterator[JobOutcome]:
    """Train `jobs` apart from the plan's models, and log how far it is. What is trained is kept on a kill.

    Raises LockHeldError if another process trains them, and PanelError.
    """
    layout = context.layout.for_baselines()
    apart = replace(context, layout=layout)
    size = context.config.batch_size
    began = told = time.monotonic()
    done = 0
    with hold_lock(layout.metrics / ".baselines.lock", purpose="training the baselines of the audit"):
        for first in range(0, len(jobs), size):
            for outcome in train_jobs(jobs[first : first + size], apart):
                done += 1
                now = time.monotonic()
                if now - told >= PROGRESS_SECONDS or done == len(jobs):
                    left = (now - began) / done * (len(jobs) - done)
                    _log.info("baselines: %d of %d jobs, about %.0f s left", done, len(jobs), left)
                    told = now
                yield outcome


def _left_out(routing: RoutingPlan, context: TrainingContext) -> np.ndarray:
    pairs, info = routing.pairs, context.info
    targets = routing.targets.set_index(routing.targets["target"].astype("str"))
    task_known = targets["task_type"].notna().reindex(pairs["target"].astype("str"), fill_value=False)
    in_panel = pairs["target"].isin([spec.name for spec in info.targets]) & pairs["symbol"].isin(info.symbols)
    # The first condition that holds is the reason given.
    return np.select(
        [~in_panel.to_numpy(), pairs["hard_block"].to_numpy(dtype=bool), ~task_known.to_numpy(dtype=bool)],
        [LeftOut.NOT_IN_PANEL.value, LeftOut.LEAKS.value, LeftOut.NO_TASK.value],
        "",
    )


def _jobs(
    routing: RoutingPlan, policy: RoutingPolicy, context: TrainingContext, routes: np.ndarray
) -> list[Job]:
    rerouted = replace(routing, pairs=routing.pairs.assign(route=pd.Categorical(routes)))
    table = job_table(rerouted, policy)
    jobs = make_jobs(table, rerouted, policy, context.data_hashes, context.training_hashes)
    known = [job for job in jobs if job.target in context.data_hashes and job.model_families]
    return sorted(known, key=lambda job: (job.target, job.symbol or ""))
