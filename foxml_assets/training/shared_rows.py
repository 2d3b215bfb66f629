"""The rows of the panel as jobs share them: read once for a symbol, cut once for all that keep the same."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.families.sharing import Latest, SharedFeatures
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import ReadRows
from foxml_assets.training.split import Flags, Ints, Timeline

# Jobs of a symbol differ in horizon and in missing labels, and a cut of its rows is small. One of all symbols
# may be a good part of the memory: of those there are a training and a hold-out part for each job under way.
_MOST_CUTS_OF_ONE, _MOST_CUTS_A_JOB = 16, 2


class RowTable:
    """Rows of `symbols`, sorted by (symbol, time); `read` reads each column when it is asked for first.

    With the first are read those `ahead` that other jobs will ask for. Raises PanelError where it reads.
    """

    def __init__(
        self,
        info: PanelInfo,
        timeline: Timeline,
        read: ReadRows,
        symbols: tuple[str, ...],
        ahead: Collection[str],
        most_cuts: int,
    ) -> None:
        self._info, self._timeline, self._read = info, timeline, read
        self._symbols, self._ahead = symbols, ahead
        self._frame = pd.DataFrame()
        self._cuts = Latest[SharedFeatures](most_cuts)
        self._lock = threading.Lock()

    def columns(self, names: Iterable[str]) -> pd.DataFrame:
        """All that was read so far, with the columns `names` and those of each row's time and symbol."""
        with self._lock:
            missing = [name for name in names if name not in self._frame]
            if self._frame.empty:
                self._frame = self._read(self._info, sorted({*missing, *self._ahead}), self._symbols)
            elif missing:
                self._frame = self._frame.join(self._read(self._info, missing, self._symbols)[missing])
            return self._frame

    @cached_property
    def symbol(self) -> Ints:
        """Shape (n,): the position of each row's symbol."""
        names = self.columns(())[self._info.symbol_column]
        return pd.Categorical(names, categories=list(self._symbols)).codes.astype(np.int64)

    @cached_property
    def bar(self) -> Ints:
        """Shape (n,): the bar of each row."""
        return self._timeline.bar_of(self.time)

    @property
    def time(self) -> pd.Series:
        """Shape (n,): the time of each row."""
        return self.columns(())[self._info.time_column]

    def labels(self, target: str) -> npt.NDArray[np.float64]:
        """Shape (n,): the labels, NaN where there is none."""
        # Those of all targets together may be more than all features: what is not known is not kept.
        known = target in self._ahead
        frame = self.columns((target,)) if known else self._read(self._info, (target,), self._symbols)
        return frame[target].to_numpy(dtype=np.float64, na_value=np.nan)

    def features(self, names: Sequence[str], codes: Sequence[str], kept: Flags) -> SharedFeatures:
        """The features of the rows `kept`, with symbol codes as those named so; one object for all who keep
        the same."""

        def cut() -> SharedFeatures:
            frame = self.columns(names)[list(names)][kept]
            return SharedFeatures(frame.assign(**dict.fromkeys(codes, self.symbol[kept])) if codes else frame)

        return self._cuts.get((tuple(names), tuple(codes), np.packbits(kept).tobytes()), cut)


class SharedRows:
    """The rows of a panel with the bars `timeline`, which `read` reads, for so many jobs side by side.

    `ahead` are the columns that the jobs of each symbol take together.
    """

    def __init__(
        self,
        info: PanelInfo,
        timeline: Timeline,
        read: ReadRows,
        jobs: int,
        ahead: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.timeline = timeline
        self._info, self._read, self._jobs, self._ahead = info, read, jobs, ahead or {}
        self._tables = Latest[RowTable](jobs)

    def table(self, symbols: Sequence[str]) -> RowTable:
        """The rows of `symbols`."""
        own = len(symbols) == 1
        ahead = self._ahead.get(symbols[0], ()) if own else ()
        most = _MOST_CUTS_OF_ONE if own else _MOST_CUTS_A_JOB * self._jobs

        def begun() -> RowTable:
            return RowTable(self._info, self.timeline, self._read, tuple(symbols), ahead, most)

        return self._tables.get(tuple(symbols), begun)
