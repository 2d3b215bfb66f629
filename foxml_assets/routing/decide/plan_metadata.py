"""The plan's metadata: origins, counts, error control, and the settings in force."""

from itertools import chain

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.routing.candidates.table_columns import Bools, code, level
from foxml_assets.routing.decide.plan_tables import PlanParts
from foxml_assets.routing.methods.sides import JudgedSide
from foxml_assets.routing.plan.routing_plan import (
    BatchInForce,
    PolicyInForce,
    RoutingMetadata,
    SideControl,
    StabilityThresholds,
    routing_plan_hash,
)
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import ErrorControl, Side
from foxml_assets.routing.sides.fdr import expected_false
from foxml_assets.routing.sides.threshold_tables import thresholds_in_force


def plan_metadata(
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
        generated_at=stamp.generated_at,
        run_id=stamp.run_id,
        git_commit=stamp.git_commit,
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


def policy_in_force(policy: RoutingPolicy, batch: BatchInForce | None) -> PolicyInForce:
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
        fdr_batch=batch,
        min_skill=policy.pooled_on_symbol.min_skill,
        min_probability=policy.pooled_on_symbol.min_probability,
        min_advantage=policy.shrinkage.min_advantage,
        inflate_se=policy.fdr.inflate_se,
        thresholds=tuple(chain.from_iterable(thresholds_in_force(policy, side) for side in Side)),
    )


def _control(side: JudgedSide, leaks: Bools, policy: RoutingPolicy) -> SideControl:
    tests, rows, inflate = side.tests, side.rows, policy.fdr.inflate_se
    open_threshold = find_method(policy.method).open_threshold(side)
    # Under gate_on: ci_low the score must exceed it by its distance to the lower bound.
    as_score = open_threshold + (rows.score.value - tests.gate)
    expected = expected_false(
        as_score, rows.score.se * inflate, rows.chance, tests.eligible & ~leaks, tests.fdr.cutoff
    )
    routable = side.state > level(SignalState.DISALLOWED)
    return SideControl(
        tested=tests.fdr.n_tested,
        discovered=int((tests.control == code(ErrorControl.DISCOVERED)).sum()),
        kept=int((tests.control == code(ErrorControl.KEPT)).sum()),
        # Also true where the standard error is NaN, as a comparison with NaN is false.
        not_controlled=int((routable & ~(rows.score.se > 0)).sum()),
        # Part of the plan's hash, and the last bits of a sum depend on the machine.
        expected_false=round(expected, 6),
    )
