"""A panel as read from its source, before validation."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import pandas as pd

from foxml_assets.core.vocabulary import TaskType
from foxml_assets.panel.horizons import Horizon

TimeUnit: TypeAlias = Literal["s", "ms", "us", "ns"]


@dataclass(frozen=True)
class RawTarget:
    """A label column; `task_type` is None where the values decide."""

    name: str
    horizon: Horizon
    task_type: TaskType | None = None


@dataclass(frozen=True)
class RawPanel:
    """Rows of (time, symbol), in any order, with numeric feature and target columns.

    `time_unit` is what whole numbers in the time column count since 1970, None where they may not be times.
    """

    frame: pd.DataFrame
    time_column: str
    symbol_column: str
    features: tuple[str, ...]
    targets: tuple[RawTarget, ...]
    origin: str
    time_unit: TimeUnit | None = None
