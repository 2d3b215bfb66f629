"""Planted targets: their relation to the features, the response of each bar and the label made of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.worlds.signals import (
    Shape,
    Signal,
    correlation_for,
    draw_signal,
    foresight,
    future_sum,
    strength,
)
from benchmarks.worlds.spec import Kind, LeakSpec, WorldSpec
from foxml_assets.vocabulary import TaskType

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_HORIZONS = (1, 1, 5, 5, 10)
_TRIES = 30


@dataclass(frozen=True)
class TargetPlan:
    """What is planted. `own` tells the symbols with a relation of their own, `shared` a common one.

    `auc` is the goal of the common relation, or of the own ones where there is no common one.
    """

    name: str
    kind: Kind
    task: TaskType
    horizon: int
    auc: float
    shape: Shape | None
    shared: bool
    own: tuple[bool, ...]
    leak: LeakSpec | None = None


@dataclass(frozen=True)
class Planted:
    """A plan with its data, symbols x bars: the response of each bar, and the label (NaN at the end)."""

    plan: TargetPlan
    response: Floats
    label: Floats


def plant(
    number: int,
    kind: Kind,
    goal: float,
    leak: LeakSpec | None,
    features: Floats,
    spec: WorldSpec,
    rng: np.random.Generator,
) -> Planted:
    """Plant target `number`; `goal` in [0, 1] is its place between the weakest and the strongest."""
    task = TaskType.CLASSIFICATION if rng.random() < 0.6 else TaskType.REGRESSION
    horizon = leak.shift if leak and leak.shift else int(rng.choice(_HORIZONS))
    low, high = spec.global_auc if kind in (Kind.GLOBAL, Kind.MIXED) else spec.local_auc
    auc = low + goal * (high - low)
    shared = kind in (Kind.GLOBAL, Kind.MIXED, Kind.DRIFT)
    if kind is Kind.LEAK and goal > 0.6:
        shared, auc = True, 0.54
    common = _draw_able(features, horizon, auc, rng) if shared else None
    own = _own_symbols(kind, spec, rng)
    response = _noise(spec, rng)
    if common is not None:
        response[:, 1:] += _part(common, features, horizon, auc, _course(kind, spec, rng))[:, :-1]
    for symbol in np.flatnonzero(own):
        rows = features[:, symbol : symbol + 1]
        own_auc = spec.local_auc[0] + rng.random() * (spec.local_auc[1] - spec.local_auc[0])
        signal = _draw_able(rows, horizon, own_auc, rng, linear_only=rng.random() < 0.5)
        response[symbol, 1:] += _part(signal, rows, horizon, own_auc, np.ones(spec.n_bars))[0, :-1]
    total = future_sum(response, horizon)
    label = np.where(np.isnan(total), np.nan, total > 0.0) if task is TaskType.CLASSIFICATION else total
    word = "y" if task is TaskType.CLASSIFICATION else "fwd"
    unit = "d" if spec.bar_minutes >= 1_440 else "m"
    bars = horizon if spec.bar_minutes >= 1_440 else horizon * spec.bar_minutes
    plan = TargetPlan(
        name=f"{word}_t{number:02d}_{bars}{unit}",
        kind=kind,
        task=task,
        horizon=horizon,
        auc=auc if shared or own.any() else 0.5,
        shape=common.shape if common else None,
        shared=shared,
        own=tuple(bool(flag) for flag in own),
        leak=leak,
    )
    return Planted(plan, response, label)


def _draw_able(
    features: Floats, horizon: int, auc: float, rng: np.random.Generator, *, linear_only: bool = False
) -> Signal:
    """A signal slow enough to know that much of the label; the last of many tries if none is."""
    for _ in range(_TRIES):
        signal = draw_signal(len(features), rng, linear_only=linear_only)
        values = signal.values(features[:, :1])
        if 0.8 * foresight(values, horizon)[1] >= correlation_for(auc):
            break
    return signal


def _part(signal: Signal, features: Floats, horizon: int, auc: float, course: Floats) -> Floats:
    values = signal.values(features)
    return strength(values, horizon, correlation_for(auc)) * values * course


def _noise(spec: WorldSpec, rng: np.random.Generator) -> Floats:
    common = rng.standard_normal((1, spec.n_bars))
    own = rng.standard_normal((spec.n_symbols, spec.n_bars))
    return np.sqrt(spec.noise_correlation) * common + np.sqrt(1.0 - spec.noise_correlation) * own


def _own_symbols(kind: Kind, spec: WorldSpec, rng: np.random.Generator) -> Flags:
    own = np.zeros(spec.n_symbols, dtype=bool)
    if kind in (Kind.LOCAL, Kind.MIXED):
        count = max(1, round(spec.n_symbols * rng.uniform(0.1, 0.35)))
        own[rng.choice(spec.n_symbols, count, replace=False)] = True
    return own


def _course(kind: Kind, spec: WorldSpec, rng: np.random.Generator) -> Floats:
    """The factor on the common relation per bar: constant, or one that turns or fades and is gone in the
    hold-out."""
    if kind is not Kind.DRIFT:
        return np.ones(spec.n_bars)
    bar = np.arange(spec.n_bars) / spec.evidence_bars
    turn = rng.uniform(0.4, 0.7)
    if rng.random() < 0.5:
        course = np.where(bar < turn, 1.0, -1.0)
    else:
        course = np.clip((turn + 0.15 - bar) / 0.15, 0.0, 1.0)
    return np.where(bar < 1.0, course, 0.0)
