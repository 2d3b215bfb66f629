"""A small market of honest features, labels of several kinds, and columns that know them."""

from dataclasses import dataclass

import numpy as np
from evidence_panels import Columns, ahead, as_class, autoregressive, trailing_mean
from scipy.stats import norm


@dataclass(frozen=True)
class Market:
    """Honest columns and labels of `horizon` bars, all symbols x bars; `rng` makes the noise of leaks.

    Labels: `fwd` the return ahead, `up` its sign, `rare` its top fifth, `vol` the log volatility ahead,
    `noise`, which nothing can know, and `luck`, its mean ahead, which remembers itself as `fwd` does.
    """

    columns: Columns
    labels: Columns
    returns: np.ndarray
    horizon: int
    rng: np.random.Generator

    def copy(self, label: str, auc: float) -> np.ndarray:
        """The label blurred until it alone has this AUC, or the rank correlation 2 AUC - 1."""
        y = self.labels[label]
        known = np.where(np.isnan(y), np.nanmean(y), y)
        noise = self.rng.standard_normal(y.shape)
        if set(np.unique(known[~np.isnan(y)])) <= {0.0, 1.0}:
            return known * np.sqrt(2.0) * norm.ppf(auc) + noise
        correlation = 2.0 * np.sin(np.pi * (2.0 * auc - 1.0) / 6.0)
        return correlation * (known - known.mean()) / known.std() + np.sqrt(1.0 - correlation**2) * noise

    def without(self, *names: str) -> Columns:
        """The honest columns but these."""
        return {name: values for name, values in self.columns.items() if name not in names}


def market(
    seed: int, n_symbols: int = 8, n_bars: int = 600, horizon: int = 5, memory: float = 0.97
) -> Market:
    """Returns driven by two of the factors, with volatility that remembers `memory` of itself."""
    rng = np.random.default_rng(seed)
    shape = (n_symbols, n_bars)
    c = {f"memory_{m}": autoregressive(rng, shape, m) for m in (0.0, 0.3, 0.5, 0.7, 0.9, 0.98)}
    volatility = np.exp(0.5 * autoregressive(rng, shape, memory))
    r = volatility * rng.standard_normal(shape)
    r[:, 1:] += 0.125 * (c["memory_0.5"] + c["memory_0.9"])[:, :-1]
    c["ret_1"], c["mean_5"], c["mean_20"] = r, trailing_mean(r, 5), trailing_mean(r, 20)
    c["vol_20"] = np.sqrt(trailing_mean(r**2, 20))
    c["gap_8"] = r - trailing_mean(r, 8)
    c["slow"] = autoregressive(rng, shape, 0.99)
    c["slow_yesterday"] = ahead(c["slow"], -1)
    c["season"] = np.sin(2 * np.pi * np.arange(n_bars) / 63) + 0.3 * rng.standard_normal(shape)
    c["weekday"] = np.broadcast_to(np.arange(n_bars) % 5, shape).astype(float)
    forward = ahead(np.cumsum(r, axis=1), horizon) - np.cumsum(r, axis=1)
    labels = {
        "fwd": forward,
        "up": as_class(forward),
        "rare": as_class(forward, 0.2),
        "vol": 0.5 * np.log(ahead(trailing_mean(r**2, horizon), horizon)),
        "noise": rng.standard_normal(shape),
        "luck": ahead(
            trailing_mean(np.random.default_rng([seed, 1]).standard_normal(shape), horizon), horizon
        ),
    }
    return Market(c, labels, r, horizon, rng)
