"""What must hold of candidates and routing plan on disk, without the code that made them."""

from collections.abc import Collection, Mapping
from itertools import islice

import numpy as np
import pandas as pd

from foxml_assets.core.errors import Problem
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, Route
from foxml_assets.routing.plan.routing_plan import RoutingPlan

MAX_PROBLEMS = 50


def duplicate_rows(candidates: pd.DataFrame) -> tuple[Problem, ...]:
    """Pairs (or pooled rows) that stand more than once among the candidates."""
    repeated = candidates.duplicated(["target", "symbol"], keep=False)
    return _named(candidates[repeated].drop_duplicates(["target", "symbol"]), "stands more than once")


def rows_out_of_range(candidates: pd.DataFrame) -> tuple[Problem, ...]:
    """Rows whose score lies outside its metric, or whose sample size is negative."""
    # Nulls are no problem of this check: comparisons with NaN are false.
    bad = candidates["sample_size"].fillna(0).to_numpy() < 0
    score = candidates["score"].to_numpy(dtype=np.float64)
    metric = candidates["score_metric"].astype(object).to_numpy()
    for one in ScoreMetric:
        is_outside = (score < one.facts.low) | (score > one.facts.high) | np.isinf(score)
        bad |= (metric == one.value) & is_outside
    return _named(candidates[bad], "score or sample size is out of range")


def quarantined_rows(plan: RoutingPlan) -> tuple[Problem, ...]:
    """The candidate rows that the router set aside, each with its reason."""
    rows = plan.quarantine[["target", "symbol", "reason"]].astype(object).itertuples(index=False)
    return tuple(
        Problem(_name(row.target, row.symbol), str(row.reason)) for row in islice(rows, MAX_PROBLEMS)
    )


def undecided_pairs(
    plan: RoutingPlan, candidates: pd.DataFrame, universe: Mapping[str, Collection[str]] | None
) -> tuple[Problem, ...]:
    """Pairs decided twice or under an unknown route, and pairs without a decision.

    A decision is due to every pair of the candidates and of the universe, where there is a panel.
    """
    pairs = plan.pairs
    repeated = pairs.duplicated(["target", "symbol"], keep=False)
    unknown = ~pairs["route"].isin([route.value for route in Route])
    problems = [
        *_named(pairs[repeated], "is decided more than once"),
        *_named(pairs[unknown], "has an unknown route"),
    ]
    decided, due = _symbols_by_target(pairs), _symbols_by_target(candidates)
    for target in sorted({*due, *(universe or {})}):
        wanted = due.get(target, set()) | set((universe or {}).get(target, ()))
        missing = sorted(wanted - decided.get(target, set()))
        problems += [Problem(_name(target, symbol), "has no decision") for symbol in missing]
    return tuple(problems[:MAX_PROBLEMS])


def leaked_but_routed(plan: RoutingPlan) -> tuple[Problem, ...]:
    """Pairs that are routed although their own or their target's leakage status is BLOCKED."""
    blocked = LeakageStatus.BLOCKED.value
    targets, pairs = plan.targets, plan.pairs
    leaked_targets = targets.loc[(targets["cs_leakage_status"] == blocked).to_numpy(), "target"].astype(str)
    leaked = pairs["target"].astype(str).isin(set(leaked_targets)) | (
        pairs["local_leakage_status"] == blocked
    )
    routed = (pairs["route"] != Route.BLOCKED.value).to_numpy()
    return _named(pairs[leaked.to_numpy() & routed], "is routed although it leaks")


def over_the_cap(plan: RoutingPlan, max_fraction: float) -> tuple[Problem, ...]:
    """Targets with more experimental pairs than `max_fraction` of their symbols (at least one) allows."""
    experimental = plan.pairs["route"] == Route.EXPERIMENTAL_ONLY.value
    counts = experimental.groupby(plan.pairs["target"].astype(str)).agg(["sum", "size"])
    # The product may fall short of a whole number: 0.29 * 100 is below 29 in binary floating point.
    allowed = np.maximum(1, np.floor(counts["size"] * max_fraction + 1e-9))
    over = counts[counts["sum"] > allowed]
    return tuple(
        Problem(str(target), f"has {row['sum']} experimental pairs of {row['size']}")
        for target, row in over.head(MAX_PROBLEMS).iterrows()
    )


def _symbols_by_target(table: pd.DataFrame) -> dict[str, set[str]]:
    grouped = table[table["symbol"].notna()].groupby("target", observed=True)["symbol"]
    return {str(target): set(own) for target, own in grouped}


def _named(rows: pd.DataFrame, what: str) -> tuple[Problem, ...]:
    names = zip(rows["target"].astype(object), rows["symbol"].astype(object), strict=True)
    return tuple(Problem(_name(*name), what) for name in islice(names, MAX_PROBLEMS))


def _name(target: object, symbol: object) -> str:
    return f"{target}, {symbol}" if isinstance(symbol, str) else f"{target} (pooled)"
