"""What the models that screen said out of fold: for each pair those that stand in for its jobs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foxml_assets.core.errors import EvidenceError
from foxml_assets.core.vocabulary import Route
from foxml_assets.evidence.evidence_files import read_evidence
from foxml_assets.evidence.kept_predictions import kept_path, read_predictions
from foxml_assets.families.model import Vector
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.serving.job_models import mean_prediction
from foxml_assets.serving.pair_service import PairService, pair_service
from foxml_assets.serving.panel_rows import PanelRows, panel_rows
from foxml_assets.serving.predicting import BETWEEN_MODELS, TargetPredictions, prediction_table
from foxml_assets.storage.layout import Layout

if TYPE_CHECKING:
    import pyarrow as pa

# Before the id of the job whose place a model of the evidence takes.
_SCREEN = "screen:"


def require_kept(routes: pd.DataFrame, layout: Layout) -> None:
    """Raise EvidenceError where predictions of none of the targets in `routes` are kept."""
    if not any(kept_path(layout, target).is_file() for target in routes["target"].unique()):
        raise EvidenceError(
            "no out-of-fold predictions are kept",
            file=layout.feature_selections,
            fix="set evidence.keep_predictions: true in data_config.yaml, then: foxml run --until evidence",
        )


def predict_out_of_fold(
    plan: MasterPlan, routing: RoutingPlan | None, routes: pd.DataFrame, layout: Layout, schema: "pa.Schema"
) -> Iterator[TargetPredictions]:
    """The predictions for the pairs of `routes` (see `pair_routes`) on the labelled rows of the folds' test
    windows, by target in the order of their names.

    No job need be trained, but the evidence must be of the data that `routing`, of which the plan was made,
    went by. Raises EvidenceError for predictions that are damaged or of another evidence.
    """
    service = pair_service(plan, unusable={})
    of_data = _evidence_data(routing) if routing is not None else {}
    for target, pairs in routes.groupby("target", sort=True):
        kept = _read(layout, str(target), of_data.get(str(target)))
        by_symbol = dict(zip(pairs["symbol"], map(Route, pairs["route"]), strict=True))
        if kept is None:
            unserved = {"no out-of-fold predictions of the target are kept": len(pairs)}
            yield TargetPredictions(schema.empty_table(), 0, Counter(unserved))
        else:
            yield _predictions(str(target), by_symbol, service, kept)


def _evidence_data(routing: RoutingPlan) -> dict[str, str]:
    """By target, the hash of the data behind the evidence that a routing plan went by."""
    return dict(zip(routing.targets["target"], routing.targets["data_hash"], strict=True))


@dataclass(frozen=True)
class _Kept:
    """The predictions of a target by row, and whether they are of the data that the plan was made from."""

    rows: PanelRows
    pooled: Vector
    own: Vector
    is_of_plan: bool

    def said(self, symbol: str, jobs: tuple[Job, ...]) -> Vector:
        """What stands in for `jobs` says on each row of a symbol, NaN where one of them says nothing."""
        rows = self.rows.rows_of(symbol)
        return mean_prediction([(self.pooled if job.symbol is None else self.own)[rows] for job in jobs])

    def why_not(self, symbol: str, jobs: tuple[Job, ...]) -> str:
        """Why a pair that `jobs` serve has no predictions; empty if it has."""
        if not self.is_of_plan:
            return "the evidence is of other data than the plan"
        if symbol not in self.rows.position or np.isnan(self.said(symbol, jobs)).all():
            return "the evidence has no predictions of its models"
        return ""


def _read(layout: Layout, target: str, data_hash: str | None) -> _Kept | None:
    if not kept_path(layout, target).is_file():
        return None
    evidence = read_evidence(layout, target)
    frame = read_predictions(layout, evidence)
    rows = panel_rows(frame, frame["timestamp"], frame["symbol"], tuple(frame["symbol"].cat.categories))
    pooled, own = (frame[side].to_numpy(dtype=np.float64) for side in ("pooled", "own"))
    return _Kept(rows, pooled, own, evidence.data_hash == data_hash)


def _predictions(
    target: str, routes: Mapping[str, Route], service: PairService, kept: _Kept
) -> TargetPredictions:
    unserved = Counter[str]()
    jobs: dict[str, tuple[Job, ...]] = {}
    for symbol, route in routes.items():
        found = service.serve(target, symbol, route)
        why_not = found.why_not or kept.why_not(symbol, found.jobs)
        if why_not:
            unserved[why_not] += 1
        else:
            jobs[symbol] = found.jobs
    rows = kept.rows.only(jobs)
    said = np.concatenate([np.empty(0), *(kept.said(symbol, jobs[symbol]) for symbol in rows.symbols)])
    known = ~np.isnan(said)
    models = [BETWEEN_MODELS.join(_SCREEN + job.job_id for job in jobs[symbol]) for symbol in rows.symbols]
    table = prediction_table(rows.where(known), target, said[known], models, service.plan.metadata.plan_hash)
    return TargetPredictions(table, len(jobs), unserved)
