"""The small panel with evidence, a routing plan and a master plan made by the product's own code."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from training_world import LONELY, RETURN, SYMBOLS, UP, World

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import LeakageStatus, TaskType
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, StabilityMetrics, TargetEvidence
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.routing.candidates.candidates import candidates_from_evidence
from foxml_assets.routing.candidates.candidates_file import write_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

STAMP = RunStamp("2025-12-11T18:45:00Z", "20251211_184500", None)
POLICY = RoutingPolicy.model_validate(
    {
        "min_sample_size": {"cross_sectional": 100, "symbol": 50},
        "development_min_sample_size": {"cross_sectional": 100, "symbol": 50},
        "method": "thresholds",
        "both_strong_behavior": "ROUTE_BOTH",
        "fdr": {"enabled": False},
        # What is surer is not to be had of so few rows.
        "skill_on_symbol": {"min_probability": 0.9},
        "families": [
            {"when": {"route": ["ROUTE_EXPERIMENTAL_ONLY"]}, "use": ["lightgbm"]},
            {"use": ["lightgbm", "xgboost"]},
        ],
    }
)
# Route by route: UP is BOTH on AAA and CROSS_SECTIONAL elsewhere; RETURN is SYMBOL_SPECIFIC on BBB and
# CCC and BLOCKED elsewhere; LONELY leaks, so it is BLOCKED.
SCORES: dict[str, dict[str | None, float]] = {
    UP: {None: 0.75, "AAA": 0.8, "BBB": 0.5, "CCC": 0.5, "DDD": 0.5},
    RETURN: {None: 0.0, "AAA": 0.0, "BBB": 0.3, "CCC": 0.3, "DDD": 0.0},
    LONELY: dict.fromkeys((None, *SYMBOLS), 0.9),
}
_STABLE = StabilityMetrics(5, 0.9, 0.02, 0.9, 0.02)


@dataclass(frozen=True)
class Routed:
    """A world whose plan is on disk."""

    world: World
    routing: RoutingPlan
    plan: MasterPlan


def route_and_plan(
    world: World, scores: dict[str, dict[str | None, float]] = SCORES, policy: RoutingPolicy = POLICY
) -> Routed:
    """Write candidates, routing plan and master plan of `scores` under the world's root."""
    layout = world.layout
    candidates = candidates_from_evidence([_evidence(world, target, scores[target]) for target in scores])
    write_candidates(candidates, layout.routing_candidates)
    routing = route(candidates, policy, stamp=STAMP)
    write_routing_plan(routing, layout)
    plan = build_plan(
        routing,
        policy,
        data_hashes=world.context.data_hashes,
        training_hashes=world.context.training_hashes,
        parent_plan_hash=None,
        stamp=STAMP,
    )
    return Routed(world, routing, write_plan(plan, layout, history=2).plan)


def copied(routed: Routed, folder: Path) -> Routed:
    """The same plan and panel under another root."""
    context = routed.world.context
    shutil.copytree(context.layout.root, folder)
    return replace(routed, world=World(replace(context, layout=Layout(folder))))


def _evidence(world: World, target: str, scores: dict[str | None, float]) -> TargetEvidence:
    regression = target == RETURN
    leaks = LeakageStatus.BLOCKED if target == LONELY else LeakageStatus.SAFE
    return TargetEvidence(
        target=target,
        task_type=TaskType.REGRESSION if regression else TaskType.CLASSIFICATION,
        score_metric=ScoreMetric.IC if regression else ScoreMetric.AUC,
        horizon_minutes=7200.0,
        settings_hash="0" * 64,
        data_hash=world.context.info.data_hash_for(target),
        rows=tuple(
            RowEvidence(
                symbol=symbol,
                sample_size=200 if symbol else 800,
                score=Estimate(value, 0.02, value - 0.04, value + 0.04),
                stability=_STABLE,
                leakage_status=leaks,
                leakage_reason="a copy of the label" if leaks is LeakageStatus.BLOCKED else "",
                successful_families=("lightgbm", "xgboost", "ridge"),
            )
            for symbol, value in scores.items()
        ),
        features=dict.fromkeys(world.context.info.features, LeakageStatus.SAFE),
    )
