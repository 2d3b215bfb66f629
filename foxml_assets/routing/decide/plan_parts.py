"""Everything that was decided, still as arrays, before it becomes the plan's tables."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.core.vocabulary import LeakageStatus, Stability
from foxml_assets.routing.candidates.table_columns import (
    LEVELS,
    NULL,
    Bools,
    Floats,
    Index,
    Values,
    category,
    counts,
    decode,
)
from foxml_assets.routing.methods.combination import Routes
from foxml_assets.routing.methods.pair_evidence import PairEvidence
from foxml_assets.routing.methods.sides import JudgedSide
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.routing_words import ErrorControl


@dataclass(frozen=True)
class PlanParts:
    """The candidates, what was known of every pair, its route, and the places in each target's lane."""

    table: pd.DataFrame
    evidence: PairEvidence
    routes: Routes
    limits: Index
    in_force: PolicyInForce


def trace_columns(side: JudgedSide) -> dict[str, Values]:
    """The trace of one side. Numbers of quarantined rows are nulled: their reason says what they were."""
    rows, tests, bad, absent = side.rows, side.tests, side.faults.any, ~side.rows.present
    # The snapshots' numbers are told only where they made the stability, not where skill was followed.
    followed = bad | rows.over_time.known
    agreement = rows.snapshots
    columns: dict[str, Values] = {
        "state": decode(side.state, LEVELS),
        "rule": category([rule.name for rule in side.ladder], side.rule),
        "score": _unless(bad, rows.score.value),
        "se": _unless(bad, rows.score.se),
        "gate": tests.gate,
        "threshold": side.threshold,
        "sample_size": counts(_unless(bad, rows.sample_size)),
        "families_ok": counts(_unless(absent, rows.n_families)),
        "stability": decode(np.where(absent, NULL, rows.stability), Stability),
        "earlier": _unless(bad, rows.earlier.value),
        "earlier_se": _unless(bad, rows.earlier.se),
        "recent": _unless(bad, rows.recent.value),
        "recent_se": _unless(bad, rows.recent.se),
        "snapshots": counts(_unless(followed, agreement.n_snapshots)),
        "overlap": _unless(followed, agreement.mean_overlap),
        "overlap_std": _unless(followed, agreement.std_overlap),
        "tau": _unless(followed, agreement.mean_tau),
        "tau_std": _unless(followed, agreement.std_tau),
        "leakage_status": decode(np.where(absent, NULL, rows.leakage), LeakageStatus),
        "error_control": decode(tests.control, ErrorControl),
        "fdr_threshold": tests.fdr.threshold,
        "checks": counts(tests.bits),
        "held": side.held,
    }
    return {f"{rows.side.prefix}_{name}": column for name, column in columns.items()}


def _unless(bad: Bools, values: Floats) -> Floats:
    return np.where(bad, np.nan, values)
