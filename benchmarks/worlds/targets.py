"""Planted targets: their relation to the features, the response of each bar and the label made of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.worlds.series import (
    clustered,
    forward_volatility,
    momentum,
    trailing_mean,
    trailing_volatility,
)
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
from foxml_assets.core.vocabulary import TaskType

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_HORIZONS = (1, 1, 5, 5, 10)
_TRIES = 30
_LEAKS_WITHOUT_RELATION = 0.7


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
    """A plan with its data, symbols x bars: the response of each bar, and the label (NaN at the end).

    `columns` are honest features made of the response, each with its description.
    """

    plan: TargetPlan
    response: Floats
    label: Floats
    columns: tuple[tuple[str, Floats], ...] = ()


@dataclass(frozen=True)
class Request:
    """What to plant: target `number`; `goal` in [0, 1] is its place between the weakest and strongest."""

    number: int
    kind: Kind
    goal: float
    series: Shape | None = None
    leak: LeakSpec | None = None


def plant(request: Request, features: Floats, spec: WorldSpec, rng: np.random.Generator) -> Planted:
    """Plant a target whose relation is with `features` (features x symbols x bars), if it has one."""
    task = TaskType.CLASSIFICATION if rng.random() < 0.6 else TaskType.REGRESSION
    horizon = int(rng.choice(_HORIZONS))
    if request.leak and request.leak.shift:
        horizon = request.leak.shift
    if request.series is Shape.VOLATILITY or (request.leak and request.leak.volatility):
        return _plant_volatility(request, max(horizon, 5), task, spec, rng)
    low, high = spec.auc_range(request.kind)
    # More weak relations than strong ones.
    auc = low + request.goal**1.3 * (high - low)
    if request.series is Shape.MOMENTUM:
        return _plant_momentum(request, horizon, task, spec, rng)
    shared = request.kind in (Kind.GLOBAL, Kind.MIXED, Kind.DRIFT)
    if request.kind is Kind.LEAK and request.goal > _LEAKS_WITHOUT_RELATION:
        shared, auc = True, 0.53
    common = _draw_able(features, horizon, auc, rng) if shared else None
    own = _own_symbols(request.kind, spec, rng)
    response = _noise(spec, rng)
    if common is not None:
        course = _course(request.kind, spec, rng)
        response[:, 1:] += _part(common, features, horizon, auc, course)[:, :-1]
    for symbol in np.flatnonzero(own):
        rows = features[:, symbol : symbol + 1]
        own_auc = spec.local_auc[0] + rng.random() * (spec.local_auc[1] - spec.local_auc[0])
        signal = _draw_able(rows, horizon, own_auc, rng, linear_only=rng.random() < 0.5)
        response[symbol, 1:] += _part(signal, rows, horizon, own_auc, np.ones(spec.n_bars))[0, :-1]
    plan = TargetPlan(
        name=_name(request, task, horizon, spec),
        kind=request.kind,
        task=task,
        horizon=horizon,
        auc=auc if shared or own.any() else 0.5,
        shape=common.shape if common else None,
        shared=shared,
        own=tuple(bool(flag) for flag in own),
        leak=request.leak,
    )
    return Planted(plan, response, _label(future_sum(response, horizon), task))


def _plant_volatility(
    request: Request, horizon: int, task: TaskType, spec: WorldSpec, rng: np.random.Generator
) -> Planted:
    """Forward volatility, which trailing volatility foretells. Little of it beside a leak."""
    spread = 0.25 if request.leak else rng.uniform(0.3, 0.7)
    response = clustered(_noise(spec, rng), spread, rng)
    name = _name(request, task, horizon, spec)
    columns = tuple(
        (f"volatility of {window} bars of {name}", trailing_volatility(response, window))
        for window in (5, 20)
    )
    plan = TargetPlan(
        name,
        request.kind,
        task,
        horizon,
        0.6,
        Shape.VOLATILITY,
        True,
        (False,) * spec.n_symbols,
        request.leak,
    )
    return Planted(plan, response, _label(forward_volatility(response, horizon), task), columns)


def _plant_momentum(
    request: Request, horizon: int, task: TaskType, spec: WorldSpec, rng: np.random.Generator
) -> Planted:
    window = int(rng.choice([3, 5, 10]))
    correlation = rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 0.2)
    response = momentum(_noise(spec, rng), window, correlation)
    name = _name(request, task, horizon, spec)
    columns = ((f"mean of the last {window} responses of {name}", trailing_mean(response, window)),)
    plan = TargetPlan(
        name, request.kind, task, horizon, 0.55, Shape.MOMENTUM, True, (False,) * spec.n_symbols
    )
    return Planted(plan, response, _label(future_sum(response, horizon), task), columns)


def _name(request: Request, task: TaskType, horizon: int, spec: WorldSpec) -> str:
    word = "y" if task is TaskType.CLASSIFICATION else "fwd"
    is_daily = spec.bar_minutes >= 1_440
    length = horizon if is_daily else horizon * spec.bar_minutes
    return f"{word}_t{request.number:02d}_{length}{'d' if is_daily else 'm'}"


def _label(total: Floats, task: TaskType) -> Floats:
    return np.where(np.isnan(total), np.nan, total > 0.0) if task is TaskType.CLASSIFICATION else total


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
    return np.asarray(np.sqrt(spec.noise_correlation) * common + np.sqrt(1.0 - spec.noise_correlation) * own)


def _own_symbols(kind: Kind, spec: WorldSpec, rng: np.random.Generator) -> Flags:
    own = np.zeros(spec.n_symbols, dtype=bool)
    if kind in (Kind.LOCAL, Kind.MIXED):
        count = max(1, round(spec.n_symbols * rng.uniform(*spec.own_share)))
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
