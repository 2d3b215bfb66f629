"""The part of the panel that evidence may look at, as arrays that all targets share."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.folds import holdout_start
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import ReadRows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# With fewer rows than this a symbol tells nothing of itself alone.
FEWEST_ROWS = 60

Matrix = npt.NDArray[np.float32] | Floats


@dataclass(frozen=True)
class PanelArrays:
    """Features of all rows before the hold-out, sorted by (symbol, time).

    `X` is rows x features. `bar` counts distinct timestamps of the whole panel, of which `times` has one
    each; the rows of symbol s are `[starts[s], starts[s + 1])`.
    """

    features: tuple[str, ...]
    symbols: tuple[str, ...]
    X: Matrix
    bar: Ints
    starts: Ints
    times: pd.DatetimeIndex

    @property
    def code(self) -> Ints:
        """The symbol of every row, as its position in `symbols`."""
        return np.repeat(np.arange(len(self.symbols)), np.diff(self.starts))

    def rows_of(self, symbol: int) -> slice:
        """The rows of the symbol with index `symbol`."""
        return slice(int(self.starts[symbol]), int(self.starts[symbol + 1]))

    def rows_between(self, symbol: int, first_bar: int, stop_bar: int) -> slice:
        """The rows of one symbol whose bar lies in [first_bar, stop_bar)."""
        rows = self.rows_of(symbol)
        # A symbol's bars ascend, so its rows between two bars are one slice.
        low, high = np.searchsorted(self.bar[rows], [first_bar, stop_bar])
        return slice(rows.start + int(low), rows.start + int(high))


def load_arrays(info: PanelInfo, config: EvidenceConfig, read_rows: ReadRows) -> PanelArrays:
    """Read the features and cut off the hold-out. Raises what `read_rows` does."""
    frame = read_rows(info, list(info.features), None)
    times = pd.DatetimeIndex(frame[info.time_column].unique()).sort_values()
    bar = times.get_indexer(pd.DatetimeIndex(frame[info.time_column])).astype(np.int64)
    kept = bar < holdout_start(len(times), config.holdout_fraction)
    codes = frame[info.symbol_column].map({symbol: code for code, symbol in enumerate(info.symbols)})
    code = codes.to_numpy(dtype=np.int64)[kept]
    return PanelArrays(
        features=info.features,
        symbols=info.symbols,
        X=np.ascontiguousarray(frame[list(info.features)].to_numpy()[kept]),
        bar=bar[kept],
        # Rows are sorted by symbol: each starts where its code would be inserted, the last entry is the end.
        starts=np.searchsorted(code, np.arange(len(info.symbols) + 1)).astype(np.int64),
        times=times,
    )


def load_labels(
    targets: tuple[str, ...], info: PanelInfo, config: EvidenceConfig, read_rows: ReadRows
) -> Floats:
    """The labels of `targets` on the rows of `load_arrays`: targets x rows, NaN where there is none."""
    frame = read_rows(info, list(targets), None)
    times = frame[info.time_column]
    distinct = pd.DatetimeIndex(times.unique()).sort_values()
    start = holdout_start(len(distinct), config.holdout_fraction)
    before = (
        # No bar begins a hold-out that does not exist.
        np.ones(len(frame), dtype=bool) if start == len(distinct) else (times < distinct[start]).to_numpy()
    )
    return np.ascontiguousarray(frame[list(targets)].to_numpy(dtype=np.float64, na_value=np.nan)[before].T)
