"""The rows of one target that evidence may look at, as arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.layout import Layout
from foxml_assets.selection.config import EvidenceConfig
from foxml_assets.selection.folds import Fold, evidence_stop, walk_forward
from foxml_assets.selection.panel import read_panel
from foxml_assets.selection.panel_info import PanelInfo, TargetSpec

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TargetData:
    """Rows sorted by (symbol, time), all before the hold-out and its purge.

    `X` is rows x features; `y` is NaN where a row has no label; `bar` counts distinct timestamps of
    the whole panel; the rows of symbol s are `[starts[s], starts[s + 1])`. `times` has one entry a bar.
    """

    spec: TargetSpec
    features: tuple[str, ...]
    symbols: tuple[str, ...]
    X: npt.NDArray[np.float32] | Floats
    y: Floats
    bar: Ints
    starts: Ints
    times: pd.DatetimeIndex
    folds: tuple[Fold, ...]

    @property
    def labelled(self) -> Flags:
        """Which rows have a label."""
        return ~np.isnan(self.y)

    def rows_of(self, symbol: int) -> slice:
        """The rows of the symbol with index `symbol`."""
        return slice(int(self.starts[symbol]), int(self.starts[symbol + 1]))


def load_target(target: str, info: PanelInfo, config: EvidenceConfig, layout: Layout) -> TargetData:
    """Read the features and the label of `target` and cut off the hold-out.

    Raises PanelError for an unreadable panel and for one too short for the folds.
    """
    spec = info.target(target)
    frame = read_panel(layout, [*info.features, target])
    times = pd.DatetimeIndex(frame[info.time_column].unique()).sort_values()
    bar = times.get_indexer(pd.DatetimeIndex(frame[info.time_column])).astype(np.int64)
    kept = bar < evidence_stop(len(times), spec.horizon_bars, config.holdout_fraction)
    codes = frame[info.symbol_column].map({symbol: code for code, symbol in enumerate(info.symbols)})
    code = codes.to_numpy(dtype=np.int64)[kept]
    return TargetData(
        spec=spec,
        features=info.features,
        symbols=info.symbols,
        X=np.ascontiguousarray(frame[list(info.features)].to_numpy()[kept]),
        y=frame[target].to_numpy(dtype=np.float64)[kept],
        bar=bar[kept],
        starts=np.searchsorted(code, np.arange(len(info.symbols) + 1)).astype(np.int64),
        times=times,
        folds=walk_forward(len(times), spec.horizon_bars, config),
    )
