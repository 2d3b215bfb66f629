"""All real panels by name."""

from collections.abc import Callable

from benchmarks.panels import counts, economy, nature
from benchmarks.panels.panel import RealPanel

PANELS: dict[str, Callable[[], RealPanel]] = {
    make.__name__: make
    for make in (
        nature.airport_weather,
        nature.city_weather,
        nature.nitrogen_oxides,
        nature.rain_forecasts,
        counts.births,
        counts.elevated_trains,
        counts.flight_delays,
        counts.pizza_sales,
        counts.police_stops,
        counts.electricity,
        counts.bank_calls,
        economy.employment,
        economy.house_prices,
        economy.commodities,
        economy.currencies,
        economy.stock_indices,
        economy.interest_rates,
        economy.football,
    )
}
