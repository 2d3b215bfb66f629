"""From a table of jobs to the jobs themselves."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import pandas as pd

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.names import symbol_segment, target_segment
from foxml_assets.core.vocabulary import ModelFamily, Route, SignalState, TaskType, TrainingType
from foxml_assets.planning.jobs.assignment import job_families
from foxml_assets.planning.plan.data_hashes import DataHashes, data_hash
from foxml_assets.planning.plan.job_ids import job_ids
from foxml_assets.planning.plan.master_plan import ExcludedSymbol, Job, JobMetadata, TrainingHashes
from foxml_assets.planning.plan.specs import with_spec_hashes
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy

_STATES = {word.value: word for word in SignalState}
_METRICS = {word.value: word for word in ScoreMetric}
_SUSPECTED = "the symbol is suspected of leakage"


def make_jobs(
    table: pd.DataFrame,
    routing: RoutingPlan,
    policy: RoutingPolicy,
    data_hashes: DataHashes,
    training_hashes: TrainingHashes,
) -> list[Job]:
    """One job per row of `table` (see `job_table`). Raises UnsafeNameError."""
    _check_names(table)
    excluded = _excluded_symbols(routing)
    targets, symbols = table["target"], table["symbol"]
    pooled_without = [
        excluded.get(target, ()) if symbol is None else ()
        for target, symbol in zip(targets, symbols, strict=True)
    ]
    # In the order of the fields of Job.
    columns = zip(
        job_ids(list(zip(targets, symbols, strict=True))),
        targets,
        symbols,
        map(cache(Route), table["route"]),
        map(cache(TrainingType), table["training_type"]),
        _families(table, policy),
        table["priority"].tolist(),
        table["reason"].fillna(""),
        _metadata(table),
        map(cache(TaskType), table["task_type"]),
        _numbers(table["horizon_minutes"]),
        # Cached, so that jobs of equal features share one tuple: spec hashes go by its identity.
        map(cache(_feature_names), table["features"]),
        pooled_without,
        [
            data_hash(data_hashes, target, symbol, left_out)
            for target, symbol, left_out in zip(targets, symbols, pooled_without, strict=True)
        ],
        [""] * len(table),
        strict=True,
    )
    return with_spec_hashes([Job(*values) for values in columns], training_hashes)


def _check_names(table: pd.DataFrame) -> None:
    for target in table["target"].unique():
        target_segment(target)
    for symbol in table["symbol"].dropna().unique():
        symbol_segment(symbol)


def _families(table: pd.DataFrame, policy: RoutingPolicy) -> Iterator[tuple[ModelFamily, ...]]:
    # Few combinations of rule, best and failed families occur, so each is worked out once.
    rules = [policy.families[index] for index in table["family_rule"]]
    return map(cache(job_families), rules, table["families"], table["failed_families"])


def _metadata(table: pd.DataFrame) -> Iterator[JobMetadata]:
    sizes = table["sample_size"].astype("Int64")
    return map(
        JobMetadata,
        map(_STATES.get, table["cs_state"]),
        map(_STATES.get, table["local_state"]),
        sizes.astype(object).where(sizes.notna(), None),
        _numbers(table["score"]),
        _numbers(table["gate"]),
        map(_METRICS.get, table["score_metric"]),
    )


def _numbers(column: pd.Series) -> list[float | None]:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan).tolist()
    return [value if math.isfinite(value) else None for value in values]


def _feature_names(features: str | None) -> tuple[str, ...] | None:
    return None if features is None else tuple(sorted(json.loads(features)))


def _excluded_symbols(routing: RoutingPlan) -> Mapping[str, tuple[ExcludedSymbol, ...]]:
    rows = routing.pairs[routing.pairs["excluded_from_pooled"].to_numpy()]
    found: defaultdict[str, list[ExcludedSymbol]] = defaultdict(list)
    reasons = rows["hard_block_reason"].astype(object)
    for target, symbol, reason in zip(rows["target"], rows["symbol"], reasons, strict=True):
        # Only a hard block has a reason of its own.
        found[target].append(ExcludedSymbol(symbol, reason if isinstance(reason, str) else _SUSPECTED))
    return {target: tuple(items) for target, items in found.items()}
