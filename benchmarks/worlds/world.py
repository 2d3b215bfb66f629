"""A whole world: features, leaks among them, and targets whose truth is known."""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.worlds.features import honest_features
from benchmarks.worlds.leaks import LeakColumn, leak_column
from benchmarks.worlds.signals import Shape
from benchmarks.worlds.spec import LEAKS, Kind, WorldSpec
from benchmarks.worlds.targets import Planted, Request, TargetPlan, plant
from foxml_assets.core.hashing import bytes_hash, content_hash

Singles = npt.NDArray[np.float32]

_SESSION_MINUTES = 390
_KIND_SALT = 7_919
_GENERATOR = ("features", "leaks", "series", "signals", "targets", "world")


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
    trailing = [pair for one in planted for pair in one.columns]
    trailing += [
        (f"mean of the last responses of {plan.name}", column.relative)
        for plan, column in leaking
        if column.relative is not None
    ]
    columns = [*honest.values, *(rows for _, rows in trailing), *(column.values for _, column in leaking)]
    recipes = [
        *honest.recipes,
        *(recipe for recipe, _ in trailing),
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


def world_key(world: World) -> str:
    """Hash of what makes the world: its spec, its seed and the generator's own code."""
    folder = Path(__file__).parent
    code = [bytes_hash((folder / f"{name}.py").read_bytes()) for name in _GENERATOR]
    return content_hash([asdict(world.spec), world.seed, code])


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
        place = same.index(at)
        request = Request(
            number=int(numbers[at]),
            kind=kind,
            # Strengths of a kind are spread evenly, with some play.
            goal=(place + rng.random()) / len(same),
            series=_series(spec, kind, place, len(same)),
            leak=LEAKS[(seed * n_leaks + place) % len(LEAKS)] if kind is Kind.LEAK else None,
        )
        planted.append(plant(request, features, spec, rng))
    return sorted(planted, key=lambda one: one.plan.name)


def _series(spec: WorldSpec, kind: Kind, place: int, count: int) -> Shape | None:
    """The second weakest global target is momentum, the middle one is volatility."""
    if kind is not Kind.GLOBAL or not spec.series_targets:
        return None
    return {1: Shape.MOMENTUM, count // 2: Shape.VOLATILITY}.get(place)


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
