"""Candidates and a policy become a routing plan. Every rule runs on whole columns."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from foxml_assets.core.stamp import RunStamp
from foxml_assets.routing.candidates.alignment import align
from foxml_assets.routing.candidates.candidates import candidates_hash, typed_candidates
from foxml_assets.routing.decide.earlier import earlier_states, is_decided_by
from foxml_assets.routing.decide.fdr_history import FdrHistory, batch_in_force, earlier_discoveries
from foxml_assets.routing.decide.pairs_table import pairs_table
from foxml_assets.routing.decide.plan_metadata import plan_metadata, policy_in_force
from foxml_assets.routing.decide.plan_parts import PlanParts
from foxml_assets.routing.decide.targets_table import quarantine_table, targets_table
from foxml_assets.routing.methods.combination import (
    lane_limits,
    with_hard_blocks,
    with_lane_cap,
    with_margin,
    with_rows_to_try,
)
from foxml_assets.routing.methods.pair_evidence import pair_evidence
from foxml_assets.routing.methods.sides import judge_sides
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.sides.side_rows import pair_scores


def route(
    candidates: pd.DataFrame,
    policy: RoutingPolicy,
    *,
    universe: Mapping[str, Sequence[str]] | None = None,
    previous: RoutingPlan | None = None,
    history: FdrHistory | None = None,
    stamp: RunStamp,
) -> RoutingPlan:
    """Decide every pair of the candidates and of `universe` (symbols per target).

    Bad rows are quarantined, never raised. `previous` counts only under `hysteresis`, `history`
    (None: an empty one) only under `fdr.over: history`. Without candidates and universe the plan is empty.
    """
    table, past = typed_candidates(candidates), history or FdrHistory()
    alignment, table_hash = align(table, universe), candidates_hash(table)
    at = alignment.pair_target
    remembered = previous if policy.hysteresis > 0 else None
    if remembered is not None and is_decided_by(remembered, alignment, policy, table_hash):
        # Held against itself, it would have other margins.
        return remembered.with_stamp(stamp, remembered.metadata.previous_plan_hash)
    earlier = earlier_states(remembered, alignment)
    scores = pair_scores(table, alignment.pair_rows)
    batch = batch_in_force(past, policy, table_hash)
    found = earlier_discoveries(past, batch, table_hash, alignment)
    cs, local = judge_sides(table, alignment, scores, policy, earlier, found)
    evidence = pair_evidence(alignment, cs, local, scores, earlier, policy)
    routes = find_method(policy.method).choose(evidence)
    n_symbols = np.bincount(at, minlength=len(alignment.targets))
    limits = lane_limits(n_symbols, policy.experimental.max_fraction_symbols_per_target)
    # Before the lane is filled, so that no leaking or empty pair takes a place in it.
    routes = with_hard_blocks(routes, cs.leaks[at], local.leaks)
    routes = with_rows_to_try(routes, local.rows.sample_size)
    gate = with_margin(local.tests.gate, earlier.route, policy.hysteresis)
    routes = with_lane_cap(routes, at, limits, gate, local.rows.sample_size)
    parts = PlanParts(table, evidence, routes, limits, policy_in_force(policy, batch))
    targets = targets_table(parts)
    tables = targets, pairs_table(parts, targets), quarantine_table(parts)
    previous_hash = remembered.metadata.routing_plan_hash if remembered else None
    return RoutingPlan(plan_metadata(parts, tables, table_hash, stamp, previous_hash), *tables)
