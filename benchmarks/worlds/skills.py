"""The truth of a world: hold-out skill of the pooled model, the symbol's own and their average, per pair."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.worlds.scoring import blocks_of, skill_by_block
from benchmarks.worlds.world import World, world_key
from foxml_assets.core.hashing import bytes_hash, content_hash
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.model import FittedModel
from foxml_assets.families.registry import fit
from foxml_assets.families.sections import FamiliesConfig

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

N_BLOCKS = 60
FIT_SEED = 20_240_229
TREES = "lightgbm"
MEAN = "mean"


def truth_families() -> tuple[ModelFamily, ...]:
    """LightGBM and ridge."""
    return (TREES, "ridge")


def variants(families: Sequence[ModelFamily]) -> tuple[str, ...]:
    """The families' names, and their mean where there are several."""
    names = tuple(families)
    return (*names, MEAN) if len(names) > 1 else names


@dataclass(frozen=True)
class Column:
    """One way to serve a pair: by the pooled model, its own or (both named) their average."""

    pooled: str | None
    own: str | None


@dataclass(frozen=True)
class SkillTable:
    """Skill and its influence sums, targets x symbols x columns (x blocks); fit seconds of one thread.

    Seconds are variants x targets for pooled models, variants x targets x symbols for own ones.
    """

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    skill: Singles
    influence: Singles
    pooled_seconds: Floats
    own_seconds: Floats

    @cached_property
    def _places(self) -> dict[Column, int]:
        return {column: at for at, column in enumerate(self.columns)}

    def place(self, pooled: str | None, own: str | None) -> int:
        """The position of a column. Raises KeyError."""
        return self._places[Column(pooled, own)]

    def error(self, first: int, second: int | None = None) -> Singles:
        """Standard error of a column, or of the difference of two: targets x symbols."""
        sums = self.influence[:, :, first]
        if second is not None:
            sums = sums - self.influence[:, :, second]
        return np.asarray(np.sqrt((sums**2).sum(axis=-1)))


def skill_table(world: World, cache: Path, *, threads: int = 2) -> SkillTable:
    """The table of `world`, from `cache` if it holds it."""
    families, config = truth_families(), FamiliesConfig()
    path = cache / f"skills_{world.spec.name}_{world.seed}_{_key(world, families, config)}.npz"
    names = variants(families)
    columns = tuple(
        Column(pooled, own)
        for pooled in (*names, None)
        for own in (*names, None)
        if pooled is not None or own is not None
    )
    if not path.is_file():
        _measure(world, families, config, columns, path, threads)
    with np.load(path, allow_pickle=False) as stored:
        return SkillTable(
            columns,
            names,
            stored["skill"],
            stored["influence"],
            stored["pooled_seconds"],
            stored["own_seconds"],
        )


def _key(world: World, families: Sequence[ModelFamily], config: FamiliesConfig) -> str:
    folder = Path(__file__).parent
    code = [bytes_hash((folder / f"{name}.py").read_bytes()) for name in ("scoring", "skills")]
    params = [config.of(family).model_dump(mode="json") for family in families]
    return content_hash([world_key(world), list(families), params, code])[:16]


def _measure(
    world: World,
    families: Sequence[ModelFamily],
    config: FamiliesConfig,
    columns: tuple[Column, ...],
    path: Path,
    threads: int,
) -> None:
    n_targets, n_symbols, names = len(world.targets), len(world.symbols), variants(families)
    skill = np.zeros((n_targets, n_symbols, len(columns)), np.float32)
    influence = np.zeros((*skill.shape, N_BLOCKS), np.float32)
    pooled_seconds = np.zeros((len(names), n_targets))
    own_seconds = np.zeros((len(names), n_targets, n_symbols))
    honest = np.ascontiguousarray(world.X[:, :, list(world.honest)])

    def measure(target: int) -> None:
        one = _Target(world, target, honest)
        predictions, seconds = one.fit_all(families, config)
        pooled_seconds[:, target] = seconds[:, 0]
        own_seconds[:, target] = seconds[:, 1:]
        for symbol in range(n_symbols):
            for at, column in enumerate(columns):
                used = [
                    predictions[side][names.index(name)][symbol]
                    for side, name in enumerate((column.pooled, column.own))
                    if name is not None
                ]
                value, sums = one.score(symbol, np.mean(used, axis=0))
                skill[target, symbol, at], influence[target, symbol, at] = value, sums

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(measure, range(n_targets)))
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_suffix(".part.npz")
    np.savez(staged, skill=skill, influence=influence, pooled_seconds=pooled_seconds, own_seconds=own_seconds)
    staged.replace(path)


@dataclass(frozen=True)
class _Target:
    """One target's rows. Evidence rows whose label reaches into the hold-out do not train."""

    world: World
    number: int
    X: Singles

    @property
    def task(self) -> TaskType:
        return self.world.targets[self.number].task

    def train_rows(self, symbol: int) -> slice:
        plan = self.world.targets[self.number]
        return slice(self.world.starts[symbol], self.world.spec.evidence_bars - plan.horizon)

    def holdout_rows(self) -> slice:
        plan = self.world.targets[self.number]
        return slice(self.world.spec.evidence_bars, self.world.spec.n_bars - plan.horizon)

    def label(self, symbol: int, rows: slice) -> Floats:
        return self.world.labels[self.number, symbol, rows].astype(np.float64)

    def score(self, symbol: int, prediction: Floats) -> tuple[float, Floats]:
        y = self.label(symbol, self.holdout_rows())
        return skill_by_block(self.task, y, prediction, blocks_of(len(y), N_BLOCKS), N_BLOCKS)

    def fit_all(
        self, families: Sequence[ModelFamily], config: FamiliesConfig
    ) -> tuple[list[list[list[Floats]]], Floats]:
        """Predictions by side, variant and symbol; seconds by variant and model, the pooled one first."""
        symbols = range(len(self.world.symbols))
        pooled: list[list[Floats]] = []
        own: list[list[Floats]] = []
        seconds: list[list[float]] = []
        for family in families:
            X, y = self._pooled_rows()
            started = time.thread_time()
            model = self._fit(family, config, X, y, categorical=(f"f{X.shape[1] - 1}",))
            taken = [time.thread_time() - started]
            pooled.append([model.predict(self._with_symbol(s, self.holdout_rows())) for s in symbols])
            own.append([])
            for symbol in symbols:
                rows = self.train_rows(symbol)
                started = time.thread_time()
                model = self._fit(family, config, self.X[symbol, rows], self.label(symbol, rows))
                taken.append(time.thread_time() - started)
                own[-1].append(model.predict(self.X[symbol, self.holdout_rows()]))
            seconds.append(taken)
        if len(families) > 1:
            for side in (pooled, own):
                side.append([np.mean([one[symbol] for one in side], axis=0) for symbol in symbols])
            seconds.append(list(np.sum(seconds, axis=0)))
        return [pooled, own], np.asarray(seconds)

    def _fit(
        self,
        family: ModelFamily,
        config: FamiliesConfig,
        X: Singles,
        y: Floats,
        categorical: tuple[str, ...] = (),
    ) -> FittedModel:
        return fit(family, self.task, X, y, params=config.of(family), seed=FIT_SEED, categorical=categorical)

    def _with_symbol(self, symbol: int, rows: slice) -> Singles:
        chosen = self.X[symbol, rows]
        return np.column_stack([chosen, np.full(len(chosen), symbol, np.float32)])

    def _pooled_rows(self) -> tuple[Singles, Floats]:
        symbols = range(len(self.world.symbols))
        X = np.concatenate([self._with_symbol(symbol, self.train_rows(symbol)) for symbol in symbols])
        return X, np.concatenate([self.label(symbol, self.train_rows(symbol)) for symbol in symbols])
