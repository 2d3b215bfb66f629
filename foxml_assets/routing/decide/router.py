"""Candidates and a policy become a routing plan. Every rule runs on whole columns."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.candidates.alignment import Alignment, align
from foxml_assets.routing.candidates.candidates import candidates_hash, typed_candidates
from foxml_assets.routing.candidates.table_columns import LEVELS, NULL, positions
from foxml_assets.routing.decide.fdr_history import FdrHistory, batch_in_force, earlier_discoveries
from foxml_assets.routing.decide.plan_metadata import plan_metadata, policy_in_force
from foxml_assets.routing.decide.plan_tables import PlanParts, pairs_table, quarantine_table, targets_table
from foxml_assets.routing.methods.combination import final_routes
from foxml_assets.routing.methods.pair_evidence import pair_evidence
from foxml_assets.routing.methods.sides import EarlierStates, judge_sides
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.sides.side_rows import pair_scores
from foxml_assets.storage.layout import Layout

_log = logging.getLogger(__name__)


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
    remembered = previous if policy.hysteresis > 0 else None
    if remembered is not None and _is_decided_by(remembered, alignment, policy, table_hash):
        # Held against itself, it would have other margins.
        return remembered.with_stamp(stamp, remembered.metadata.previous_plan_hash)
    earlier = _earlier_states(remembered, alignment)
    scores = pair_scores(table, alignment.pair_rows)
    batch = batch_in_force(past, policy, table_hash)
    found = earlier_discoveries(past, batch, table_hash, alignment)
    cs, local = judge_sides(table, alignment, scores, policy, earlier, found)
    evidence = pair_evidence(alignment, cs, local, scores, earlier, policy)
    routes, limits = final_routes(find_method(policy.method).choose(evidence), evidence)
    parts = PlanParts(table, evidence, routes, limits, policy_in_force(policy, batch))
    targets = targets_table(parts)
    tables = targets, pairs_table(parts, targets), quarantine_table(parts)
    previous_hash = remembered.metadata.routing_plan_hash if remembered else None
    return RoutingPlan(plan_metadata(parts, tables, table_hash, stamp, previous_hash), *tables)


def _earlier_states(previous: RoutingPlan | None, alignment: Alignment) -> EarlierStates:
    """State codes of `previous` by this plan's targets and pairs."""
    if previous is None:
        no_pair = np.full(len(alignment.pairs), NULL)
        return EarlierStates(np.full(len(alignment.targets), NULL), no_pair, no_pair)
    of_target = previous.targets.set_index(previous.targets["target"].astype(object))
    of_pair = previous.pairs.set_index(pd.MultiIndex.from_frame(previous.pairs[["target", "symbol"]]))
    # Pairs and targets that the earlier plan did not have become null, and their codes -1.
    pairs = of_pair[["local_state", "route"]].reindex(alignment.pairs)
    return EarlierStates(
        cs=positions(of_target["cs_state"].reindex(alignment.targets), LEVELS),
        local=positions(pairs["local_state"], LEVELS),
        route=positions(pairs["route"], Route),
    )


def _is_decided_by(
    previous: RoutingPlan, alignment: Alignment, policy: RoutingPolicy, table_hash: str
) -> bool:
    """Whether `previous` was made by this policy from these candidates and for these targets and pairs."""
    made_by = previous.metadata.config_hash, previous.metadata.candidates_hash
    return (
        made_by == (policy.config_hash(), table_hash)
        and list(previous.targets["target"]) == list(alignment.targets)
        # Each pair of it is found at its own position: the same pairs in the same order, and no other.
        and np.array_equal(alignment.positions(previous.pairs), np.arange(len(alignment.pair_rows)))
    )


def plan_to_remember(layout: Layout, policy: RoutingPolicy) -> RoutingPlan | None:
    """The plan on disk, if the policy holds states by it; None if there is none that can be read."""
    if policy.hysteresis == 0 or not layout.routing_plan.is_file():
        return None
    try:
        return read_routing_plan(layout)
    except RoutingPlanError as error:
        _log.warning("the plan on disk cannot be read, so that no state is held by it: %s", error)
        return None
