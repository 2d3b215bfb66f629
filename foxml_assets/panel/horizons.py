"""Label horizons: from `5 bars`, `10m` or a target's name to a number of bars."""

import math
import re
from dataclasses import dataclass

from foxml_assets.core.errors import Problem

_MINUTES = {"s": 1 / 60, "m": 1.0, "min": 1.0, "h": 60.0, "d": 1_440.0, "w": 10_080.0}
_TEXT = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w|bars?|b)")
_FIX = "write it as `5 bars`, `30s`, `10m`, `4h`, `5d` or `2w`, under `panel.horizons`"


@dataclass(frozen=True)
class Horizon:
    """How far a label looks ahead: a number of bars, or a duration in minutes."""

    bars: int | None = None
    minutes: float | None = None

    def in_bars(self, bar_minutes: float) -> int:
        """The horizon in bars of `bar_minutes`, rounded up, so that purging never falls short."""
        if self.bars is not None:
            return self.bars
        # A tolerance keeps 5 days of exact 1-day bars at 5, whatever the division's last bit.
        return max(1, math.ceil((self.minutes or 0.0) / bar_minutes - 1e-9))

    def in_minutes(self, bar_minutes: float) -> float:
        """The horizon in minutes."""
        return self.minutes if self.minutes is not None else (self.bars or 0) * bar_minutes


def parse_horizon(text: int | str, *, field: str) -> Horizon | Problem:
    """The horizon written as `text`; an integer counts bars. A Problem when it cannot be read."""
    if isinstance(text, int):
        return Horizon(bars=text) if text >= 1 else Problem(field, "must be at least 1 bar", text)
    found = _TEXT.fullmatch(text.strip().lower())
    if found is None:
        return Problem(field, f"is not a horizon; {_FIX}", text)
    return _horizon(found, field=field)


def infer_horizon(target: str) -> Horizon | Problem:
    """The horizon in a target's name: the one part between underscores that reads like `10m` or `5d`."""
    field = f"target {target}"
    found = [match for part in target.lower().split("_") if (match := _TEXT.fullmatch(part))]
    if len(found) != 1:
        what = "has no horizon in its name" if not found else "has several horizons in its name"
        return Problem(field, f"{what}; {_FIX}")
    return _horizon(found[0], field=field)


def too_short(target: str, horizon: Horizon, bar_minutes: float) -> Problem | None:
    """The problem of a duration of less than half a bar, as where `m` was meant for months; else None.

    From half a bar on it counts as one: a month has 28 to 31 days, and an hour of trading may be half of one.
    """
    if horizon.minutes is None or 2 * horizon.minutes >= bar_minutes:
        return None
    written = _written(horizon.minutes)
    meant = " (`m` stands for minutes)" if written.endswith("m") else ""
    what = (
        f"looks ahead less than half a bar, which is {_written(bar_minutes)}{meant}: give a number of bars,"
        f" as `panel.horizons: {{{target}: 5 bars}}`"
    )
    return Problem(f"target {target}", what, written)


def _written(minutes: float) -> str:
    unit = next((unit for unit in ("d", "h", "m") if minutes >= _MINUTES[unit]), "s")
    return f"{minutes / _MINUTES[unit]:g}{unit}"


def _horizon(found: re.Match[str], *, field: str) -> Horizon | Problem:
    number, unit = float(found[1]), found[2]
    if number <= 0:
        return Problem(field, "must be greater than 0", found[0])
    if unit in _MINUTES:
        return Horizon(minutes=number * _MINUTES[unit])
    if not number.is_integer():
        return Problem(field, "must be a whole number of bars", found[0])
    return Horizon(bars=int(number))
