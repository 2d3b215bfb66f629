"""Hold-out scores of pairs as they would be served: by the models their route names, averaged.

Errors are those of the audit: clustered by blocks of time that all pairs share.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.auditing.holdout_errors import (
    Floats,
    Ints,
    holdout_blocks,
    interval,
    longest_horizon,
    skill_replicates,
)
from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import Route, TaskType
from foxml_assets.evidence.scores.blocks import TimeBlocks
from foxml_assets.families.model import Vector
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.data import load_job_data
from foxml_assets.training.models.inventory import Inventory
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.training.models.serving import USES_LOCAL, USES_POOLED, load_job_model, mean_prediction
from foxml_assets.training.scores import Score, score
from foxml_assets.training.split import Timeline, timeline_of

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


@dataclass(frozen=True)
class PairScores:
    """`table`: a row per routed pair, with the columns PAIR_SCORE_TYPES.

    `replicates`, shape (n_pairs, 1 + n_blocks): the skill as served, then without each block of time; NaN
    where the pair is not scored.
    """

    table: pd.DataFrame
    replicates: Floats


@dataclass(frozen=True)
class _Predicted:
    """What one job's models say on one symbol's hold-out, in time order; or why they say nothing."""

    y: Vector
    prediction: Vector
    bar: Ints
    why_not: str = ""

    @staticmethod
    def nothing(why_not: str) -> "_Predicted":
        """No row, for that reason."""
        return _Predicted(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64), why_not)


@dataclass(frozen=True)
class _Served:
    """The columns of PAIR_SCORE_TYPES from `metric` on, and the replicates of the skill."""

    columns: tuple[object, ...]
    replicates: Floats


@dataclass(frozen=True)
class _Scorer:
    context: TrainingContext
    timeline: Timeline
    blocks: TimeBlocks
    unusable: Mapping[str, str]

    def predict(self, job: Job | None, kind: str) -> Mapping[str, _Predicted]:
        """By symbol; the key "" stands for every other symbol. `kind` names the model in reasons."""
        if job is None:
            return {"": _Predicted.nothing(f"the plan has no {kind} job for it")}
        if job.job_id in self.unusable:
            return {"": _Predicted.nothing(self.unusable[job.job_id])}
        data = load_job_data(job, self.context, self.timeline)
        held, bar = data.holdout, self.timeline.bar_of(data.holdout.time)
        said = load_job_model(job, self.context).predict(held.X) if len(held) else np.empty(0)
        predicted = {
            symbol: _Predicted(held.y[own], said[own], bar[own])
            for code, symbol in enumerate(data.symbols)
            for own in (held.symbol == code,)
        }
        return {**predicted, "": _Predicted.nothing(f"the {kind} model excludes it")}

    def score(self, task: TaskType, rows: _Predicted) -> Score:
        """The score of one symbol's predictions."""
        return score(task, rows.y, rows.prediction, min_rows=self.context.config.min_score_rows)


def pair_routes(plan: MasterPlan, routing: RoutingPlan | None, info: PanelInfo) -> pd.DataFrame:
    """Columns target, symbol, route of every pair; without a routing plan, of those the plan's jobs cover."""
    if routing is not None:
        return routing.pairs[["target", "symbol", "route"]].astype("str").reset_index(drop=True)
    covered: list[tuple[str, str, str]] = []
    for job in plan.jobs:
        excluded = {item.symbol for item in job.excluded_symbols}
        symbols = info.symbols if job.symbol is None else (job.symbol,)
        covered += [(job.target, symbol, job.route.value) for symbol in symbols if symbol not in excluded]
    return pd.DataFrame(sorted(covered), columns=["target", "symbol", "route"]).astype("str")


def score_pairs(
    routes: pd.DataFrame,
    plan: MasterPlan,
    inventory: Inventory,
    context: TrainingContext,
    blocks_config: BlockConfig,
) -> PairScores:
    """The scores of the routed pairs of `routes` (see `pair_routes`).

    `score` is that of the mean of the models the route names, on the pair's hold-out rows, in its metric's
    unit; `skill` has its standard error and 95 % interval; `pooled_skill` and `local_skill` are those of
    either model alone. What cannot be scored is NaN, and `reason` tells why. Blocked pairs have no row.
    Raises PanelError and TrainingError.
    """
    routed = routes[routes["route"] != Route.BLOCKED.value]
    times = read_panel(context.layout, context.info, [])[context.info.time_column]
    timeline = timeline_of(times, context.holdout_fraction)
    blocks = holdout_blocks(timeline, longest_horizon(context.info), blocks_config)
    scorer = _Scorer(context, timeline, blocks, _unusable(inventory, context))
    groups = [
        (plan.jobs_by_target.get(str(target), ()), pairs)
        for target, pairs in routed.groupby("target", sort=True)
    ]
    with ThreadPoolExecutor(context.config.threads, thread_name_prefix="scoring") as pool:
        tables = list(pool.map(lambda group: _score_target(scorer, *group), groups))
    rows = [row for table in tables for row, _ in table]
    replicates = np.array([own for table in tables for _, own in table]).reshape(-1, 1 + len(blocks))
    table = pd.DataFrame(rows, columns=list(PAIR_SCORE_TYPES)).astype(PAIR_SCORE_TYPES)
    return PairScores(table, replicates)


def _unusable(inventory: Inventory, context: TrainingContext) -> dict[str, str]:
    """Jobs whose models cannot be scored here, and why."""
    current = {spec.name: context.info.data_hash_for(spec.name) for spec in context.info.targets}
    found: dict[str, str] = {}
    for status in inventory.jobs:
        job = status.job
        if status.state is not ModelState.TRAINED:
            found[job.job_id] = f"{job.job_id} is {status.state}: {status.reason}"
        elif current.get(job.target) != job.data_hash:
            found[job.job_id] = f"the panel has changed since {job.job_id} was trained"
    return found


def _score_target(
    scorer: _Scorer, jobs: tuple[Job, ...], pairs: pd.DataFrame
) -> list[tuple[tuple[object, ...], Floats]]:
    by_symbol = {job.symbol: job for job in jobs}
    pooled = scorer.predict(by_symbol.get(None), "pooled")
    rows: list[tuple[tuple[object, ...], Floats]] = []
    for target, symbol, route in zip(pairs["target"], pairs["symbol"], pairs["route"], strict=True):
        local = scorer.predict(by_symbol.get(symbol), "symbol")
        sides = (pooled.get(symbol, pooled[""]), local.get(symbol, local[""]))
        served = _served(scorer, target, Route(route), *sides)
        rows.append(((target, symbol, route, *served.columns), served.replicates))
    return rows


def _served(scorer: _Scorer, target: str, route: Route, pooled: _Predicted, local: _Predicted) -> _Served:
    unscored, no_skill = np.full(1 + len(scorer.blocks), np.nan), (None,) * 5
    tasks = {spec.name: spec.task_type for spec in scorer.context.info.targets}
    if target not in tasks:
        return _Served(("", *no_skill, 0, None, None, "the panel does not hold the target"), unscored)
    task = tasks[target]
    used = [side for uses, side in ((USES_POOLED, pooled), (USES_LOCAL, local)) if route in uses]
    reason = "; ".join(dict.fromkeys(side.why_not for side in used if side.why_not))
    skills = [None if side.why_not else scorer.score(task, side).skill for side in (pooled, local)]
    metric = metric_of(task)
    if reason:
        return _Served((metric.value, *no_skill, 0, *skills, reason), unscored)
    mean = _Predicted(used[0].y, mean_prediction([side.prediction for side in used]), used[0].bar)
    served = scorer.score(task, mean)
    if served.skill is None:
        reason = "too few labelled hold-out rows, or labels of one value only"
        return _Served((metric.value, *no_skill, served.n, *skills, reason), unscored)
    replicates = skill_replicates(metric, mean.y, mean.prediction, mean.bar, scorer.blocks)
    found = interval(replicates)
    error = (found.se, found.low, found.high)
    columns = (metric.value, served.value, served.skill, *error, served.n, *skills, "")
    return _Served(columns, replicates)
