"""Making the training report from the plan, the models on disk and their hold-out scores."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.auditing.holdout_errors import Floats, interval, without_gaps
from foxml_assets.auditing.pages.audit_files import read_current_audit
from foxml_assets.auditing.routing_audit import Interval, RoutingAudit
from foxml_assets.core.hashing import content_hash
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import Route
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.reporting.job_states import unfinished_lines
from foxml_assets.reporting.model_lines import family_times, model_lines
from foxml_assets.reporting.pair_scores import PairScores, score_pairs
from foxml_assets.reporting.report import ModelLine, RouteLine, TargetLine, TrainingReport, UnroutedLine
from foxml_assets.reporting.report_files import find_report, write_report
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.serving.pair_service import pair_routes
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.models.inventory import Inventory, JobStatus, take_inventory
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.training.models.retired import retired_models

# Raise it when a change of this code changes the report; the one on disk is then made anew.
_CODE_VERSION = 2


def update_report(
    plan: MasterPlan,
    routing: RoutingPlan | None,
    context: TrainingContext,
    blocks_config: BlockConfig,
) -> TrainingReport:
    """The report on what is on disk now. It is made and written unless the one there says the same.

    Raises as `make_report`, and StorageError.
    """
    inventory = take_inventory(plan.jobs, context)
    basis = report_basis(plan, inventory, context, blocks_config)
    known = find_report(basis, context.layout)
    if known is not None:
        return known
    report, scores = _make(basis, inventory, plan, routing, context, blocks_config)
    write_report(report, scores, context.layout)
    return report


def make_report(
    plan: MasterPlan,
    routing: RoutingPlan | None,
    context: TrainingContext,
    blocks_config: BlockConfig,
) -> tuple[TrainingReport, pd.DataFrame]:
    """The report on what is on disk now, and the table of pair scores behind it (`score_pairs`).

    `routing` is the plan's routing plan; None under a plan that was made without one. `blocks_config` is
    the evidence's: the blocks of time behind the errors are as long as its own. Raises PanelError and
    TrainingError.
    """
    inventory = take_inventory(plan.jobs, context)
    basis = report_basis(plan, inventory, context, blocks_config)
    return _make(basis, inventory, plan, routing, context, blocks_config)


def _make(
    basis: str,
    inventory: Inventory,
    plan: MasterPlan,
    routing: RoutingPlan | None,
    context: TrainingContext,
    blocks_config: BlockConfig,
) -> tuple[TrainingReport, pd.DataFrame]:
    routes = pair_routes(plan, routing, context.info)
    scores = score_pairs(routes, plan, inventory, context, blocks_config)
    unrouted = _unrouted_lines(plan, routing) if routing is not None else ()
    report = summarise(basis, plan, routes, scores, inventory, unrouted, context.layout)
    return report, scores.table


def report_basis(
    plan: MasterPlan, inventory: Inventory, context: TrainingContext, blocks_config: BlockConfig
) -> str:
    """The hash of all that decides the report: the plan's hash stands for its routing plan too."""
    models = [(status.job.job_id, status.models) for status in inventory.jobs]
    return content_hash(
        [
            [_CODE_VERSION, plan.metadata.plan_hash, _audit(plan, inventory, context.layout)],
            [
                context.info,
                context.training_hashes,
                context.config.min_score_rows,
                blocks_config.model_dump(),
            ],
            [models, family_times(inventory.jobs, context.layout), sorted(map(str, inventory.orphans))],
            [model.name for model in retired_models(context.layout)],
        ]
    )


def _audit(plan: MasterPlan, inventory: Inventory, layout: Layout) -> RoutingAudit | None:
    return read_current_audit(layout, plan.metadata.plan_hash, inventory.counts[ModelState.TRAINED])


def summarise(
    basis: str,
    plan: MasterPlan,
    routes: pd.DataFrame,
    scores: PairScores,
    inventory: Inventory,
    unrouted: tuple[UnroutedLine, ...],
    layout: Layout,
) -> TrainingReport:
    """The report from its parts: `pair_routes`, `score_pairs`, the inventory, targets without a model."""
    others = {line.target for line in unrouted}
    models = model_lines(inventory.jobs, layout)
    counts = routes["route"].value_counts()
    return TrainingReport(
        schema_version=3,
        basis=basis,
        plan_hash=plan.metadata.plan_hash,
        audit=_audit(plan, inventory, layout),
        jobs_planned=len(plan.jobs),
        jobs_by_state=inventory.counts,
        pairs=len(routes),
        pairs_by_route={route: int(counts.get(route.value, 0)) for route in Route},
        routes=tuple(
            _route_line(route, int(counts.get(route.value, 0)), scores)
            for route in Route
            if route is not Route.BLOCKED
        ),
        targets=_target_lines(routes[~routes["target"].isin(others)], scores, inventory, models),
        unrouted=unrouted,
        models=models,
        times=family_times(inventory.jobs, layout),
        unfinished=unfinished_lines(inventory.jobs),
        orphans=tuple(path.relative_to(layout.root).as_posix() for path in inventory.orphans),
        retired=tuple(model.name for model in retired_models(layout)),
    )


def _route_line(route: Route, pairs: int, scores: PairScores) -> RouteLine:
    own = _scored(scores, "route", route.value)
    table = scores.table[own]
    return RouteLine(
        route=route,
        pairs=pairs,
        scored=len(table),
        above_chance=int((table["skill_low"] > 0).sum()),
        below_chance=int((table["skill_high"] < 0).sum()),
        unknown_error=int(table["skill_se"].isna().sum()),
        mean_skill=_mean_skill([scores.replicates[at].shared for at in np.flatnonzero(own)]),
        pooled_skill=_mean(table["pooled_skill"]),
        local_skill=_mean(table["local_skill"]),
    )


def _scored(scores: PairScores, column: str, value: str) -> npt.NDArray[np.bool_]:
    """The scored pairs with that value, shape (n_pairs,)."""
    return ((scores.table[column] == value) & scores.table["skill"].notna()).to_numpy()


def _mean_skill(replicates: list[Floats]) -> Interval | None:
    """Of pairs that share their blocks."""
    return interval(without_gaps(np.array(replicates)).mean(axis=0)) if replicates else None


def _target_lines(
    routes: pd.DataFrame, scores: PairScores, inventory: Inventory, models: tuple[ModelLine, ...]
) -> tuple[TargetLine, ...]:
    """Best served skill first; targets without a score last."""
    pairs = routes.groupby("target").size()
    statuses: dict[str, list[JobStatus]] = {}
    for status in inventory.jobs:
        statuses.setdefault(status.job.target, []).append(status)
    best: dict[str, ModelLine] = {}
    for line in models:
        # Models are ranked, so the first of a target is its best.
        best.setdefault(line.target, line)
    routed = scores.table.groupby("target").size()
    lines: list[TargetLine] = []
    for target in sorted({*pairs.index, *statuses}):
        own = _scored(scores, "target", target)
        scored, jobs = scores.table[own], statuses.get(target, [])
        lines.append(
            TargetLine(
                target=target,
                pairs=int(pairs.get(target, 0)),
                routed=int(routed.get(target, 0)),
                jobs=len(jobs),
                trained=sum(status.state is ModelState.TRAINED for status in jobs),
                scored=len(scored),
                above_chance=int((scored["skill_low"] > 0).sum()),
                unknown_error=int(scored["skill_se"].isna().sum()),
                metric=ScoreMetric(scored["metric"].iloc[0]) if len(scored) else None,
                score=_mean(scored["score"]),
                skill=_mean_skill([scores.replicates[at].own for at in np.flatnonzero(own)]),
                pooled_skill=_mean(scored["pooled_skill"]),
                best=best.get(target),
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.skill.value if line.skill else np.inf, line.target)))


def _unrouted_lines(plan: MasterPlan, routing: RoutingPlan) -> tuple[UnroutedLine, ...]:
    pairs = routing.pairs
    routed = {*pairs.loc[(pairs["route"] != Route.BLOCKED.value).to_numpy(), "target"], *plan.jobs_by_target}
    found = routing.targets[~routing.targets["target"].isin(routed).to_numpy()]
    names = ("target", "score_metric", "cs_score", "hard_block_reason", "cs_reason")
    columns = (found[name].astype(object).where(found[name].notna(), None) for name in names)
    own = pairs.loc[pairs["target"].isin(found["target"]).to_numpy(), ["target", "rule"]].astype(str)
    rules_of = {target: rules.value_counts() for target, rules in own.groupby("target")["rule"]}
    lines = []
    for target, metric, score, block, reason in zip(*columns, strict=True):
        rules = rules_of.get(target, pd.Series(dtype="int64"))
        lines.append(
            UnroutedLine(
                target=target,
                pairs=int(rules.sum()),
                metric=ScoreMetric(metric) if metric is not None else None,
                evidence_score=score,
                reason=block or reason,
                blocked_by={rule: int(rules[rule]) for rule in sorted(rules.index)},
            )
        )
    return tuple(lines)


def _mean(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.mean()) if len(known) else None
