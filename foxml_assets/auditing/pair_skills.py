"""Hold-out skill of every compared pair under every scheme, with each block of time left out."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.auditing.holdout_errors import (
    Floats,
    HoldoutBlocks,
    Replicates,
    lower_bounds,
    pair_replicates,
)
from foxml_assets.auditing.routing_audit import BASELINES, Scheme
from foxml_assets.auditing.schemes import Serving
from foxml_assets.auditing.shelf import Shelf
from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import Route
from foxml_assets.families.model import Vector
from foxml_assets.serving.holdout import Holdout, read_holdout
from foxml_assets.serving.job_models import load_job_model, mean_prediction
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.split import Timeline

Flags = npt.NDArray[np.bool_]

SERVED = (Scheme.PLAN, *BASELINES)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """What scoring a pair takes."""

    context: TrainingContext
    timeline: Timeline
    blocks: HoldoutBlocks
    serving: Serving
    shelf: Shelf


@dataclass(frozen=True)
class PairSkills:
    """`rows` (n_pairs,): labelled hold-out rows; `scored`: whether they can be scored at all.

    `skill` per scheme of SERVED, shape (n_pairs, 1 + n_blocks): the sample's, then without each block that
    all targets share. `low` (n_pairs,): the lower end of the 95 % interval by the blocks of the pair's target
    alone, NaN where that is not known. Both are 0 where `served` is false, and where the pair is not scored.
    """

    rows: npt.NDArray[np.int64]
    scored: Flags
    served: Mapping[Scheme, Flags]
    skill: Mapping[Scheme, Floats]
    low: Mapping[Scheme, Floats]


def score_pairs(pairs: pd.DataFrame, desk: Desk) -> PairSkills:
    """Score `pairs` (target, symbol, route; sorted by target), one target at a time.

    Logs how far it is. Raises PanelError and TrainingError.
    """
    groups = [group for _, group in pairs.groupby("target", sort=False)]
    of_pairs: list[_PairScore] = []
    pool = ThreadPoolExecutor(desk.context.config.threads, thread_name_prefix="auditing")
    try:
        for number, found in enumerate(pool.map(lambda group: _score_target(group, desk), groups), start=1):
            of_pairs += found
            _log.info("audit: %d of %d targets scored on the hold-out", number, len(groups))
    finally:
        pool.shutdown(cancel_futures=True)
    nothing = np.zeros(1 + len(desk.blocks.shared))
    by_scheme = {scheme: [score.skill.get(scheme) for score in of_pairs] for scheme in SERVED}
    return PairSkills(
        rows=np.array([score.rows for score in of_pairs], dtype=np.int64),
        scored=np.array([score.scored for score in of_pairs], dtype=bool),
        served={
            scheme: np.array([one is not None for one in own], dtype=bool)
            for scheme, own in by_scheme.items()
        },
        skill={
            # Without any pair NumPy would not know the second dimension.
            scheme: np.array([nothing if one is None else one.shared for one in own]).reshape(
                -1, len(nothing)
            )
            for scheme, own in by_scheme.items()
        },
        low={
            scheme: np.array([0.0 if one is None else float(lower_bounds(one.own)) for one in own])
            for scheme, own in by_scheme.items()
        },
    )


@dataclass(frozen=True)
class _PairScore:
    rows: int
    scored: bool
    skill: Mapping[Scheme, Replicates] = field(default_factory=dict)


def _score_target(pairs: pd.DataFrame, desk: Desk) -> list[_PairScore]:
    target, symbols = str(pairs["target"].iloc[0]), pairs["symbol"].tolist()
    jobs = desk.serving.jobs_of(target, symbols)
    held = read_holdout(target, jobs, desk.context, desk.timeline)
    said = {
        spec: load_job_model(job, replace(desk.context, layout=desk.shelf.layout(job))).predict_rows(
            held.rows
        )
        for spec, job in {job.spec_hash: job for job in jobs}.items()
    }
    return [
        _score_pair(target, symbol, Route(route), held, said, desk)
        for symbol, route in zip(symbols, pairs["route"], strict=True)
    ]


def _score_pair(
    target: str,
    symbol: str,
    route: Route,
    held: Holdout,
    said: Mapping[str, Mapping[str, Vector]],
    desk: Desk,
) -> _PairScore:
    rows = held.rows.rows_of(symbol)
    y, bar = held.y[rows], held.bar[rows]
    n = len(y)
    # Labels of one value rank nothing.
    if n < max(desk.context.config.min_score_rows, 2) or np.ptp(y) == 0:
        return _PairScore(n, scored=False)
    metric = metric_of(desk.context.info.target(target).task_type)
    known: dict[tuple[str, ...], Replicates] = {}
    skill: dict[Scheme, Replicates] = {}
    for scheme in SERVED:
        jobs = desk.serving.jobs(scheme, target, symbol, route)
        # Schemes often serve a pair with the same models: their score is then the same.
        key = tuple(job.spec_hash for job in jobs)
        if key and key not in known:
            served = mean_prediction([said[spec][symbol] for spec in key])
            known[key] = pair_replicates(metric, y, served, bar, target, desk.blocks)
        if key:
            skill[scheme] = known[key]
    return _PairScore(n, scored=True, skill=skill)
