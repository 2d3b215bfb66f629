"""Candidate tables, policies and routed plans for the routing tests."""

from collections.abc import Mapping, Sequence

import pandas as pd

from foxml_assets.core.stamp import RunStamp
from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.decide.fdr_history import FdrHistory
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.explanation import Explanation, explanation_lines, explanation_rows, row_cells
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy

STAMP = RunStamp("2026-01-02T03:04:05Z", "20260102_030405", "abc1234")
OTHER_STAMP = RunStamp("2027-01-02T03:04:05Z", "20270102_030405", None)

_SOUND: dict[str, object] = {
    "target": "y",
    "symbol": None,
    "task_type": "classification",
    "score_metric": "auc",
    "horizon_minutes": 1440.0,
    "score": 0.50,
    "n_snapshots": 5,
    "mean_overlap": 0.9,
    "std_overlap": 0.05,
    "mean_tau": 0.8,
    "std_tau": 0.05,
    "leakage_status": "SAFE",
    "successful_families": "lightgbm|xgboost",
    "failed_families": None,
}

# The thresholds of the seeds, so that no test hangs on how the shipped ones are tuned to the evidence.
SEED_STABILITY: dict[str, float] = {
    "stable_overlap_min": 0.70,
    "stable_tau_min": 0.60,
    "drifting_overlap_min": 0.50,
    "drifting_tau_min": 0.40,
    "max_std_overlap": 0.20,
    "max_std_tau": 0.25,
}

# The table of states and its golden cases are about score thresholds; tests of defaults take RoutingPolicy().
SEED_POLICY: dict[str, object] = {
    "method": "thresholds",
    "both_strong_behavior": "ROUTE_BOTH",
    "stability_allowlist": {"symbol": ["STABLE"]},
    "stability_classification": SEED_STABILITY,
    "fdr": {"q": {"cross_sectional": 0.1, "symbol": 0.1}, "inflate_se": 1.2},
}

# Scores that give each state under the default thresholds of (pooled, symbol) AUC rows.
POOLED_SCORE = {"STRONG": 0.60, "WEAK_BUT_OK": 0.54, "EXPERIMENTAL": 0.515, "DISALLOWED": 0.50}
SYMBOL_SCORE = {"STRONG": 0.62, "WEAK_BUT_OK": 0.56, "EXPERIMENTAL": 0.53, "DISALLOWED": 0.50}


def pooled(target: str = "y", **values: object) -> dict[str, object]:
    """A sound pooled row without standard error, so that error control leaves it alone."""
    return {**_SOUND, "target": target, "sample_size": 100_000, **values}


def local(symbol: str = "A", target: str = "y", **values: object) -> dict[str, object]:
    """A sound symbol row."""
    return {**_SOUND, "target": target, "symbol": symbol, "sample_size": 5_000, **values}


def table(*rows: Mapping[str, object]) -> pd.DataFrame:
    """A candidates table of these rows."""
    return typed_candidates(pd.DataFrame(list(rows)))


def policy(**settings: object) -> RoutingPolicy:
    """The policy of the seeds with some settings replaced, validated as from a file."""
    return RoutingPolicy.model_validate({**SEED_POLICY, **settings})


def routed(
    *rows: Mapping[str, object],
    settings: Mapping[str, object] | None = None,
    universe: Mapping[str, Sequence[str]] | None = None,
    previous: RoutingPlan | None = None,
    history: FdrHistory | None = None,
) -> RoutingPlan:
    """The plan of these rows under the policy of the seeds with `settings` replaced."""
    return route(
        table(*rows),
        policy(**(settings or {})),
        universe=universe,
        previous=previous,
        history=history,
        stamp=STAMP,
    )


def pair(plan: RoutingPlan, symbol: str = "A", target: str = "y") -> pd.Series:
    """The plan's row of one pair."""
    found = plan.pairs[(plan.pairs["target"] == target) & (plan.pairs["symbol"] == symbol)]
    assert len(found) == 1
    return found.iloc[0]


def target_row(plan: RoutingPlan, target: str = "y") -> pd.Series:
    """The plan's row of one target."""
    found = plan.targets[plan.targets["target"] == target]
    assert len(found) == 1
    return found.iloc[0]


def routes(plan: RoutingPlan) -> dict[tuple[str, str], str]:
    """Every pair's route."""
    pairs = plan.pairs
    return dict(zip(zip(pairs["target"], pairs["symbol"], strict=True), pairs["route"], strict=True))


def explanation_text(explanation: Explanation) -> str:
    """The lines of an explanation, then the rows of its table."""
    rows = ("  ".join(row_cells(row)) for row in explanation_rows(explanation))
    return "\n".join([*explanation_lines(explanation), *rows])
