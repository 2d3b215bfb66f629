"""Rows to predict on: a stretch for each symbol, in time order."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PanelRows:
    """Rows sorted by symbol and time: their columns, their times, and where each symbol's begin.

    The rows of `symbols[k]` are [starts[k], starts[k + 1]); a symbol may have none.
    """

    frame: pd.DataFrame
    time: pd.Series
    symbols: tuple[str, ...]
    starts: Ints

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each symbol stands in `symbols`."""
        return {symbol: at for at, symbol in enumerate(self.symbols)}

    def rows_of(self, symbol: str) -> slice:
        """The rows of one symbol. Raises KeyError."""
        at = self.position[symbol]
        return slice(int(self.starts[at]), int(self.starts[at + 1]))

    def spread(self, of_symbols: npt.ArrayLike) -> Ints:
        """Shape (n,): each row's value, from one for each symbol."""
        return np.repeat(np.asarray(of_symbols, dtype=np.int64), np.diff(self.starts))

    def only(self, symbols: Iterable[str]) -> "PanelRows":
        """The rows of those of `symbols` that stand here."""
        chosen = sorted(self.position[symbol] for symbol in set(symbols) & self.position.keys())
        if len(chosen) == len(self.symbols):
            return self
        counts = np.diff(self.starts)[chosen]
        stretches = [np.arange(self.starts[at], self.starts[at + 1]) for at in chosen]
        # The empty array, because there may be no stretch and numpy refuses to concatenate nothing.
        rows = np.concatenate([np.empty(0, dtype=np.int64), *stretches])
        return PanelRows(
            frame=self.frame.iloc[rows],
            time=self.time.iloc[rows],
            symbols=tuple(self.symbols[at] for at in chosen),
            # Where each chosen stretch begins once the others are gone, and the end of the last.
            starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        )

    def where(self, kept: Flags) -> "PanelRows":
        """The rows that are `kept`, shape (n,), of the same symbols."""
        rows = np.flatnonzero(kept)
        # How many of them come before each symbol's first.
        starts = np.searchsorted(rows, self.starts).astype(np.int64)
        return PanelRows(self.frame.iloc[rows], self.time.iloc[rows], self.symbols, starts)


def panel_rows(
    frame: pd.DataFrame, time: pd.Series, symbol: pd.Series, symbols: tuple[str, ...]
) -> PanelRows:
    """`frame`, sorted by symbol and time, whose rows are those of `symbols` in that order."""
    # Ascending, as the rows follow the order of `symbols`; a symbol without rows gets an empty stretch.
    code = pd.Categorical(symbol, categories=list(symbols)).codes
    starts = np.searchsorted(code, np.arange(len(symbols) + 1)).astype(np.int64)
    return PanelRows(frame, time, symbols, starts)
