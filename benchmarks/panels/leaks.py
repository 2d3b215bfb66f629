"""Leaks planted into a real panel: columns that look ahead, and noisy copies of the labels."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm, rankdata

from benchmarks.panels.panel import RealPanel
from benchmarks.worlds.scoring import blocks_of, skill_by_block
from foxml_assets.core.vocabulary import TaskType

Floats = npt.NDArray[np.float64]
SEED = 11
LEAST_LABELS = 60


class Leak(StrEnum):
    """What is planted. `SHIFTED` is the mean step of the last bars moved ahead by a horizon, `CENTRED` one as
    far into the future as into the past, `TOMORROW` the next value; copies have the AUC of their name."""

    SHIFTED = "shifted"
    CENTRED = "centred"
    TOMORROW = "tomorrow"
    COPY_70 = "copy .70"
    COPY_75 = "copy .75"
    COPY_85 = "copy .85"


_AUC = {Leak.COPY_70: 0.70, Leak.COPY_75: 0.75, Leak.COPY_85: 0.85}


@dataclass(frozen=True)
class Planted:
    """`columns` maps each target to the column that leaks it; a column that looks ahead leaks to all."""

    panel: RealPanel
    leak: Leak
    columns: dict[str, str]


def plant(panel: RealPanel, leak: Leak) -> Planted:
    """The panel with the leak as additional feature columns."""
    frame = panel.frame.copy()
    if leak in _AUC:
        rng = np.random.default_rng(SEED)
        columns = {target: f"copy_of_{target}" for target in panel.targets}
        for target, column in columns.items():
            frame[column] = _copy(frame, target, _AUC[leak], rng)
    else:
        columns = dict.fromkeys(panel.targets, f"{panel.series}_{leak.value}")
        horizon = max(2, *panel.targets.values())
        by_symbol = frame.groupby("symbol", sort=False)[panel.series]
        frame[f"{panel.series}_{leak.value}"] = by_symbol.transform(_ahead, leak=leak, horizon=horizon)
    added = tuple(dict.fromkeys(columns.values()))
    return Planted(replace(panel, frame=frame, features=(*panel.features, *added)), leak, columns)


def skill_alone(panel: RealPanel, target: str, column: str) -> float:
    """Size of the mean skill of one column within symbols, over all rows: 2 AUC - 1 or rank correlation."""
    task = TaskType.CLASSIFICATION if is_binary(panel.frame[target]) else TaskType.REGRESSION
    skills = []
    for _, rows in panel.frame[[target, column, "symbol"]].dropna().groupby("symbol"):
        if len(rows) >= LEAST_LABELS:
            y, x = rows[target].to_numpy(dtype=float), np.asarray(rankdata(rows[column]))
            skills.append(skill_by_block(task, y, x, blocks_of(len(y), 1), 1)[0])
    return abs(float(np.mean(skills))) if skills else 0.0


def is_binary(label: pd.Series) -> bool:
    """Whether a label is 0 or 1 throughout."""
    return bool(np.isin(label.dropna().unique(), (0.0, 1.0)).all())


def _ahead(x: pd.Series, leak: Leak, horizon: int) -> pd.Series:
    match leak:
        case Leak.SHIFTED:
            return x.diff().rolling(2 * horizon, min_periods=horizon).mean().shift(-horizon)
        case Leak.CENTRED:
            return x.diff().rolling(2 * horizon + 1, min_periods=horizon, center=True).mean()
        case _:
            return x.shift(-1)


def _copy(frame: pd.DataFrame, target: str, auc: float, rng: np.random.Generator) -> Floats:
    """Noise that knows the label: apart by its class, or correlated with its normal scores by symbol."""
    noise, label = rng.standard_normal(len(frame)), frame[target]
    if is_binary(label):
        centred = label.fillna(0.5).to_numpy(dtype=float) - 0.5
        return np.asarray(noise + np.sqrt(2.0) * norm.ppf(auc) * centred)
    share = label.groupby(frame["symbol"]).transform(lambda y: (y.rank() - 0.5) / y.notna().sum())
    correlation = 2.0 * np.sin(np.pi * (2.0 * auc - 1.0) / 6.0)
    scores = np.nan_to_num(norm.ppf(share.to_numpy(dtype=float)))
    return np.asarray(correlation * scores + np.sqrt(1.0 - correlation**2) * noise)
