"""Responses that depend on their own past, and trailing columns of them: momentum and volatility."""

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from benchmarks.worlds.features import autoregressive, rolling_mean, scaled
from benchmarks.worlds.signals import future_sum

Floats = npt.NDArray[np.float64]

_TINY = 1e-3
_VOLATILITY_MEMORY = 0.95


def momentum(noise: Floats, window: int, correlation: float) -> Floats:
    """Responses that follow the mean of their last `window` ones (or turn against it, if negative).

    r_t = c * mean(r_(t-window) .. r_(t-1)) + noise_t with c = correlation * sqrt(window), so that the mean
    correlates about so with the next response.
    """
    slope = correlation * np.sqrt(window)
    return np.asarray(lfilter([1.0], [1.0, *([-slope / window] * window)], noise, axis=-1))


def clustered(noise: Floats, spread: float, rng: np.random.Generator) -> Floats:
    """`noise` times a slow volatility, exp(spread * v / 2) with v autoregressive of unit variance, half of it
    common to all symbols."""
    shared = autoregressive(rng.standard_normal((1, noise.shape[1])), _VOLATILITY_MEMORY)
    own = autoregressive(rng.standard_normal(noise.shape), _VOLATILITY_MEMORY)
    return np.asarray(noise * np.exp(spread * (shared + own) / np.sqrt(2.0) / 2.0))


def trailing_mean(response: Floats, window: int) -> Floats:
    """Mean of the last `window` responses, of unit variance."""
    return scaled(rolling_mean(response, window))


def trailing_volatility(response: Floats, window: int) -> Floats:
    """Logarithm of the mean square of the last `window` responses, of unit variance around 0."""
    raw = np.log(rolling_mean(response**2, window) + _TINY)
    return scaled(raw - raw[..., :500].mean())


def forward_volatility(response: Floats, horizon: int) -> Floats:
    """Logarithm of the mean square of the next `horizon` responses, around 0; NaN at the end."""
    raw = np.log(future_sum(response**2, horizon) / horizon + _TINY)
    return np.asarray(raw - np.nanmedian(raw))


def shifted(values: Floats, bars: int) -> Floats:
    """The values `bars` later; the last ones repeat the very last."""
    return np.concatenate([values[..., bars:], np.repeat(values[..., -1:], bars, axis=-1)], axis=-1)
