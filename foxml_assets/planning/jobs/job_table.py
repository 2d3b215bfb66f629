"""From the routing plan's columns to a table of jobs, a row per job."""

from pathlib import Path

import pandas as pd

from foxml_assets.core.errors import Problem, RoutingPlanError
from foxml_assets.core.vocabulary import USABLE, USES_OWN, USES_POOLED, Route, TrainingType
from foxml_assets.planning.jobs.assignment import family_rules, priorities
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

_NUMBERS = ("horizon_minutes", "sample_size", "score", "gate")
_COLUMNS = [
    *("target", "symbol", "route", "training_type", "task_type", "horizon_minutes", "state", "cs_state"),
    *("local_state", "sample_size", "score", "gate", "score_metric", "reason", "features"),
    *("failed_families", "families"),
]


def job_table(routing: RoutingPlan, policy: RoutingPolicy) -> pd.DataFrame:
    """The jobs of a routing plan, in no particular order.

    Columns: target, symbol (None for the pooled job), route, training_type, task_type, horizon_minutes,
    state (of the job's own side), cs_state, local_state, sample_size, score, gate, score_metric, reason,
    features (JSON or None), failed_families, families (of the evidence), priority, family_rule (the index of
    the first rule that matches). Raises RoutingPlanError for a routed target without a task type, and for a
    routing plan made under another policy than `policy`, which gives families and priorities.
    """
    _refuse_other_policy(routing, policy)
    jobs = pd.concat([_pooled(routing), _own(routing)], ignore_index=True)
    jobs = jobs.assign(**{name: _objects(jobs[name]) for name in jobs.columns if name not in _NUMBERS})
    unknown = jobs.loc[jobs["task_type"].isna(), "target"]
    if len(unknown):
        problems = [Problem(target, "is routed but has no task type") for target in sorted(set(unknown))]
        raise RoutingPlanError("jobs cannot be made of the routing plan", problems=problems)
    jobs["priority"] = priorities(jobs, policy)
    jobs["family_rule"] = family_rules(jobs, policy)
    return jobs


def _refuse_other_policy(routing: RoutingPlan, policy: RoutingPolicy) -> None:
    routed_under, given = routing.metadata.config_hash, policy.config_hash()
    if routed_under != given:
        raise RoutingPlanError(
            "was made under another policy than the one to plan by",
            file=Layout(Path()).routing_plan,
            problems=[Problem("metadata.config_hash", f"the policy's hash is {given}", routed_under)],
            fix="route again: foxml run --until plan",
        )


def _pooled(routing: RoutingPlan) -> pd.DataFrame:
    """One job per target that serves a pair by the pooled model, or that has no pairs at all."""
    targets, pairs = routing.targets, routing.pairs
    served = targets["target"].isin(pairs.loc[pairs["route"].isin(USES_POOLED), "target"])
    # Without pairs no route says so: the pooled state decides alone.
    alone = ~targets["target"].isin(pairs["target"]) & targets["cs_state"].isin(USABLE)
    chosen = targets[(served | (alone & ~targets["hard_block"])).to_numpy()]
    renamed = {f"cs_{name}": name for name in ("sample_size", "score", "gate", "reason")}
    return chosen.rename(columns=renamed).assign(
        symbol=None,
        route=Route.CROSS_SECTIONAL.value,
        training_type=TrainingType.CROSS_SECTIONAL.value,
        state=chosen["cs_state"],
        local_state=None,
    )[_COLUMNS]


def _own(routing: RoutingPlan) -> pd.DataFrame:
    """One job per pair that gets a model of its own."""
    chosen = routing.pairs[routing.pairs["route"].isin(USES_OWN).to_numpy()]
    renamed = {f"local_{name}": name for name in ("sample_size", "score", "gate")}
    jobs = chosen.rename(columns=renamed | {"local_metric": "score_metric"}).assign(
        training_type=TrainingType.SYMBOL_SPECIFIC.value, state=chosen["local_state"]
    )
    of_target = routing.targets[["target", "task_type", "horizon_minutes"]]
    return jobs.merge(of_target, on="target", how="left")[_COLUMNS]


def _objects(column: pd.Series) -> pd.Series:
    """The values as Python objects, None where null."""
    values = column.astype(object)
    return values.where(values.notna(), None)
