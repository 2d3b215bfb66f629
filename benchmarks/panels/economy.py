"""Prices, rates, jobs and football: data sets of several R packages, and the demo's factors from skfolio."""

import numpy as np
import pandas as pd

from benchmarks.panels.panel import RealPanel, r_data, wide_panel
from benchmarks.panels.recipes import (
    calendar,
    exceeds,
    forward_change,
    forward_mean,
    forward_swing,
    panel_features,
    past_features,
    pivot,
    rises,
    spread,
)


def employment() -> RealPanel:
    """Monthly US employment by industry, 1990-2019, not adjusted (fpp3::us_employment, from the BLS)."""
    raw = r_data("fpp3", "us_employment")
    raw["month"] = pd.to_datetime(raw["Month"], format="%Y %b")
    raw = raw[raw["month"] >= "1990-01-01"]
    x = pd.DataFrame(np.log(pivot(raw, "month", "Series_ID", "Employed")))
    features = past_features(x, lags=(3, 12), windows=(6, 24), season=12, name="jobs")
    features |= panel_features(x, window=12, name="jobs") | calendar(x)
    targets = {
        "fwd_jobs_1": forward_change(x, 1),
        "fwd_jobs_12": forward_change(x, 12),
        "y_jobs_faster_12": rises(x.diff(12), 12),
        "fwd_jobs_swing_6": forward_swing(x.diff(12), 6),
    }
    horizons = {"fwd_jobs_1": 1, "fwd_jobs_12": 12, "y_jobs_faster_12": 12, "fwd_jobs_swing_6": 6}
    return wide_panel("employment", "fpp3::us_employment", features, targets, horizons)


def house_prices() -> RealPanel:
    """Monthly house sales and prices in 46 cities of Texas, 2000-2015 (ggplot2::txhousing)."""
    raw = r_data("ggplot2", "txhousing")
    raw["month"] = pd.to_datetime(raw[["year", "month"]].assign(day=1))
    price = pd.DataFrame(np.log(pivot(raw, "month", "city", "median")))
    sales = pd.DataFrame(np.log(pivot(raw, "month", "city", "sales"))).reindex_like(price)
    stock = pivot(raw, "month", "city", "inventory").reindex_like(price)
    features = past_features(price, lags=(3, 12), windows=(6, 12), season=12, name="price")
    features |= past_features(sales, lags=(3, 12), windows=(6,), season=12, name="sales")
    features |= panel_features(price, window=6, name="price") | calendar(price)
    features |= {"stock": stock, "stock_change_12": stock.diff(12)}
    targets = {
        "fwd_price_6": forward_mean(price, 6, 12),
        "y_price_rises_12": rises(price.rolling(6).mean(), 12),
        "fwd_sales_3": forward_mean(sales, 3, 12),
    }
    horizons = {"fwd_price_6": 6, "y_price_rises_12": 12, "fwd_sales_3": 3}
    return wide_panel("house_prices", "ggplot2::txhousing", features, targets, horizons)


def commodities() -> RealPanel:
    """Monthly prices of oil, coffee, tea and sugar, 1960-2022 (stevedata::commodity_prices, World Bank)."""
    raw = r_data("stevedata", "commodity_prices")
    x = pd.DataFrame(np.log(raw.set_index(pd.to_datetime(raw["date"])).drop(columns="date")))
    return _prices("commodities", "stevedata::commodity_prices", x, short=3, long=12)


def currencies() -> RealPanel:
    """Daily exchange rates of five currencies to the dollar, 1980-1987 (Ecdat::Garch)."""
    raw = r_data("Ecdat", "Garch")
    days = pd.to_datetime("19" + raw["date"].astype(int).astype(str))
    x = pd.DataFrame(np.log(raw.set_index(days)[["dm", "bp", "cd", "dy", "sf"]]))
    return _prices("currencies", "Ecdat::Garch", x[~x.index.duplicated()], short=5, long=20)


def stock_indices() -> RealPanel:
    """Daily closes of DAX, SMI, CAC and FTSE, 1991-1998 (datasets::EuStockMarkets); dates are counted."""
    raw = r_data("datasets", "EuStockMarkets")
    raw.index = pd.bdate_range("1991-07-01", periods=len(raw))
    return _prices("stock_indices", "datasets::EuStockMarkets", pd.DataFrame(np.log(raw)), short=5, long=20)


def interest_rates() -> RealPanel:
    """Monthly US interest rates of ten maturities, 1946-1991 (Ecdat::Irates, from McCulloch and Kwon)."""
    raw = r_data("Ecdat", "Irates")
    raw.index = pd.date_range("1946-12-01", periods=len(raw), freq="MS")
    return _prices("interest_rates", "Ecdat::Irates", raw, short=3, long=12)


def football() -> RealPanel:
    """Results of all teams of the Bundesliga by round, 1963-2009 (vcd::Bundesliga).

    A bar is a round. Each row stands after the team's match and asks for its next ones.
    """
    raw = r_data("vcd", "Bundesliga")
    raw = raw[raw["Round"] <= 34]
    margin = raw["HomeGoals"] - raw["AwayGoals"]
    home = raw.assign(team=raw["HomeTeam"], margin=margin, home=1.0, scored=raw["HomeGoals"])
    away = raw.assign(team=raw["AwayTeam"], margin=-margin, home=0.0, scored=raw["AwayGoals"])
    both = pd.concat([home, away])
    both["bar"] = pd.Timestamp("1963-08-24") + pd.to_timedelta(
        (both["Year"] - 1963) * 364 + both["Round"] * 7, unit="D"
    )
    x, scored = pivot(both, "bar", "team", "margin"), pivot(both, "bar", "team", "scored")
    often = x.columns[x.notna().sum() > 600]
    x, scored = x[often], scored[often]
    won = (x > 0).astype(float).where(x.notna())
    features = past_features(x, lags=(2,), windows=(5, 17, 34), name="margin")
    features |= {f"won_{bars}": won.rolling(bars, min_periods=bars // 2).mean() for bars in (5, 17, 34)}
    features |= {f"scored_{bars}": scored.rolling(bars, min_periods=bars // 2).mean() for bars in (5, 17)}
    features["at_home"] = pivot(both, "bar", "team", "home")[often]
    features["rank_17"] = features["margin_mean_17"].rank(axis=1, pct=True)
    targets = {
        "fwd_margin_1": x.shift(-1),
        "y_wins_1": won.shift(-1),
        "fwd_margin_5": x.iloc[::-1].rolling(5).mean().iloc[::-1].shift(-1),
    }
    horizons = {"fwd_margin_1": 1, "y_wins_1": 1, "fwd_margin_5": 5}
    return wide_panel("football", "vcd::Bundesliga", features, targets, horizons)


def _prices(name: str, origin: str, x: pd.DataFrame, *, short: int, long: int) -> RealPanel:
    features = past_features(x, lags=(2, short, long), windows=(short, long, 3 * long), name="price")
    features |= panel_features(x, window=short, name="price")
    absolute = x.diff().abs()
    features |= {
        "move": absolute,
        "move_lag1": absolute.shift(1),
        "all_move": spread(absolute.mean(axis=1), x),
    }
    targets = {
        f"fwd_price_{short}": forward_change(x, short),
        f"y_price_rises_{long}": rises(x, long),
        f"fwd_swing_{long}": forward_swing(x, long),
        f"y_price_high_{short}": exceeds(x, short, long),
    }
    horizons = {name: int(name.rsplit("_", 1)[1]) for name in targets}
    return wide_panel(name, origin, features, targets, horizons)
