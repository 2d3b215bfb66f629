"""Hold-out scores of pairs as they would be served: by the models their route names, averaged.

Errors are those of the audit: clustered by blocks of time.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.auditing.holdout_errors import (
    HoldoutBlocks,
    Replicates,
    blocks_of_targets,
    interval,
    pair_replicates,
)
from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import Route, TaskType
from foxml_assets.families.model import Vector
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.serving.holdout import Holdout, holdout_timeline, read_holdout
from foxml_assets.serving.job_models import load_job_model, mean_prediction
from foxml_assets.serving.pair_service import PairService, Service, of_another_panel, pair_service, untrained
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.models.inventory import Inventory
from foxml_assets.training.scores import Score, score
from foxml_assets.training.split import Timeline

PAIR_SCORE_TYPES = {
    "target": "str",
    "symbol": "str",
    "route": "str",
    "metric": "str",
    "score": "float64",
    "skill": "float64",
    "skill_se": "float64",
    "skill_low": "float64",
    "skill_high": "float64",
    "n": "int64",
    "pooled_skill": "float64",
    "local_skill": "float64",
    "reason": "str",
}


_UNKNOWN = np.full(1, np.nan)


@dataclass(frozen=True)
class PairScores:
    """`table`: a row per routed pair, with the columns PAIR_SCORE_TYPES.

    `replicates`, one for each row: the skill as served, then without each block of time; NaN where the pair
    is not scored.
    """

    table: pd.DataFrame
    replicates: tuple[Replicates, ...]


@dataclass(frozen=True)
class _Served:
    """The columns of PAIR_SCORE_TYPES from `metric` on, and the replicates of the skill."""

    columns: tuple[object, ...]
    replicates: Replicates


@dataclass(frozen=True)
class _Scorer:
    context: TrainingContext
    timeline: Timeline
    blocks: HoldoutBlocks
    service: PairService


@dataclass(frozen=True)
class _Target:
    """The hold-out of one target, and what each usable job says on each symbol's rows of it."""

    task: TaskType
    held: Holdout
    said: Mapping[str, Mapping[str, Vector]]
    min_rows: int

    def skill(self, symbol: str, service: Service) -> float | None:
        """Of what `service` says; None where it says nothing or cannot be scored."""
        return self.score(symbol, service).skill if service.jobs else None

    def score(self, symbol: str, service: Service) -> Score:
        """Of the mean of what the jobs of `service`, of which there are some, say."""
        return score(
            self.task,
            self.held.y[self.held.rows.rows_of(symbol)],
            self.prediction(symbol, service),
            min_rows=self.min_rows,
        )

    def prediction(self, symbol: str, service: Service) -> Vector:
        """What the pair is served."""
        return mean_prediction([self.said[job.job_id][symbol] for job in service.jobs])


def score_pairs(
    routes: pd.DataFrame,
    plan: MasterPlan,
    inventory: Inventory,
    context: TrainingContext,
    blocks_config: BlockConfig,
) -> PairScores:
    """The scores of the routed pairs of `routes` (see `pair_service.pair_routes`).

    `score` is that of the mean of the models the route names, on the pair's hold-out rows, in its metric's
    unit; `skill` has its standard error and 95 % interval; `pooled_skill` and `local_skill` are those of
    either model alone. What cannot be scored is NaN, and `reason` tells why. Blocked pairs have no row.
    Raises PanelError and TrainingError.
    """
    routed = routes[routes["route"] != Route.BLOCKED.value]
    timeline = holdout_timeline(context)
    blocks = blocks_of_targets(routed["target"], context.info, timeline, blocks_config)
    unusable = of_another_panel(plan.jobs, context) | untrained(inventory.jobs)
    scorer = _Scorer(context, timeline, blocks, pair_service(plan, unusable))
    groups = [(str(target), pairs) for target, pairs in routed.groupby("target", sort=True)]
    with ThreadPoolExecutor(context.config.threads, thread_name_prefix="scoring") as pool:
        tables = list(pool.map(lambda group: _score_target(scorer, *group), groups))
    rows = [row for table in tables for row, _ in table]
    table = pd.DataFrame(rows, columns=list(PAIR_SCORE_TYPES)).astype(PAIR_SCORE_TYPES)
    return PairScores(table, tuple(found for table in tables for _, found in table))


def _score_target(
    scorer: _Scorer, target: str, pairs: pd.DataFrame
) -> list[tuple[tuple[object, ...], Replicates]]:
    known = _read_target(scorer, target)
    rows: list[tuple[tuple[object, ...], Replicates]] = []
    for symbol, route in zip(pairs["symbol"], pairs["route"], strict=True):
        served = _served(scorer, known, target, symbol, Route(route))
        rows.append(((target, symbol, route, *served.columns), served.replicates))
    return rows


def _read_target(scorer: _Scorer, target: str) -> _Target | None:
    """None for a target that the panel does not hold."""
    context, service = scorer.context, scorer.service
    tasks = {spec.name: spec.task_type for spec in context.info.targets}
    if target not in tasks:
        return None
    planned = service.plan.jobs_by_target.get(target, ())
    jobs = [job for job in planned if job.job_id not in service.unusable]
    held = read_holdout(target, jobs, context, scorer.timeline)
    said = {job.job_id: load_job_model(job, context).predict_rows(held.rows) for job in jobs}
    return _Target(tasks[target], held, said, context.config.min_score_rows)


def _served(scorer: _Scorer, known: _Target | None, target: str, symbol: str, route: Route) -> _Served:
    unscored, no_skill = Replicates(_UNKNOWN, _UNKNOWN), (None,) * 5
    if known is None:
        return _Served(("", *no_skill, 0, None, None, "the panel does not hold the target"), unscored)
    if symbol not in known.held.rows.position:
        return _Served(("", *no_skill, 0, None, None, "the panel does not hold the symbol"), unscored)
    service, metric = scorer.service.serve(target, symbol, route), metric_of(known.task)
    sides = (scorer.service.pooled(target, symbol), scorer.service.own(target, symbol))
    skills = [known.skill(symbol, side) for side in sides]
    if service.why_not:
        return _Served((metric.value, *no_skill, 0, *skills, service.why_not), unscored)
    served = known.score(symbol, service)
    if served.skill is None:
        reason = "too few labelled hold-out rows, or labels of one value only"
        return _Served((metric.value, *no_skill, served.n, *skills, reason), unscored)
    rows = known.held.rows.rows_of(symbol)
    y, prediction, bar = known.held.y[rows], known.prediction(symbol, service), known.held.bar[rows]
    replicates = pair_replicates(metric, y, prediction, bar, target, scorer.blocks)
    found = interval(replicates.own)
    error = (found.se, found.low, found.high)
    columns = (metric.value, served.value, served.skill, *error, served.n, *skills, "")
    return _Served(columns, replicates)
