"""What the models of a plan say on rows of a panel, target by target."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import Route
from foxml_assets.families.model import Vector
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.serving.job_models import load_job_model, mean_prediction
from foxml_assets.serving.pair_service import PairService, Service
from foxml_assets.serving.panel_rows import PanelRows
from foxml_assets.training.context import TrainingContext

if TYPE_CHECKING:
    import pyarrow as pa

# No name of a target or symbol may hold it.
BETWEEN_MODELS = "|"
_PROGRESS_SECONDS = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServedPlan:
    """A plan in force, the `routes` of its pairs (`pair_routes`), and what its models are held against."""

    context: TrainingContext
    service: PairService
    routes: pd.DataFrame

    @property
    def usable_jobs(self) -> list[Job]:
        """The jobs that can serve, in plan order."""
        return [job for job in self.service.plan.jobs if job.job_id not in self.service.unusable]

    def without(self, unusable: Mapping[str, str]) -> "ServedPlan":
        """The same but for jobs that are unusable too; what was wrong with one before comes first."""
        service = replace(self.service, unusable={**unusable, **self.service.unusable})
        return replace(self, service=service)


@dataclass(frozen=True)
class TargetPredictions:
    """The predictions of one target.

    `table` holds timestamp, symbol, target, prediction, models (the ids of the jobs whose mean it is, joined
    by a vertical bar) and plan_hash, sorted by symbol and time. `pairs` counts those that have predictions,
    `unserved` those that have none, by reason.
    """

    table: "pa.Table"
    pairs: int
    unserved: Counter[str]


@dataclass(frozen=True)
class _Task:
    """One target: the routes of its symbols, and the jobs that serve symbols of the rows."""

    target: str
    routes: Mapping[str, Route]
    jobs: tuple[Job, ...]


def prediction_schema(time: pd.Series) -> "pa.Schema":
    """The columns of predictions on rows of these times."""
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    kinds = {
        "timestamp": pa.Array.from_pandas(time.iloc[:0]).type,
        "symbol": text,
        "target": text,
        "prediction": pa.float64(),
        "models": text,
        "plan_hash": text,
    }
    return pa.schema(kinds)


def predict_rows(served: ServedPlan, rows: PanelRows, *, threads: int) -> Iterator[TargetPredictions]:
    """The predictions on `rows`, by target in the order of their names. Logs how far it is.

    Each model is verified and loaded once, and predicts all its rows at once. One that turns out to be
    unusable leaves its pairs without predictions, and the others standing.
    """
    tasks = [
        _task(served.service, str(target), pairs, rows)
        for target, pairs in served.routes.groupby("target", sort=True)
    ]
    total, done, told = sum(len(task.jobs) for task in tasks), 0, time.monotonic()
    with ThreadPoolExecutor(threads, thread_name_prefix="predicting") as pool:
        for task in tasks:
            said: dict[str, Mapping[str, Vector]] = {}
            unusable = dict(served.service.unusable)
            answers = pool.map(lambda job: _ask(job, served.context, rows), task.jobs)
            for job, answer in zip(task.jobs, answers, strict=True):
                if isinstance(answer, str):
                    unusable[job.job_id] = answer
                else:
                    said[job.job_id] = answer
                done += 1
                if time.monotonic() - told >= _PROGRESS_SECONDS:
                    _log.info("predictions: %d of %d jobs' models have been asked", done, total)
                    told = time.monotonic()
            yield _predictions(task, replace(served.service, unusable=unusable), rows, said)


def _task(service: PairService, target: str, pairs: pd.DataFrame, rows: PanelRows) -> _Task:
    routes = dict(zip(pairs["symbol"], map(Route, pairs["route"]), strict=True))
    services = [service.serve(target, symbol, routes[symbol]) for symbol in rows.symbols if symbol in routes]
    jobs = {job.job_id: job for one in services for job in one.jobs}
    return _Task(target, routes, tuple(jobs.values()))


def _ask(job: Job, context: TrainingContext, rows: PanelRows) -> Mapping[str, Vector] | str:
    """What a job's models say on the rows of each symbol; a text if they cannot be used."""
    try:
        return load_job_model(job, context).predict_rows(rows)
    except TrainingError as error:
        return f"cannot be used: {error.summary}"


def _predictions(
    task: _Task, service: PairService, rows: PanelRows, said: Mapping[str, Mapping[str, Vector]]
) -> TargetPredictions:
    unserved, served, models = Counter[str](), [], []
    predictions: list[Vector] = []
    for symbol in rows.symbols:
        found = _service(task, service, symbol, said)
        if found.why_not:
            unserved[found.why_not] += 1
            continue
        served.append(symbol)
        models.append(BETWEEN_MODELS.join(job.job_id for job in found.jobs))
        predictions.append(mean_prediction([said[job.job_id][symbol] for job in found.jobs]))
    own = rows.only(served)
    # In the order of `served`, which is that of the rows that `only` keeps.
    prediction = np.concatenate([np.empty(0), *predictions])
    table = prediction_table(own, task.target, prediction, models, service.plan.metadata.plan_hash)
    return TargetPredictions(table, len(served), unserved)


def _service(
    task: _Task, service: PairService, symbol: str, said: Mapping[str, Mapping[str, Vector]]
) -> Service:
    if symbol not in task.routes:
        return Service((), "the plan does not know the symbol")
    found = service.serve(task.target, symbol, task.routes[symbol])
    if any(symbol not in said[job.job_id] for job in found.jobs):
        return Service((), "a model of it was not trained on the symbol")
    return found


def prediction_table(
    rows: PanelRows, target: str, prediction: Vector, models: Sequence[str], plan_hash: str
) -> "pa.Table":
    """The table of `TargetPredictions`; `models` has a text for each symbol of `rows`."""
    import pyarrow as pa

    n_symbols = len(rows.symbols)
    columns = [
        pa.Array.from_pandas(rows.time),
        _coded(rows, rows.symbols),
        _coded(rows, [target] * n_symbols),
        pa.array(prediction, pa.float64()),
        _coded(rows, models),
        _coded(rows, [plan_hash] * n_symbols),
    ]
    return pa.table(columns, schema=prediction_schema(rows.time))


def _coded(rows: PanelRows, texts: Sequence[str]) -> "pa.DictionaryArray":
    """The text of each symbol on each of its rows."""
    import pyarrow as pa

    # Many symbols share a text: the jobs of a pooled model, say.
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    code = pa.array(rows.spread([distinct[text] for text in texts]), pa.int32())
    return pa.DictionaryArray.from_arrays(code, pa.array(distinct, pa.string()))
