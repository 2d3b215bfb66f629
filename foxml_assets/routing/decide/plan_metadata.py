"""The plan's metadata: origins, counts, error control, and the settings in force."""

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.routing.candidates.coding import Bools, code, level
from foxml_assets.routing.decide.plan_parts import PlanParts
from foxml_assets.routing.methods.sides import JudgedSide
from foxml_assets.routing.plan.routing_plan import (
    BatchInForce,
    PolicyInForce,
    RoutingMetadata,
    ScoreThresholds,
    SideControl,
    routing_plan_hash,
)
from foxml_assets.routing.plan.stability_words import stability_thresholds
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import ErrorControl, Side
from foxml_assets.routing.sides.fdr import expected_false


def plan_metadata(
    parts: PlanParts,
    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    candidates_hash: str,
    stamp: RunStamp,
    previous_plan_hash: str | None,
) -> RoutingMetadata:
    """Metadata of the plan with these (targets, pairs, quarantine) tables, its hash included."""
    targets, pairs, quarantine = tables
    by_route = np.bincount(parts.routes.route, minlength=len(Route)).tolist()
    metadata = RoutingMetadata(
        generated_at=stamp.generated_at,
        run_id=stamp.run_id,
        git_commit=stamp.git_commit,
        previous_plan_hash=previous_plan_hash,
        config_hash=parts.policy.config_hash(),
        candidates_hash=candidates_hash,
        routing_plan_hash="",
        n_targets=len(targets),
        n_pairs=len(pairs),
        n_quarantined=len(quarantine),
        by_route={str(route): count for route, count in zip(Route, by_route, strict=True)},
        cross_sectional=_control(parts.cs, parts.cs.leaks, parts.policy),
        symbol=_control(
            parts.local, parts.local.leaks | parts.cs.leaks[parts.alignment.pair_target], parts.policy
        ),
        policy=policy_in_force(parts.policy, parts.batch),
    )
    return msgspec.structs.replace(metadata, routing_plan_hash=routing_plan_hash(metadata, tables))


def policy_in_force(policy: RoutingPolicy, batch: BatchInForce | None) -> PolicyInForce:
    """The settings that explanations show."""
    allowlist = policy.stability_allowlist
    return PolicyInForce(
        method=policy.method,
        profile=policy.profile,
        gate_on=policy.gate_on,
        hysteresis=policy.hysteresis,
        min_sample_size_cross_sectional=policy.sample_minimum(Side.CROSS_SECTIONAL),
        min_sample_size_symbol=policy.sample_minimum(Side.SYMBOL),
        require_min_successful_families=policy.require_min_successful_families,
        require_safe_features_only=policy.require_safe_features_only,
        min_features=policy.min_features,
        unknown_leakage=policy.unknown_leakage,
        stability_cross_sectional=allowlist.cross_sectional,
        stability_symbol=allowlist.symbol,
        stability_experimental=policy.experimental.allowed_stabilities,
        stability=stability_thresholds(policy),
        experimental_lane=policy.enable_experimental_lane,
        both_strong_behavior=policy.both_strong_behavior,
        both_weak_behavior=policy.both_weak_behavior,
        fdr_q_cross_sectional=policy.error_rate(Side.CROSS_SECTIONAL).q,
        fdr_q_symbol=policy.error_rate(Side.SYMBOL).q,
        fdr_batch=batch,
        min_skill=policy.pooled_on_symbol.min_skill,
        min_probability=policy.pooled_on_symbol.min_probability,
        min_advantage=policy.shrinkage.min_advantage,
        inflate_se=policy.error_rate(Side.SYMBOL).inflate_se,
        thresholds=tuple(_thresholds(policy)),
    )


def _thresholds(policy: RoutingPolicy) -> list[ScoreThresholds]:
    found = []
    for side in Side:
        scores = policy.experimental.min_score.of(side)
        for metric, tier, thresholds in policy.side(side).in_force():
            trial = scores.threshold(metric) if policy.enable_experimental_lane else None
            found.append(
                ScoreThresholds(side, metric, tier, thresholds.strong_score, thresholds.min_score, trial)
            )
    return found


def _control(side: JudgedSide, leaks: Bools, policy: RoutingPolicy) -> SideControl:
    states, rows, rate = side.states, side.rows, policy.error_rate(side.rows.side)
    open_threshold = find_method(policy.method).open_threshold(side)
    # Under gate_on: ci_low the score must exceed it by its distance to the lower bound.
    as_score = open_threshold + (rows.score.value - states.gate)
    expected = expected_false(
        as_score, rows.score.se * rate.inflate_se, rows.chance, states.eligible & ~leaks, states.fdr.cutoff
    )
    routable = states.state > level(SignalState.DISALLOWED)
    return SideControl(
        tested=states.fdr.n_tested,
        discovered=int((states.control == code(ErrorControl.DISCOVERED)).sum()),
        kept=int((states.control == code(ErrorControl.KEPT)).sum()),
        # Also true where the standard error is NaN, as a comparison with NaN is false.
        not_controlled=int((routable & ~(rows.score.se > 0)).sum()),
        # Part of the plan's hash, and the last bits of a sum depend on the machine.
        expected_false=round(expected, 6),
    )
