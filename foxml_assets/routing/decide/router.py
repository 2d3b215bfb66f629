"""Candidates and a policy become a routing plan. Every rule runs on whole columns."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import chain

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.routing.candidates.alignment import Alignment, align
from foxml_assets.routing.candidates.candidates import candidates_hash, typed_candidates
from foxml_assets.routing.decide.fdr_history import FdrHistory, batch_in_force, earlier_discoveries
from foxml_assets.routing.decide.plan_tables import PlanParts, pairs_table, quarantine_table, targets_table
from foxml_assets.routing.frames import NULL, Bools, code, positions
from foxml_assets.routing.methods.combination import final_routes
from foxml_assets.routing.methods.pair_evidence import EarlierStates, JudgedSide, judge
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan import (
    BatchInForce,
    PolicyInForce,
    RoutingMetadata,
    RoutingPlan,
    SideControl,
    StabilityThresholds,
    routing_plan_hash,
)
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import ErrorControl, Side
from foxml_assets.routing.sides.fdr import expected_false
from foxml_assets.routing.sides.side_rows import thresholds_in_force
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
    batch = batch_in_force(past, policy, table_hash)
    found = earlier_discoveries(past, batch, table_hash, alignment)
    evidence = judge(table, alignment, policy, earlier, found)
    routes, limits = final_routes(find_method(policy.method).choose(evidence), evidence)
    parts = PlanParts(table, evidence, routes, limits, _policy_in_force(policy, batch))
    targets = targets_table(parts)
    tables = targets, pairs_table(parts, targets), quarantine_table(parts)
    previous_hash = remembered.metadata.routing_plan_hash if remembered else None
    return RoutingPlan(_plan_metadata(parts, tables, table_hash, stamp, previous_hash), *tables)


def plan_to_remember(layout: Layout, policy: RoutingPolicy) -> RoutingPlan | None:
    """The plan on disk, if the policy holds states by it; None if there is none that can be read."""
    if policy.hysteresis == 0 or not layout.routing_plan.is_file():
        return None
    try:
        return read_routing_plan(layout)
    except RoutingPlanError as error:
        _log.warning("the plan on disk cannot be read, so that no state is held by it: %s", error)
        return None


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
        cs=positions(of_target["cs_state"].reindex(alignment.targets), SignalState),
        local=positions(pairs["local_state"], SignalState),
        route=positions(pairs["route"], Route),
    )


def _is_decided_by(
    previous: RoutingPlan, alignment: Alignment, policy: RoutingPolicy, table_hash: str
) -> bool:
    """Whether `previous` was made by this policy from these candidates and for these targets and pairs."""
    pairs = pd.MultiIndex.from_frame(previous.pairs[["target", "symbol"]])
    made_by = previous.metadata.config_hash, previous.metadata.candidates_hash
    return (
        made_by == (policy.config_hash(), table_hash)
        and list(previous.targets["target"]) == list(alignment.targets)
        # Each pair of it is found at its own position: the same pairs in the same order, and no other.
        and np.array_equal(alignment.pairs.get_indexer(pairs), np.arange(len(alignment.pairs)))
    )


def _plan_metadata(
    parts: PlanParts,
    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    candidates_hash: str,
    stamp: RunStamp,
    previous_plan_hash: str | None,
) -> RoutingMetadata:
    """Metadata of the plan with these (targets, pairs, quarantine) tables, its hash included."""
    targets, pairs, quarantine = tables
    known, policy = parts.evidence, parts.evidence.policy
    pair_leaks = known.local.leaks | known.cs.leaks[known.alignment.pair_target]
    by_route = np.bincount(parts.routes.route, minlength=len(Route)).tolist()
    metadata = RoutingMetadata(
        **asdict(stamp),
        previous_plan_hash=previous_plan_hash,
        config_hash=policy.config_hash(),
        candidates_hash=candidates_hash,
        routing_plan_hash="",
        n_targets=len(targets),
        n_pairs=len(pairs),
        n_quarantined=len(quarantine),
        by_route={str(route): count for route, count in zip(Route, by_route, strict=True)},
        cross_sectional=_control(known.cs, known.cs.leaks, policy),
        symbol=_control(known.local, pair_leaks, policy),
        policy=parts.in_force,
    )
    return msgspec.structs.replace(metadata, routing_plan_hash=routing_plan_hash(metadata, tables))


def _policy_in_force(policy: RoutingPolicy, batch: BatchInForce | None) -> PolicyInForce:
    """The settings that explanations show."""
    same = {name: value for name, value in policy if name in PolicyInForce.__struct_fields__}
    return PolicyInForce(
        **same,
        min_sample_size_cross_sectional=policy.sample_minimum(Side.CROSS_SECTIONAL),
        min_sample_size_symbol=policy.sample_minimum(Side.SYMBOL),
        stability_cross_sectional=policy.stability_allowlist.cross_sectional,
        stability_symbol=policy.stability_allowlist.symbol,
        stability_experimental=policy.experimental.allowed_stabilities,
        stability=StabilityThresholds(**policy.stability_classification.model_dump()),
        experimental_lane=policy.enable_experimental_lane,
        fdr_q_cross_sectional=policy.fdr_q(Side.CROSS_SECTIONAL),
        fdr_q_symbol=policy.fdr_q(Side.SYMBOL),
        fdr_q_confirmed=policy.fdr_q_confirmed,
        fdr_q_together=policy.fdr_q_together,
        fdr_batch=batch,
        min_skill=policy.skill_on_symbol.min_skill,
        min_probability=policy.skill_on_symbol.min_probability,
        min_advantage=policy.shrinkage.min_advantage,
        inflate_se=policy.fdr.inflate_se,
        thresholds=tuple(chain.from_iterable(thresholds_in_force(policy, side) for side in Side)),
    )


def _control(side: JudgedSide, leaks: Bools, policy: RoutingPolicy) -> SideControl:
    tests, rows, inflate = side.tests, side.rows, policy.fdr.inflate_se
    open_threshold = find_method(policy.method).open_threshold(side)
    # Under gate_on: ci_low the score must exceed it by its distance to the lower bound.
    as_score = open_threshold + (rows.score.value - tests.gate)
    together = tests.control == code(ErrorControl.TOGETHER)
    alone = tests.eligible & ~leaks & ~together
    expected = expected_false(as_score, rows.score.se * inflate, rows.chance, alone, tests.fdr.cutoff)
    routable = side.state > code(SignalState.DISALLOWED)
    return SideControl(
        tested=int(tests.fdr.tested.sum()),
        discovered=int((tests.control == code(ErrorControl.DISCOVERED)).sum()),
        kept=int((tests.control == code(ErrorControl.KEPT)).sum()),
        together=int(together.sum()),
        # Also true where the standard error is NaN, as a comparison with NaN is false.
        not_controlled=int((routable & ~(rows.score.se > 0)).sum()),
        # Part of the plan's hash, and the last bits of a sum depend on the machine.
        expected_false=round(expected, 6),
    )
