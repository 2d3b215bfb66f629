"""Everything that was decided, still as arrays, before it becomes the plan's tables."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.vocabulary import LeakageStatus, Stability
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.candidates.coding import LEVELS, Floats, Index, decode
from foxml_assets.routing.methods.combination import Routes
from foxml_assets.routing.methods.pair_evidence import Skills
from foxml_assets.routing.methods.sides import JudgedSide
from foxml_assets.routing.plan.plan_columns import PlanColumn, counts, merged_category
from foxml_assets.routing.plan.routing_plan import BatchInForce
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import ErrorControl
from foxml_assets.routing.sides.side_rows import PairScores


@dataclass(frozen=True)
class PlanParts:
    table: pd.DataFrame
    alignment: Alignment
    cs: JudgedSide
    local: JudgedSide
    routes: Routes
    scores: PairScores
    skills: Skills
    limits: Index
    policy: RoutingPolicy
    batch: BatchInForce | None


def trace_columns(prefix: str, side: JudgedSide) -> dict[str, PlanColumn]:
    """The trace of one side. Numbers of quarantined rows are nulled: their reason says what they were."""
    rows, states = side.rows, side.states
    bad = side.faults.any
    # The snapshots' numbers are told only where they made the stability, not where skill was followed.
    by_snapshots = ~bad & ~rows.over_time.known
    agreement = rows.snapshots
    return {
        f"{prefix}_state": decode(states.state, LEVELS),
        f"{prefix}_rule": merged_category(states.rule, [rule.name for rule in states.ladder]),
        f"{prefix}_score": _unless(bad, rows.score.value),
        f"{prefix}_se": _unless(bad, rows.score.se),
        f"{prefix}_gate": states.gate,
        f"{prefix}_threshold": states.threshold,
        f"{prefix}_sample_size": counts(_unless(bad, rows.sample_size)),
        f"{prefix}_families_ok": counts(np.where(rows.present, rows.n_families, np.nan)),
        f"{prefix}_stability": decode(np.where(rows.present, rows.stability, -1), list(Stability)),
        f"{prefix}_earlier": _unless(bad, rows.earlier.value),
        f"{prefix}_earlier_se": _unless(bad, rows.earlier.se),
        f"{prefix}_recent": _unless(bad, rows.recent.value),
        f"{prefix}_recent_se": _unless(bad, rows.recent.se),
        f"{prefix}_snapshots": counts(_unless(~by_snapshots, agreement.n_snapshots)),
        f"{prefix}_overlap": _unless(~by_snapshots, agreement.mean_overlap),
        f"{prefix}_overlap_std": _unless(~by_snapshots, agreement.std_overlap),
        f"{prefix}_tau": _unless(~by_snapshots, agreement.mean_tau),
        f"{prefix}_tau_std": _unless(~by_snapshots, agreement.std_tau),
        f"{prefix}_leakage_status": decode(np.where(rows.present, rows.leakage, -1), list(LeakageStatus)),
        f"{prefix}_error_control": decode(states.control, list(ErrorControl)),
        f"{prefix}_fdr_threshold": states.fdr.threshold,
        f"{prefix}_checks": counts(states.checks.astype(np.float64)),
        f"{prefix}_held": states.held,
    }


def _unless(bad: npt.NDArray[np.bool_], values: Floats) -> Floats:
    return np.where(bad, np.nan, values)
