"""Columns that know a label: copies, centred windows, series shifted into the future."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from benchmarks.worlds.features import rolling_mean
from benchmarks.worlds.spec import LeakKind
from benchmarks.worlds.targets import Planted
from foxml_assets.vocabulary import TaskType

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
            return LeakColumn(shifted_mean(planted.response, 2 * ahead + 1, ahead), everywhere)
        case LeakKind.SHIFTED:
            # A window of twice the shift is half past and half future: corr .71, AUC about .75 alone.
            window = max(3, 2 * leak.shift)
            relative = rolling_mean(planted.response, 2 * window) if rng.random() < 0.5 else None
            return LeakColumn(shifted_mean(planted.response, window, leak.shift), everywhere, relative)


def shifted_mean(response: Floats, window: int, shift: int) -> Floats:
    """Element t is the mean of the `window` responses up to t + `shift`, of unit variance."""
    mean = rolling_mean(response, window) * np.sqrt(window)
    return np.concatenate([mean[:, shift:], np.repeat(mean[:, -1:], shift, axis=1)], axis=1)


def _copy(planted: Planted, auc: float, rng: np.random.Generator) -> Floats:
    """A noisy copy of the label that alone has this AUC, or the rank correlation 2 AUC - 1."""
    label = planted.label
    noise = rng.standard_normal(label.shape)
    if planted.plan.task is TaskType.CLASSIFICATION:
        distance = np.sqrt(2.0) * norm.ppf(auc)
        return noise + distance * (np.nan_to_num(label, nan=0.5) - 0.5)
    correlation = 2.0 * np.sin(np.pi * (2.0 * auc - 1.0) / 6.0)
    scaled = np.nan_to_num(label / np.nanstd(label))
    return correlation * scaled + np.sqrt(1.0 - correlation**2) * noise
