"""Honest features: factors of different memory, what is derived from them, calendar and season.

Every function is causal: row t of the result depends on rows up to t of the argument only.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.signal import lfilter

from benchmarks.worlds.spec import WorldSpec

Floats = npt.NDArray[np.float64]

# From white noise to a half-life of 34 bars.
_MEMORY = (0.0, 0.9, 0.4, 0.98, 0.0, 0.7, 0.2, 0.95, 0.5, 0.85)
_TAIL_FREEDOM = 4.0


@dataclass(frozen=True)
class HonestFeatures:
    """`values` is features x symbols x bars; `recipes` says in words what each one is."""

    values: Floats
    recipes: tuple[str, ...]


def honest_features(spec: WorldSpec, times: pd.DatetimeIndex, rng: np.random.Generator) -> HonestFeatures:
    """The features of a world, every one with about unit variance."""
    n_base = max(3, round(spec.n_features * 0.65))
    base = [_factor(spec, _MEMORY[at % len(_MEMORY)], rng) for at in range(n_base)]
    recipes = [f"memory {_MEMORY[at % len(_MEMORY)]}" for at in range(n_base)]
    derived = _derived(spec.n_features - n_base, base, times, rng)
    return HonestFeatures(
        values=np.stack([*base, *(values for values, _ in derived)]),
        recipes=(*recipes, *(recipe for _, recipe in derived)),
    )


def rolling_mean(values: Floats, window: int) -> Floats:
    """Mean of the last `window` bars along the last axis; of those there are at the start."""
    total = np.cumsum(values, axis=-1)
    result = total.copy()
    result[..., window:] -= total[..., :-window]
    return result / np.minimum(np.arange(1, values.shape[-1] + 1), window)


def lagged(values: Floats, bars: int) -> Floats:
    """The values `bars` earlier; the first ones repeat the very first."""
    return np.concatenate([np.repeat(values[..., :1], bars, axis=-1), values[..., :-bars]], axis=-1)


def cycle(times: pd.DatetimeIndex, bar_minutes: int) -> Floats:
    """Day of the week of daily bars, hour of the day of faster ones: the same for all symbols."""
    raw = times.day_of_week if bar_minutes >= 1_440 else times.hour
    scale = 2.0 if bar_minutes >= 1_440 else 4.0
    return (np.asarray(raw, dtype=np.float64) - (2.0 if bar_minutes >= 1_440 else 12.5)) / scale * 1.4


def autoregressive(shocks: Floats, memory: float) -> Floats:
    """x_t = memory * x_(t-1) + sqrt(1 - memory^2) * shock_t along the last axis; unit variance throughout."""
    scaled = shocks * np.sqrt(1.0 - memory**2)
    scaled[..., 0] = shocks[..., 0]
    return np.asarray(lfilter([1.0], [1.0, -memory], scaled, axis=-1))


def _factor(spec: WorldSpec, memory: float, rng: np.random.Generator) -> Floats:
    shared = rng.uniform(0.0, 0.8)
    heavy = rng.random() < spec.heavy_tails
    common = autoregressive(_shocks((1, spec.n_bars), heavy, rng), memory)
    own = autoregressive(_shocks((spec.n_symbols, spec.n_bars), heavy, rng), memory)
    return np.asarray(np.sqrt(shared) * common + np.sqrt(1.0 - shared) * own)


def _shocks(shape: tuple[int, int], heavy: bool, rng: np.random.Generator) -> Floats:
    if not heavy:
        return rng.standard_normal(shape)
    return np.asarray(rng.standard_t(_TAIL_FREEDOM, shape) / np.sqrt(_TAIL_FREEDOM / (_TAIL_FREEDOM - 2.0)))


def _derived(
    count: int, base: list[Floats], times: pd.DatetimeIndex, rng: np.random.Generator
) -> list[tuple[Floats, str]]:
    bar_minutes = int(np.median(np.diff(times.to_numpy()) / np.timedelta64(1, "m")))
    made: list[tuple[Floats, str]] = []
    shape = base[0].shape
    for at in range(count):
        source = int(rng.integers(len(base)))
        match at % 5:
            case 0:
                window = int(rng.choice([5, 10, 20]))
                made.append(
                    (scaled(rolling_mean(base[source], window)), f"mean of {window} of feature {source}")
                )
            case 1 if at < 5:
                made.append((np.broadcast_to(cycle(times, bar_minutes), shape), "calendar"))
            case 2:
                period = float(rng.choice([21.0, 63.0, 252.0]))
                wave = np.sqrt(2.0) * np.sin(2 * np.pi * np.arange(shape[1]) / period)
                made.append((0.9 * wave + 0.44 * rng.standard_normal(shape), f"season of {period:.0f} bars"))
            case 3:
                made.append((lagged(base[source], 1), f"feature {source} one bar ago"))
            case _:
                window = int(rng.choice([3, 8, 15]))
                gap = base[source] - rolling_mean(base[source], window)
                made.append((scaled(gap), f"feature {source} less its mean of {window}"))
    return made


def scaled(values: Floats) -> Floats:
    """The values over the standard deviation of their first 500 bars."""
    return np.asarray(values / values[..., :500].std())
