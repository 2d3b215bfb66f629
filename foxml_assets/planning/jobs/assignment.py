"""Priorities and model families of jobs, by the policy's rules, on whole columns."""

import numpy as np
import pandas as pd

from foxml_assets.core.vocabulary import ModelFamily, SignalState, TrainingType
from foxml_assets.routing.policy.job_rules import FamilyCondition, FamilyRule
from foxml_assets.routing.policy.routing_config import RoutingPolicy


def priorities(jobs: pd.DataFrame, policy: RoutingPolicy) -> np.ndarray:
    """The priority of each job, from its training type and the state of its own side."""
    result = np.zeros(len(jobs), dtype=np.int64)
    for training_type in TrainingType:
        for state in SignalState:
            rows = (jobs["training_type"] == training_type.value) & (jobs["state"] == state.value)
            result[rows.to_numpy()] = policy.priority.of(training_type, state)
    return result


def family_rules(jobs: pd.DataFrame, policy: RoutingPolicy) -> np.ndarray:
    """For each job the index of the first family rule that matches it. The last rule matches all."""
    return np.select([_matches(jobs, rule.when) for rule in policy.families], range(len(policy.families)))


def job_families(rule: FamilyRule, best: str | None, failed: str | None) -> tuple[ModelFamily, ...]:
    """The families of a job under `rule`, without those that failed in the evidence.

    Under `by_evidence` those of them that the evidence found `best`, if it names any. Names are joined by
    `|`.
    """
    lost, found = set((failed or "").split("|")), set((best or "").split("|"))
    left = tuple(family for family in rule.use if family not in lost)
    chosen = tuple(family for family in left if family in found)
    return chosen if rule.by_evidence and chosen else left


def _matches(jobs: pd.DataFrame, when: FamilyCondition) -> np.ndarray:
    rows = np.ones(len(jobs), dtype=bool)
    for column in ("route", "training_type", "task_type", "state"):
        allowed = getattr(when, column)
        if allowed is not None:
            rows &= jobs[column].isin([word.value for word in allowed]).to_numpy()
    for column, low, high in (
        ("sample_size", when.min_sample_size, when.max_sample_size),
        ("priority", when.min_priority, when.max_priority),
    ):
        # An unknown sample size meets no condition on it.
        values = jobs[column].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
        if low is not None:
            rows &= values >= low
        if high is not None:
            rows &= values <= high
    return rows
