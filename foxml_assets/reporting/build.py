"""Making the training report from the plan, the models on disk and their hold-out scores."""

from collections.abc import Iterable, Iterator

import pandas as pd

from foxml_assets.layout import Layout
from foxml_assets.planning.plan import MasterPlan
from foxml_assets.reporting.pair_scores import pair_routes, score_pairs
from foxml_assets.reporting.report import (
    ModelLine,
    RouteLine,
    TargetLine,
    TrainingReport,
    UnfinishedLine,
    UnroutedLine,
)
from foxml_assets.routing.plan import RoutingPlan
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.inventory import Inventory, JobStatus, take_inventory
from foxml_assets.training.manifest import ModelState, manifest_path, read_manifest
from foxml_assets.vocabulary import Route, ScoreMetric

BEST_MODELS = 20


def make_report(
    plan: MasterPlan, routing: RoutingPlan | None, context: TrainingContext
) -> tuple[TrainingReport, pd.DataFrame]:
    """The report on what is on disk now, and the table of pair scores behind it (`score_pairs`).

    `routing` is the plan's routing plan; None under a plan that was made without one. Raises PanelError
    and TrainingError.
    """
    routes = pair_routes(plan, routing, context.info)
    inventory = take_inventory(plan.jobs, context.layout)
    scores = score_pairs(routes, plan, inventory, context)
    unrouted = _unrouted_lines(plan, routing) if routing is not None else ()
    return summarise(plan, routes, scores, inventory, unrouted, context.layout), scores


def summarise(
    plan: MasterPlan,
    routes: pd.DataFrame,
    scores: pd.DataFrame,
    inventory: Inventory,
    unrouted: tuple[UnroutedLine, ...],
    layout: Layout,
) -> TrainingReport:
    """The report from its parts: `pair_routes`, `score_pairs`, the inventory, and targets without a model."""
    others = {line.target for line in unrouted}
    models = _ranked(line for status in inventory.jobs for line in _model_lines(status, layout))
    counts = routes["route"].value_counts()
    return TrainingReport(
        schema_version=2,
        plan_hash=plan.metadata.plan_hash,
        jobs_planned=len(plan.jobs),
        jobs_by_state=inventory.counts,
        pairs=len(routes),
        pairs_by_route={route: int(counts.get(route.value, 0)) for route in Route},
        routes=tuple(
            _route_line(route, int(counts.get(route.value, 0)), scores[scores["route"] == route.value])
            for route in Route
            if route is not Route.BLOCKED
        ),
        targets=_target_lines(routes[~routes["target"].isin(others)], scores, inventory, models),
        unrouted=unrouted,
        best_models=models[:BEST_MODELS],
        unfinished=tuple(_unfinished(status) for status in inventory.jobs if _is_unfinished(status)),
        orphans=tuple(path.relative_to(layout.root).as_posix() for path in inventory.orphans),
    )


def _model_lines(status: JobStatus, layout: Layout) -> Iterator[ModelLine]:
    job = status.job
    for model in status.models:
        if model.state is not ModelState.TRAINED:
            continue
        found = read_manifest(manifest_path(job, model.family, layout)).scores.within_symbols
        if found.value is None or found.skill is None:
            continue
        yield ModelLine(
            job_id=job.job_id,
            target=job.target,
            symbol=job.symbol,
            family=model.family,
            route=job.route,
            metric=found.metric,
            score=found.value,
            skill=found.skill,
            n=found.n,
            evidence_score=job.metadata.score if job.metadata.score_metric is found.metric else None,
        )


def _ranked(lines: Iterable[ModelLine]) -> tuple[ModelLine, ...]:
    return tuple(sorted(lines, key=lambda line: (-line.skill, line.job_id, line.family)))


def _route_line(route: Route, pairs: int, scores: pd.DataFrame) -> RouteLine:
    skill = scores["skill"].dropna()
    return RouteLine(route, pairs, len(skill), int((skill > 0).sum()), _mean(skill))


def _target_lines(
    routes: pd.DataFrame, scores: pd.DataFrame, inventory: Inventory, models: tuple[ModelLine, ...]
) -> tuple[TargetLine, ...]:
    """Best served skill first; targets without a score last."""
    pairs = routes.groupby("target").size()
    statuses: dict[str, list[JobStatus]] = {}
    for status in inventory.jobs:
        statuses.setdefault(status.job.target, []).append(status)
    best: dict[str, ModelLine] = {}
    for line in models:
        best.setdefault(line.target, line)
    served = {str(target): table for target, table in scores.groupby("target")}
    lines: list[TargetLine] = []
    for target in sorted({*pairs.index, *statuses}):
        table = served.get(target, scores.iloc[:0])
        scored = table[table["skill"].notna()]
        jobs = statuses.get(target, [])
        lines.append(
            TargetLine(
                target=target,
                pairs=int(pairs.get(target, 0)),
                routed=len(table),
                jobs=len(jobs),
                trained=sum(status.state is ModelState.TRAINED for status in jobs),
                scored=len(scored),
                metric=ScoreMetric(scored["metric"].iloc[0]) if len(scored) else None,
                score=_mean(scored["score"]),
                skill=_mean(scored["skill"]),
                pooled_skill=_mean(scored["pooled_skill"]),
                best=best.get(target),
            )
        )
    return tuple(sorted(lines, key=lambda line: (line.skill is None, -(line.skill or 0.0), line.target)))


def _unrouted_lines(plan: MasterPlan, routing: RoutingPlan) -> tuple[UnroutedLine, ...]:
    pairs = routing.pairs
    routed = {*pairs.loc[(pairs["route"] != Route.BLOCKED.value).to_numpy(), "target"], *plan.jobs_by_target}
    found = routing.targets[~routing.targets["target"].isin(routed).to_numpy()]
    names = ("target", "score_metric", "cs_score", "hard_block_reason", "cs_reason")
    columns = (found[name].astype(object).where(found[name].notna(), None) for name in names)
    lines = []
    for target, metric, score, block, reason in zip(*columns, strict=True):
        rules = pairs.loc[(pairs["target"] == target).to_numpy(), "rule"].astype(str).value_counts()
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


def _is_unfinished(status: JobStatus) -> bool:
    return status.state is not ModelState.TRAINED


def _unfinished(status: JobStatus) -> UnfinishedLine:
    job = status.job
    return UnfinishedLine(job.job_id, job.target, job.symbol, status.state, status.reason)
