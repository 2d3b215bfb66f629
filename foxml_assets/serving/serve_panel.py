"""The plan in force over a panel: one of the user's, or rows of its own that were not trained on."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from foxml_assets.core.errors import PlanStaleError, Problem
from foxml_assets.core.vocabulary import OutOfSample
from foxml_assets.panel.files.reading import read_rows
from foxml_assets.panel.panel_values import validate_rows
from foxml_assets.panel.raw_panel import TimeUnit
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import ABSENT, MasterPlan
from foxml_assets.routing.plan.plan_reading import find_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.serving.holdout import features_of, holdout_rows, holdout_timeline, require_holdout
from foxml_assets.serving.out_of_fold import predict_out_of_fold, require_kept
from foxml_assets.serving.pair_service import of_another_panel, pair_routes, pair_service, untrained
from foxml_assets.serving.panel_rows import PanelRows, panel_rows
from foxml_assets.serving.predicting import (
    ServedPlan,
    TargetPredictions,
    predict_rows,
    prediction_schema,
)
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.data import panel_timeline
from foxml_assets.training.models.inventory import job_statuses
from foxml_assets.training.models.look import look_at

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_NAMED = 10
# At the end of times that name a zone, as the panel's description writes them.
_UTC = "+00:00"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PanelPredictions:
    """`frame` has the columns of `TargetPredictions.table`, sorted by target, symbol and time; `unserved`
    counts the pairs of the panel that have no predictions, by reason."""

    frame: pd.DataFrame
    unserved: dict[str, int]


@dataclass(frozen=True)
class Predictions:
    """Predictions by `plan` that are made target by target as they are asked for; `on` says on what."""

    plan: MasterPlan
    on: str
    schema: "pa.Schema"
    by_target: Iterator[TargetPredictions]


def predict_panel(
    panel: Path | OutOfSample, context: TrainingContext, time_unit: TimeUnit | None
) -> PanelPredictions:
    """What the models of the current plan say, as one frame. Raises as `open_predictions`."""
    import pyarrow as pa

    opened = open_predictions(panel, context, time_unit)
    found = list(opened.by_target)
    tables = [opened.schema.empty_table(), *(one.table for one in found)]
    unserved = sum((one.unserved for one in found), Counter[str]())
    # Each target's table numbers its texts by itself, and a category of pandas has one numbering.
    return PanelPredictions(pa.concat_tables(tables).unify_dictionaries().to_pandas(), dict(unserved))


def open_predictions(
    panel: Path | OutOfSample, context: TrainingContext, time_unit: TimeUnit | None
) -> Predictions:
    """What the models of the current plan say on the panel at a path, or on rows that they have not seen.

    Raises as `read_plan`, `read_panel_rows`, `serve_holdout` and `require_kept`.
    """
    if panel is OutOfSample.OUT_OF_FOLD:
        return _serve_out_of_fold(context)
    if panel is OutOfSample.HOLDOUT:
        served, rows = serve_holdout(context)
    else:
        served = read_plan(context)
        rows = read_panel_rows(panel, served, time_unit)
    return Predictions(
        plan=served.service.plan,
        on=f"{len(rows):,} rows of {len(rows.symbols):,} symbols",
        schema=prediction_schema(rows.time),
        by_target=predict_rows(served, rows, threads=context.config.threads),
    )


def read_plan(context: TrainingContext) -> ServedPlan:
    """The current plan and the state of its models.

    Raises PlanError for a plan that cannot be used, or that does not belong to the routing plan beside it,
    and RoutingPlanError.
    """
    plan, routing = _plan_and_routing(context.layout)
    routes = pair_routes(plan, routing, context.info)
    statuses = job_statuses(plan.jobs, look_at(plan.jobs, context), context.layout)
    unusable = untrained(statuses)
    return ServedPlan(context, pair_service(plan, unusable), routes)


def read_panel_rows(path: Path, served: ServedPlan, time_unit: TimeUnit | None) -> PanelRows:
    """The rows of the panel at `path`, with the columns that the plan's models take and no others.

    Time and symbol are named as in the panel that was trained on, and `time_unit` is what whole numbers in
    the time column count. Logs which columns are empty, and times of another clock. Raises PanelError, naming
    what does not fit.
    """
    info = served.context.info
    features = features_of(served.usable_jobs, info)
    raw = read_rows(str(path), info.time_column, info.symbol_column, features, time_unit)
    frame = validate_rows(raw)
    # Models were trained with gaps, and answer without a word however many there are.
    empty = [name for name in features if len(frame) and not frame[name].notna().any()]
    if empty:
        shown = ", ".join(empty[:_MAX_NAMED]) + (", ..." if len(empty) > _MAX_NAMED else "")
        _log.warning("%d features that models take have no value in any row: %s", len(empty), shown)
    is_zoned, was_zoned = frame[info.time_column].dt.tz is not None, info.start.endswith(_UTC)
    if is_zoned != was_zoned:
        here, there = ("UTC", "none") if is_zoned else ("none", "UTC")
        _log.warning(
            "the times name another zone (%s) than those of the panel that was trained on (%s): predictions "
            "have them as they stand here",
            here,
            there,
        )
    symbol = frame[info.symbol_column]
    return panel_rows(frame[features], frame[info.time_column], symbol, tuple(symbol.unique()))


def serve_holdout(context: TrainingContext) -> tuple[ServedPlan, PanelRows]:
    """The current plan and the hold-out rows of its panel. Jobs planned on other data serve nothing.

    Raises as `read_plan` and `holdout_timeline`, and PanelError where there is no hold-out.
    """
    timeline = holdout_timeline(context)
    require_holdout(timeline, context.layout)
    served = read_plan(context)
    served = served.without(of_another_panel(served.service.plan.jobs, context))
    return served, holdout_rows(features_of(served.usable_jobs, context.info), context, timeline)


def _serve_out_of_fold(context: TrainingContext) -> Predictions:
    plan, routing = _plan_and_routing(context.layout)
    routes = pair_routes(plan, routing, context.info)
    require_kept(routes, context.layout)
    schema = prediction_schema(panel_timeline(context).times.to_series())
    by_target = predict_out_of_fold(plan, routing, routes, context.layout, schema)
    return Predictions(plan, "the test windows of the folds, by the models that screen", schema, by_target)


def _plan_and_routing(layout: Layout) -> tuple[MasterPlan, RoutingPlan | None]:
    plan = load_master_training_plan(layout.master_plan)
    if plan.metadata.routing_plan_hash == ABSENT:
        return plan, None
    routing = find_routing_plan(layout)
    found = ABSENT if routing is None else routing.metadata.routing_plan_hash
    if found != plan.metadata.routing_plan_hash:
        problem = Problem("routing_plan_hash", f"is {found}", plan.metadata.routing_plan_hash)
        raise PlanStaleError(
            "the plan was made from another routing plan",
            file=layout.master_plan,
            problems=[problem],
            fix="make a new plan: foxml run --until plan",
        )
    return plan, routing
