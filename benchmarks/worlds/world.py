"""A whole world: features, leaks among them, and targets whose truth is known."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.worlds.features import honest_features
from benchmarks.worlds.leaks import LeakColumn, leak_column
from benchmarks.worlds.spec import LEAKS, Kind, WorldSpec
from benchmarks.worlds.targets import Planted, TargetPlan, plant

Singles = npt.NDArray[np.float32]

_SESSION_MINUTES = 390
_KIND_SALT = 7_919


@dataclass(frozen=True)
class PlantedLeak:
    """The panel column that knows `target`, on the symbols at `symbols`."""

    column: str
    target: str
    symbols: tuple[int, ...]


@dataclass(frozen=True)
class World:
    """`X` is symbols x bars x features, `labels` targets x symbols x bars (NaN where unknown).

    Symbol s exists from bar `starts[s]` on. `recipes` says what each feature is.
    """

    spec: WorldSpec
    seed: int
    times: pd.DatetimeIndex
    symbols: tuple[str, ...]
    starts: tuple[int, ...]
    features: tuple[str, ...]
    recipes: tuple[str, ...]
    X: Singles
    targets: tuple[TargetPlan, ...]
    labels: Singles
    leaks: tuple[PlantedLeak, ...]

    @cached_property
    def leak_of(self) -> dict[str, PlantedLeak]:
        """The leak of each target that has one."""
        return {leak.target: leak for leak in self.leaks}

    @cached_property
    def honest(self) -> tuple[int, ...]:
        """Positions of the features that know no label."""
        leaking = {leak.column for leak in self.leaks}
        return tuple(at for at, name in enumerate(self.features) if name not in leaking)


def make_world(spec: WorldSpec, seed: int) -> World:
    """The world of `spec` and `seed`; the same arguments give the same arrays, bit for bit."""
    rng = np.random.default_rng([seed, _KIND_SALT])
    times = _times(spec)
    honest = honest_features(spec, times, rng)
    planted = _plant_targets(spec, seed, honest.values, rng)
    leaking = [(one.plan, leak_column(one, rng)) for one in planted if one.plan.leak]
    relatives = [(plan, column.relative) for plan, column in leaking if column.relative is not None]
    columns = [*honest.values, *(rows for _, rows in relatives), *(column.values for _, column in leaking)]
    recipes = [
        *honest.recipes,
        *(f"trailing mean of the response of {plan.name}" for plan, _ in relatives),
        *(f"leak of {plan.name}" for plan, _ in leaking),
    ]
    order = rng.permutation(len(columns))
    names = tuple(f"x{at:02d}" for at in range(len(columns)))
    X = np.stack([columns[at].astype(np.float32) for at in order], axis=-1)
    place = {int(at): names[new] for new, at in enumerate(order)}
    first_leak = len(columns) - len(leaking)
    return World(
        spec=spec,
        seed=seed,
        times=times,
        symbols=tuple(f"S{at:03d}" for at in range(spec.n_symbols)),
        starts=_starts(spec, rng),
        features=names,
        recipes=tuple(recipes[at] for at in order),
        X=X,
        targets=tuple(one.plan for one in planted),
        labels=np.stack([one.label.astype(np.float32) for one in planted]),
        leaks=tuple(
            _planted_leak(place[first_leak + at], plan, column) for at, (plan, column) in enumerate(leaking)
        ),
    )


def _planted_leak(name: str, plan: TargetPlan, column: LeakColumn) -> PlantedLeak:
    return PlantedLeak(name, plan.name, tuple(int(at) for at in np.flatnonzero(column.symbols)))


def _plant_targets(
    spec: WorldSpec, seed: int, features: npt.NDArray[np.float64], rng: np.random.Generator
) -> list[Planted]:
    kinds = spec.kinds.kinds()
    n_leaks = kinds.count(Kind.LEAK)
    numbers = rng.permutation(len(kinds))
    planted = []
    for at, kind in enumerate(kinds):
        same = [other for other, name in enumerate(kinds) if name is kind]
        # Strengths of a kind are spread evenly, with some play.
        goal = (same.index(at) + rng.random()) / len(same)
        leak = LEAKS[(seed * n_leaks + same.index(at)) % len(LEAKS)] if kind is Kind.LEAK else None
        planted.append(plant(int(numbers[at]), kind, goal, leak, features, spec, rng))
    return sorted(planted, key=lambda one: one.plan.name)


def _times(spec: WorldSpec) -> pd.DatetimeIndex:
    if spec.bar_minutes >= 1_440:
        return pd.bdate_range("1960-01-04", periods=spec.n_bars)
    per_day = _SESSION_MINUTES // spec.bar_minutes
    days = pd.bdate_range("2015-01-05", periods=-(-spec.n_bars // per_day))
    minutes = pd.to_timedelta(570 + spec.bar_minutes * np.arange(per_day), unit="m")
    stamps = days.to_numpy()[:, None] + minutes.to_numpy()[None, :]
    return pd.DatetimeIndex(stamps.ravel()[: spec.n_bars])


def _starts(spec: WorldSpec, rng: np.random.Generator) -> tuple[int, ...]:
    starts = np.zeros(spec.n_symbols, dtype=int)
    late = rng.choice(spec.n_symbols, spec.short_symbols, replace=False)
    starts[late] = spec.evidence_bars - rng.integers(*spec.short_bars, spec.short_symbols)
    return tuple(int(bar) for bar in starts)
