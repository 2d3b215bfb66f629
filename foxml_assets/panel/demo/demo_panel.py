"""The demo panel: real closes from the installed skfolio distribution, which is never imported."""

import gzip
import io
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pandas as pd

from foxml_assets.core.errors import PanelError, Problem
from foxml_assets.panel.data_config import DemoPanel
from foxml_assets.panel.demo.demo_features import demo_features
from foxml_assets.panel.demo.demo_targets import demo_targets
from foxml_assets.panel.horizons import Horizon, infer_horizon
from foxml_assets.panel.raw_panel import RawPanel, RawTarget

_FILE = "skfolio/datasets/data/sp500_dataset.csv.gz"
_FIX = "install the extra: pip install 'foxml-assets[demo]'"


def demo_file() -> Path:
    """The file of daily closes. Raises PanelError where the `demo` extra is not installed."""
    try:
        path = Path(str(distribution("skfolio").locate_file(_FILE)))
    except PackageNotFoundError as error:
        raise PanelError("the demo's prices come with skfolio, which is not installed", fix=_FIX) from error
    if not path.is_file():
        raise PanelError("the installed skfolio does not hold the demo's prices", file=path, fix=_FIX)
    return path


def read_prices(config: DemoPanel) -> pd.DataFrame:
    """Closes, days x stocks, sorted both ways, cut to the configured symbols and start.

    Raises PanelError for symbols that are not in the file.
    """
    text = gzip.decompress(demo_file().read_bytes())
    prices = pd.read_csv(io.BytesIO(text), index_col=0, parse_dates=True).sort_index().sort_index(axis=1)
    if config.symbols is not None:
        unknown = sorted(set(config.symbols) - set(prices.columns))
        if unknown:
            problems = [Problem("panel.symbols", "is not in the demo", name) for name in unknown]
            fix = f"choose from {', '.join(prices.columns)}"
            raise PanelError("the demo has no such symbols", problems=problems, fix=fix)
        prices = prices[sorted(set(config.symbols))]
    if config.start is not None:
        prices = prices.loc[pd.Timestamp(config.start) :]
    return prices


def demo_panel(config: DemoPanel) -> RawPanel:
    """Features and labels of the demo in long format, sorted by (symbol, time)."""
    prices = read_prices(config)
    if prices.empty:
        raise PanelError(
            "the demo has no rows", problems=[Problem("panel.start", "is too late", config.start)]
        )
    features, targets = demo_features(prices), demo_targets(prices)
    days, stocks = prices.shape
    columns: dict[str, object] = {
        "date": np.tile(prices.index.to_numpy(), stocks),
        "symbol": np.repeat(prices.columns.to_numpy(dtype=object), days),
    }
    for name, wide in {**features, **targets}.items():
        # Transposed: stock after stock, each by day, as the keys above.
        columns[name] = wide.to_numpy(dtype=np.float32).T.ravel()
    return RawPanel(
        frame=pd.DataFrame(columns),
        time_column="date",
        symbol_column="symbol",
        features=tuple(features),
        targets=tuple(RawTarget(name, _horizon(name)) for name in targets),
        origin="the demo",
    )


def _horizon(target: str) -> Horizon:
    horizon = infer_horizon(target)
    if isinstance(horizon, Problem):
        raise PanelError("a demo target has no horizon", problems=[horizon])
    return horizon
