"""The families and priorities of a plan's jobs against the policy and the evidence."""

from collections.abc import Iterator
from operator import ne

import numpy as np
import pandas as pd

from foxml_assets.core.errors import Problem
from foxml_assets.planning.jobs.assignment import family_rules, job_families, priorities
from foxml_assets.planning.validate.job_columns import Coded, PlacedJobs, combined
from foxml_assets.routing.policy.routing_config import RoutingPolicy


def family_problems(placed: PlacedJobs, policy: RoutingPolicy) -> Iterator[Problem]:
    """Jobs with other families, or another priority, than the policy gives them.

    The families are those of the first rule that matches, without those that failed in the evidence.
    """
    plan = placed.plan
    used, last = plan.metadata.model_families, policy.families[-1].use
    if used != last:
        what = f"the last rule of the policy trains {', '.join(last)}"
        yield Problem("$.metadata.model_families", what, ", ".join(used))
    table = _rule_table(placed)
    priority = priorities(table, policy)
    differs = placed.planned_numbers("priority") != priority
    for at in np.flatnonzero(placed.is_known & differs).tolist():
        job = plan.jobs[at]
        yield Problem(job.job_id, f"must have the priority {priority[at]}", job.priority)
    # By the priority that the policy gives, not the one the plan tells.
    rules = Coded(policy.families, family_rules(table.assign(priority=priority), policy))
    best, failed = (placed.decided(name, name) for name in ("families", "failed_families"))
    # The families due are worked out once for each combination, and looked up by row.
    rows, combinations = combined(rules, best, failed)
    due = [job_families(*values) for values in combinations]
    differs = placed.planned("model_families").where(Coded(tuple(due), rows), holds=ne)
    for at in np.flatnonzero(placed.is_known & differs).tolist():
        job, families = plan.jobs[at], ", ".join(due[rows[at]]) or "no family"
        yield Problem(job.job_id, f"must train {families}", ", ".join(job.model_families))


def _rule_table(placed: PlacedJobs) -> pd.DataFrame:
    """What rules go by: the evidence as the routing plan has it, and not as the jobs tell it."""
    words = {
        "route": placed.planned("route"),
        "training_type": placed.planned("training_type"),
        "task_type": placed.target_text("task_type"),
        "state": placed.decided("cs_state", "local_state"),
    }
    sizes = placed.decided_numbers("cs_sample_size", "local_sample_size")
    return pd.DataFrame({name: word.categorical() for name, word in words.items()} | {"sample_size": sizes})
