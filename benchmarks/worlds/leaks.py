"""Columns that know a label: copies, centred windows, series shifted into the future."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from benchmarks.worlds.series import shifted, trailing_mean, trailing_volatility
from benchmarks.worlds.spec import LeakKind
from benchmarks.worlds.targets import Planted
from foxml_assets.core.vocabulary import TaskType

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LeakColumn:
    """`values` is symbols x bars; `relative`, if any, is an honest column of the same series."""

    values: Floats
    symbols: Flags
    relative: Floats | None = None


def leak_column(planted: Planted, rng: np.random.Generator) -> LeakColumn:
    """The column that the target's leak puts into the panel."""
    leak = planted.plan.leak
    assert leak is not None
    everywhere = np.ones(len(planted.label), dtype=bool)
    match leak.kind:
        case LeakKind.COPY:
            assert leak.auc is not None
            return LeakColumn(_copy(planted, leak.auc, rng), everywhere)
        case LeakKind.SOME_SYMBOLS:
            assert leak.auc is not None
            some = rng.random(len(everywhere)) < 0.4
            some[rng.integers(len(some))] = True
            noise = rng.standard_normal(planted.label.shape)
            return LeakColumn(np.where(some[:, None], _copy(planted, leak.auc, rng), noise), some)
        case LeakKind.CENTRED:
            ahead = planted.plan.horizon
            return LeakColumn(shifted(_trailing(planted, 2 * ahead + 1), ahead), everywhere)
        case LeakKind.SHIFTED:
            # A window of twice the shift is half past and half future.
            window = max(3, 2 * leak.shift)
            with_relative = rng.random() < 0.5 and not leak.volatility
            relative = trailing_mean(planted.response, 2 * window) if with_relative else None
            return LeakColumn(shifted(_trailing(planted, window), leak.shift), everywhere, relative)


def _trailing(planted: Planted, window: int) -> Floats:
    leak = planted.plan.leak
    is_volatility = leak is not None and leak.volatility
    return (trailing_volatility if is_volatility else trailing_mean)(planted.response, window)


def _copy(planted: Planted, auc: float, rng: np.random.Generator) -> Floats:
    """A noisy copy of the label that alone has this AUC, or the rank correlation 2 AUC - 1."""
    label = planted.label
    noise = rng.standard_normal(label.shape)
    if planted.plan.task is TaskType.CLASSIFICATION:
        distance = np.sqrt(2.0) * norm.ppf(auc)
        return np.asarray(noise + distance * (np.nan_to_num(label, nan=0.5) - 0.5))
    correlation = 2.0 * np.sin(np.pi * (2.0 * auc - 1.0) / 6.0)
    scaled = np.nan_to_num(label / np.nanstd(label))
    return np.asarray(correlation * scaled + np.sqrt(1.0 - correlation**2) * noise)
