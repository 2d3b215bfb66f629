"""The desk's own asset, upstream of the routing: a panel of features and labels, made of prices."""

from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd

PANEL = Path(__file__).parents[2] / "data" / "features.parquet"
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
DAYS = 900


@dg.asset(group_name="desk", kinds={"parquet"})
def features() -> dg.MaterializeResult[None]:
    """A row per day and symbol: returns of the last days, and the return of the next five as the label."""
    panel = pd.concat([_of_symbol(number, symbol) for number, symbol in enumerate(SYMBOLS)])
    PANEL.parent.mkdir(parents=True, exist_ok=True)
    # Written beside it and renamed, since a sensor may be reading it.
    unfinished = PANEL.with_suffix(".new")
    panel.to_parquet(unfinished, index=False)
    unfinished.replace(PANEL)
    return dg.MaterializeResult(metadata={"dagster/row_count": len(panel)})


def _of_symbol(number: int, symbol: str) -> pd.DataFrame:
    """Prices that are made up, with a drift that turns slowly, so that there is something to predict."""
    random = np.random.default_rng(number)
    drift = 0.01 * np.sin(np.arange(DAYS) / 30.0 + number)
    price = pd.Series(np.exp(np.cumsum(drift + random.normal(0.0, 0.01, DAYS))))
    return pd.DataFrame(
        {
            "timestamp": pd.bdate_range("2020-01-01", periods=DAYS),
            "symbol": symbol,
            "ret_5d": price.pct_change(5),
            "ret_20d": price.pct_change(20),
            "noise": random.normal(size=DAYS),
            "fwd_ret_5d": price.pct_change(5).shift(-5),
        }
    ).iloc[20:]
