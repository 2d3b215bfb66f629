"""Labels of the demo, of different difficulty. Each looks at most its horizon ahead."""

import numpy as np
import pandas as pd

from foxml_assets.panel.demo.demo_features import realised_volatility
from foxml_assets.panel.demo.demo_noise import coin_flip

_BARRIER_VOLATILITY_DAYS = 20


def demo_targets(prices: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The labels by name, each of the shape of `prices` (days x stocks).

    The last days, whose horizon is not over, are NaN. `swing_low` asks whether the close falls by the
    barrier within the horizon, `swing_peak` whether it rises by it; a `vol` barrier is in units of
    daily volatility times the square root of the horizon.
    """
    log_price = pd.DataFrame(np.log(prices))
    return {
        "fwd_ret_5d": forward_return(log_price, 5),
        "fwd_ret_20d": forward_return(log_price, 20),
        "fwd_log_vol_10d": forward_log_volatility(log_price, 10),
        # A fall by 3 % in logs, its sign turned; likewise the others.
        "y_will_swing_low_5d_0.03": swing_low(log_price, 5, -np.log1p(-0.03)),
        "y_will_swing_low_vol_20d_1.0": swing_low(log_price, 20, _scaled(log_price, 20, 1.0)),
        "y_will_swing_peak_10d_0.05": swing_peak(log_price, 10, np.log1p(0.05)),
        "y_will_swing_peak_vol_5d_0.5": swing_peak(log_price, 5, _scaled(log_price, 5, 0.5)),
        "y_coin_flip_5d": coin_flip(prices).where(log_price.shift(-5).notna()),
    }


def forward_return(log_price: pd.DataFrame, days: int) -> pd.DataFrame:
    """Log return over the next `days`."""
    return log_price.shift(-days) - log_price


def forward_log_volatility(log_price: pd.DataFrame, days: int) -> pd.DataFrame:
    """Logarithm of the volatility of the next `days` daily returns."""
    return pd.DataFrame(np.log(realised_volatility(log_price.diff(), days))).shift(-days)


def swing_low(log_price: pd.DataFrame, days: int, barrier: float | pd.DataFrame) -> pd.DataFrame:
    """1 where the close falls by at least `barrier` (in logs, positive) within `days`, else 0."""
    # Rolling looks back: on the series in reverse that is ahead, from the day after on.
    ahead = log_price.shift(-1).iloc[::-1]
    lowest = ahead.rolling(days).min().iloc[::-1]
    return _hit(log_price - lowest, barrier)


def swing_peak(log_price: pd.DataFrame, days: int, barrier: float | pd.DataFrame) -> pd.DataFrame:
    """1 where the close rises by at least `barrier` (in logs, positive) within `days`, else 0."""
    return swing_low(-log_price, days, barrier)


def _hit(move: pd.DataFrame, barrier: float | pd.DataFrame) -> pd.DataFrame:
    known = move.notna() if isinstance(barrier, float) else move.notna() & barrier.notna()
    return (move >= barrier).astype(float).where(known)


def _scaled(log_price: pd.DataFrame, days: int, multiple: float) -> pd.DataFrame:
    daily = realised_volatility(log_price.diff(), _BARRIER_VOLATILITY_DAYS)
    return daily.mul(multiple * float(np.sqrt(days)))
