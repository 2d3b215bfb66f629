"""Signals: what of the next bar's response the features of this bar know."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Floats = npt.NDArray[np.float64]


class Shape(StrEnum):
    """MOMENTUM and VOLATILITY depend on the response's own past; the others on features."""

    LINEAR = "linear"
    SATURATING = "saturating"
    STEP = "step"
    INTERACTION = "interaction"
    MOMENTUM = "momentum"
    VOLATILITY = "volatility"


@dataclass(frozen=True)
class Signal:
    """A function of a few features: a shape over the weighted sum of those at `features`."""

    shape: Shape
    features: tuple[int, ...]
    weights: tuple[float, ...]

    def values(self, features: Floats) -> Floats:
        """Symbols x bars, mean 0 and variance 1. `features` is features x symbols x bars."""
        chosen = features[list(self.features)]
        total = np.tensordot(np.asarray(self.weights), chosen, axes=1)
        match self.shape:
            case Shape.LINEAR:
                raw = total
            case Shape.SATURATING:
                raw = np.tanh(2.0 * total)
            case Shape.STEP:
                raw = np.where(total > 0.0, 1.0, -1.0)
            case Shape.INTERACTION:
                raw = chosen[0] * chosen[1] + 0.3 * total
            case Shape.MOMENTUM | Shape.VOLATILITY:
                raise ValueError(f"{self.shape} is no function of the features")
        return np.asarray((raw - raw.mean()) / raw.std())


_SHAPES = (Shape.LINEAR, Shape.LINEAR, Shape.SATURATING, Shape.STEP, Shape.INTERACTION)


def draw_signal(n_features: int, rng: np.random.Generator, *, linear_only: bool = False) -> Signal:
    """A signal of one to three features with weights of either sign."""
    shape = Shape.LINEAR if linear_only else _SHAPES[rng.integers(len(_SHAPES))]
    least = 2 if shape is Shape.INTERACTION else 1
    count = min(int(rng.integers(least, 4)), n_features)
    features = rng.choice(n_features, size=count, replace=False)
    weights = rng.choice([-1.0, 1.0], count) * rng.uniform(0.5, 1.0, count)
    weights /= np.sqrt((weights**2).sum())
    return Signal(shape, tuple(int(at) for at in features), tuple(float(w) for w in weights))


def correlation_for(auc: float) -> float:
    """The correlation of two normals, the second cut at its median, that gives this AUC: Phi(1.128 r)."""
    return float(norm.ppf(auc) / 1.128)


def future_sum(values: Floats, horizon: int) -> Floats:
    """Element t is the sum of the elements t + 1 to t + horizon; NaN where the series ends before."""
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    result = np.full(values.shape, np.nan)
    n_bars = values.shape[-1]
    # total[..., k] sums the first k elements, so t+1..t+h is total[t+h+1] - total[t+1].
    result[..., : n_bars - horizon] = total[..., horizon + 1 :] - total[..., 1 : n_bars - horizon + 1]
    return result


def foresight(signal: Floats, horizon: int) -> tuple[float, float]:
    """What this bar's signal knows of A, the sum of the signals behind the next `horizon` responses:
    the variance of A and its correlation with the signal (0 where A does not vary)."""
    # future_sum counts from the next bar on; the response of the next bar carries this bar's signal.
    ahead = future_sum(np.roll(signal, 1, axis=-1), horizon)[..., 1:-horizon]
    now = signal[..., 1:-horizon]
    variance = float(ahead.var())
    if variance < 1e-6 * horizon:
        return variance, 0.0
    return variance, float(np.corrcoef(now.ravel(), ahead.ravel())[0, 1])


def strength(signal: Floats, horizon: int, correlation: float) -> float:
    """The factor on a unit signal, beside unit noise per bar, that makes the signal of this bar correlate
    so with the sum of the next `horizon` responses.

    With V and k from `foresight` the correlation is s k sqrt(V) / sqrt(s^2 V + horizon). A fast signal
    knows little of a long sum, so at most .8 k is asked.
    """
    variance, known = foresight(signal, horizon)
    asked = min(correlation, 0.8 * known)
    if asked <= 0.0:
        return 0.0
    return float(np.sqrt(asked**2 * horizon / (variance * (known**2 - asked**2))))
