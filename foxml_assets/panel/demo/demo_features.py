"""About 30 classic price features, each a pure function of the past of a wide frame of closes."""

import numpy as np
import pandas as pd

from foxml_assets.panel.demo.demo_noise import coin_flip_echo

Wide = dict[str, pd.DataFrame]


def demo_features(prices: pd.DataFrame) -> Wide:
    """Features of every stock and day from closes up to that day.

    `prices` is days x stocks, sorted by day. Every value has the shape of `prices`; days without
    enough history are NaN.
    """
    log_price = pd.DataFrame(np.log(prices))
    returns = log_price.diff()
    return {
        **_returns(log_price, returns),
        **_volatility(returns),
        **_position(log_price, returns),
        **_ranks(log_price, returns),
        **_market(log_price, returns),
        "coin_flip_echo": coin_flip_echo(prices),
    }


def realised_volatility(returns: pd.DataFrame, days: int) -> pd.DataFrame:
    """Standard deviation of the last `days` daily returns; NaN where the price did not move at all."""
    volatility = returns.rolling(days).std()
    # Rolling updates leave a residue near 1e-10 where the window is constant.
    return volatility.where(volatility > 1e-6)


def _returns(log_price: pd.DataFrame, returns: pd.DataFrame) -> Wide:
    spans = {f"ret_{days}d": log_price.diff(days) for days in (1, 2, 5, 10, 20, 60)}
    lags = {f"ret_1d_lag{days}": returns.shift(days) for days in (1, 2)}
    # The year's momentum goes without its last month, in which returns tend to reverse (Jegadeesh 1990).
    return {**spans, **lags, "mom_250d_skip20": log_price.shift(20) - log_price.shift(250)}


def _volatility(returns: pd.DataFrame) -> Wide:
    spans = {f"vol_{days}d": realised_volatility(returns, days) for days in (5, 10, 20, 60)}
    downside = pd.DataFrame(np.sqrt(returns.clip(upper=0.0).pow(2).rolling(20).mean()))
    return {
        **spans,
        "vol_ratio_5_60": spans["vol_5d"] / spans["vol_60d"],
        "downside_vol_20d": downside,
        "abs_ret_1d": returns.abs(),
        "max_abs_ret_20d": returns.abs().rolling(20).max(),
        "skew_60d": returns.rolling(60).skew().where(spans["vol_60d"].notna()),
    }


def _position(log_price: pd.DataFrame, returns: pd.DataFrame) -> Wide:
    highs = {f"dist_high_{days}d": log_price - log_price.rolling(days).max() for days in (20, 60, 250)}
    lows = {f"dist_low_{days}d": log_price - log_price.rolling(days).min() for days in (20, 60, 250)}
    stretch = (log_price - log_price.rolling(50).mean()) / realised_volatility(returns, 60)
    return {**highs, **lows, "stretch_50d": stretch}


def _ranks(log_price: pd.DataFrame, returns: pd.DataFrame) -> Wide:
    return {
        "rank_ret_1d": returns.rank(axis=1, pct=True),
        "rank_ret_5d": log_price.diff(5).rank(axis=1, pct=True),
        "rank_ret_20d": log_price.diff(20).rank(axis=1, pct=True),
        "rank_vol_20d": realised_volatility(returns, 20).rank(axis=1, pct=True),
    }


def _market(log_price: pd.DataFrame, returns: pd.DataFrame) -> Wide:
    # Not known where one of the stocks has no return, so that it is always the same market.
    market = returns.mean(axis=1, skipna=False)
    states = {
        "mkt_ret_1d": market,
        "mkt_ret_5d": market.rolling(5).sum(),
        "mkt_ret_20d": market.rolling(20).sum(),
        "mkt_vol_20d": market.rolling(20).std(),
        "mkt_vol_60d": market.rolling(60).std(),
        "mkt_dispersion_20d": returns.std(axis=1).rolling(20).mean(),
    }
    wide = {name: _broadcast(state, returns) for name, state in states.items()}
    # The slope of a regression on the market: covariance over variance of the last 60 days.
    beta = returns.rolling(60).cov(market).div(market.rolling(60).var(), axis=0)
    return {**wide, "beta_60d": beta, "rel_ret_5d": log_price.diff(5).sub(market.rolling(5).sum(), axis=0)}


def _broadcast(state: pd.Series, like: pd.DataFrame) -> pd.DataFrame:
    values = np.repeat(state.to_numpy()[:, None], like.shape[1], axis=1)
    return pd.DataFrame(values, index=like.index, columns=like.columns)
