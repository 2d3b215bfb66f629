"""From the routing plan's columns to a table of jobs, a row per job."""

from pathlib import Path

import pandas as pd

from foxml_assets.core.errors import Problem, RoutingPlanError
from foxml_assets.core.vocabulary import Route, SignalState, TrainingType
from foxml_assets.planning.jobs.assignment import family_rules, priorities
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

_POOLED_ROUTES = [Route.CROSS_SECTIONAL.value, Route.BOTH.value]
_SYMBOL_ROUTES = [Route.SYMBOL_SPECIFIC.value, Route.BOTH.value, Route.EXPERIMENTAL_ONLY.value]
_NUMBERS = ("horizon_minutes", "sample_size", "score", "gate")
_ROUTABLE = [SignalState.STRONG.value, SignalState.WEAK_BUT_OK.value]


def job_table(routing: RoutingPlan, policy: RoutingPolicy) -> pd.DataFrame:
    """The jobs of a routing plan, in no particular order.

    Columns: target, symbol (None for the pooled job), route, training_type, task_type, horizon_minutes,
    state (of the job's own side), cs_state, local_state, sample_size, score, gate, score_metric, reason,
    features (JSON or None), failed_families, families (of the evidence), priority, family_rule (the index of
    the first rule that matches). Raises RoutingPlanError for a routed target without a task type, and for a
    routing plan made under another policy than `policy`, which gives families and priorities.
    """
    _refuse_other_policy(routing, policy)
    jobs = pd.concat([_pooled(routing), _single(routing)], ignore_index=True)
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
    served = targets["target"].isin(pairs.loc[pairs["route"].isin(_POOLED_ROUTES), "target"])
    # Without pairs no route says so: the pooled state decides alone.
    alone = ~targets["target"].isin(pairs["target"]) & targets["cs_state"].isin(_ROUTABLE)
    chosen = targets[(served | (alone & ~targets["hard_block"])).to_numpy()]
    return pd.DataFrame(
        {
            "target": _objects(chosen["target"]),
            "symbol": None,
            "route": Route.CROSS_SECTIONAL.value,
            "training_type": TrainingType.CROSS_SECTIONAL.value,
            "task_type": _objects(chosen["task_type"]),
            "horizon_minutes": chosen["horizon_minutes"].to_numpy(),
            "state": _objects(chosen["cs_state"]),
            "cs_state": _objects(chosen["cs_state"]),
            "local_state": None,
            "sample_size": chosen["cs_sample_size"].to_numpy(),
            "score": chosen["cs_score"].to_numpy(),
            "gate": chosen["cs_gate"].to_numpy(),
            "score_metric": _objects(chosen["score_metric"]),
            "reason": _objects(chosen["cs_reason"]),
            "features": _objects(chosen["features"]),
            "failed_families": _objects(chosen["failed_families"]),
            "families": _objects(chosen["families"]),
        }
    )


def _single(routing: RoutingPlan) -> pd.DataFrame:
    """One job per pair that gets a model of its own."""
    chosen = routing.pairs[routing.pairs["route"].isin(_SYMBOL_ROUTES).to_numpy()]
    target = _objects(chosen["target"])
    of_target = routing.targets
    # The row of each pair's target.
    at = pd.Index(_objects(of_target["target"])).get_indexer(pd.Index(target, dtype=object))
    return pd.DataFrame(
        {
            "target": target,
            "symbol": _objects(chosen["symbol"]),
            "route": _objects(chosen["route"]),
            "training_type": TrainingType.SYMBOL_SPECIFIC.value,
            "task_type": _objects(of_target["task_type"].iloc[at]),
            "horizon_minutes": of_target["horizon_minutes"].to_numpy()[at],
            "state": _objects(chosen["local_state"]),
            "cs_state": _objects(chosen["cs_state"]),
            "local_state": _objects(chosen["local_state"]),
            "sample_size": chosen["local_sample_size"].to_numpy(),
            "score": chosen["local_score"].to_numpy(),
            "gate": chosen["local_gate"].to_numpy(),
            "score_metric": _objects(chosen["local_metric"]),
            "reason": _objects(chosen["reason"]),
            "features": _objects(chosen["features"]),
            "failed_families": _objects(chosen["failed_families"]),
            "families": _objects(chosen["families"]),
        }
    )


def _objects(column: pd.Series) -> pd.Series:
    """The values as Python objects, None where null, numbered from 0."""
    values = column.astype(object).reset_index(drop=True)
    return values.where(values.notna(), None)
