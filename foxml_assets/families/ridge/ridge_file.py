"""The saved form of a ridge model: canonical JSON, in which every float is written out exactly."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from foxml_assets.core.vocabulary import TaskType

Code = Annotated[int, msgspec.Meta(ge=0)]


class SymbolIntercepts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The intercept of each code that was trained on, in ascending order; `column` holds the codes."""

    column: str
    codes: tuple[Code, ...]
    intercepts: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.codes or len(self.codes) != len(self.intercepts):
            raise ValueError("symbol: codes and intercepts must be as many, and at least one")
        if any(first >= second for first, second in pairwise(self.codes)):
            raise ValueError("symbol: codes must ascend")
        _check_finite("symbol.intercepts", self.intercepts)


class RidgeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fitted model: the prediction is intercept + sum of coefficient * clip((x - mean) / scale).

    All lists go by `features`. A scale of 0 marks a feature that is not used; the symbol's column is one.
    Rows of a code that `symbol` lists have its intercept in place of the overall one. ValueError for
    content that contradicts itself.
    """

    format_version: Literal[1]
    task: TaskType
    features: tuple[str, ...]
    clip: float
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    symbol: SymbolIntercepts | None

    def __post_init__(self) -> None:
        if len(set(self.features)) != len(self.features):
            raise ValueError("features: a name is listed twice")
        for name in ("means", "scales", "coefficients"):
            values: tuple[float, ...] = getattr(self, name)
            if len(values) != len(self.features):
                raise ValueError(f"{name}: {len(values)} value(s) for {len(self.features)} feature(s)")
            _check_finite(name, values)
        _check_finite("clip", [self.clip])
        _check_finite("intercept", [self.intercept])
        if self.clip <= 0:
            raise ValueError("clip: must be above 0")
        if any(scale < 0 for scale in self.scales):
            raise ValueError("scales: must not be negative")
        if any(b != 0 and scale == 0 for b, scale in zip(self.coefficients, self.scales, strict=True)):
            raise ValueError("coefficients: must be 0 where the scale is")
        if self.symbol is not None:
            self._check_symbol(self.symbol)

    def _check_symbol(self, symbol: SymbolIntercepts) -> None:
        if symbol.column not in self.features:
            raise ValueError("symbol: its column is not a feature")
        if self.scales[self.features.index(symbol.column)] != 0:
            raise ValueError("symbol: its column must have the scale 0")


def _check_finite(name: str, values: Sequence[float]) -> None:
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{name}: must be finite")
