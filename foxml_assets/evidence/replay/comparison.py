"""What was built with and without the future, held against each other and against the panel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from foxml_assets.core.errors import Problem
from foxml_assets.evidence.arrays import Flags, Floats, Ints, PanelArrays
from foxml_assets.evidence.replay.built import Built

# A panel may hold what was built as 32-bit numbers.
_STORED = 2.4e-7


@dataclass(frozen=True)
class Change:
    """A value that is another one when the rows after `cut` are removed; None where there is no value."""

    cut: str
    time: str
    symbol: str
    with_future: float | None
    without_future: float | None
    size: float | None


@dataclass(frozen=True)
class Replayed:
    """What replay says about one feature.

    `cuts` counts the cuts that had values to compare, `compared` these values, `changed` those that differ;
    `change` is the largest. `carried` names the column of the source that the feature only repeats.
    """

    builder: str
    cuts: int
    compared: int
    changed: int
    change: Change | None = None
    carried: str | None = None

    def as_carried(self, column: str | None) -> "Replayed":
        """The same, repeating `column`."""
        return replace(self, carried=column)

    def in_words(self, feature: str) -> str:
        """How `feature` changes, as a sentence; empty where it does not."""
        if self.change is None:
            return ""
        it = self.change
        without, with_ = (
            "there is no value" if value is None else f"it is {value:.6g}"
            for value in (it.without_future, it.with_future)
        )
        size = "" if it.size is None else f", {it.size:.3g} away"
        return (
            f"{feature} changes when later rows are removed: at {it.time} on {it.symbol} {with_} with the"
            f" rows after {it.cut}, and {without} without them{size}"
            f" ({self.changed:,} of {self.compared:,} values at {self.cuts} cuts change)"
        )


@dataclass(frozen=True)
class Tail:
    """The last rows of every symbol (positions in the panel) at one cut, and what was built there.

    `last` is the latest time of all that was built.
    """

    bar: int
    rows: Ints
    values: dict[str, Floats]
    last: pd.Timestamp | None

    def of(self, name: str) -> Floats:
        """The values of a feature, NaN if it was not built."""
        return self.values.get(name, np.full(len(self.rows), np.nan))


def compare(
    builder: str, full: Built, tails: Sequence[Tail], names: Sequence[str], tolerance: float
) -> dict[str, Replayed]:
    """Each feature of the full build, on the rows of every tail, against what was built there."""
    everywhere = full.locate(np.arange(len(full.panel.bar)))
    located = [full.locate(tail.rows) for tail in tails]
    found = {}
    for name in names:
        spread = _spread(full.values(name, everywhere))
        parts = [
            _one_cut(full.panel, tail, full.values(name, at), tail.of(name), spread, tolerance)
            for tail, at in zip(tails, located, strict=True)
        ]
        changes = [part.change for part in parts if part.change is not None]
        found[name] = Replayed(
            builder,
            cuts=sum(part.compared > 0 for part in parts),
            compared=sum(part.compared for part in parts),
            changed=sum(part.changed for part in parts),
            change=max(changes, key=_size, default=None),
        )
    return found


def changed_again(one: Tail, again: Tail, tolerance: float) -> str | None:
    """A feature that two builds from the same rows do not agree on; None where they agree on all."""
    for name in sorted(one.values.keys() | again.values.keys()):
        before, after = one.of(name), again.of(name)
        if _differ(before, after, _spread(before), tolerance).any():
            return name
    return None


def not_the_panels(full: Built, names: Sequence[str], tolerance: float) -> list[Problem]:
    """Features of which the builder makes other values than the panel holds: it proves nothing about them."""
    panel, problems = full.panel, []
    located = full.locate(np.arange(len(panel.bar)))
    for name in names:
        stored = np.asarray(panel.X[:, panel.features.index(name)], dtype=np.float64)
        made = full.values(name, located)
        wrong = np.flatnonzero(_differ(made, stored, _spread(stored), max(tolerance, _STORED)))
        if len(wrong):
            at = int(wrong[0])
            what = (
                f"differs in {len(wrong):,} of {len(stored):,} rows; at {_time(panel, at)} on"
                f" {_symbol(panel, at)} the builder makes {_text(made[at])},"
                f" the panel holds {_text(stored[at])}"
            )
            problems.append(Problem(f"feature {name}", what))
    return problems


def carried_over(full: Built, source: Built | None, rows: Ints, names: Sequence[str]) -> dict[str, str]:
    """The features that are a column of the source as it stands: replay cannot tell how that was made."""
    if source is None:
        return {}
    there, built = source.locate(rows), full.locate(rows)
    columns = {name: source.values(name, there) for name in source.numeric()}
    found = {}
    for name in names:
        values = full.values(name, built)
        same = (column for column, held in columns.items() if np.array_equal(values, held, equal_nan=True))
        column = None if np.isnan(values).all() else next(same, None)
        if column is not None:
            found[name] = column
    return found


@dataclass(frozen=True)
class _AtOneCut:
    compared: int
    changed: int
    change: Change | None


def _one_cut(
    panel: PanelArrays, tail: Tail, after: Floats, before: Floats, spread: float, tolerance: float
) -> _AtOneCut:
    known = ~np.isnan(after) | ~np.isnan(before)
    differ = np.flatnonzero(_differ(before, after, spread, tolerance))
    if not len(differ):
        return _AtOneCut(int(known.sum()), 0, None)
    # A number that is another one says more than one that is missing.
    at = int(differ[np.argmax(np.nan_to_num(np.abs(after[differ] - before[differ]), nan=-1.0))])
    row = int(tail.rows[at])
    change = Change(
        cut=panel.times[tail.bar].isoformat(),
        time=_time(panel, row),
        symbol=_symbol(panel, row),
        with_future=_known(after[at]),
        without_future=_known(before[at]),
        size=_known(abs(after[at] - before[at])),
    )
    return _AtOneCut(int(known.sum()), len(differ), change)


def _differ(one: Floats, other: Floats, spread: float, tolerance: float) -> Flags:
    """Where two values are not the same up to `tolerance` of their size, or of the column's spread."""
    # Equal infinities are the same by the first test; differences of infinities would be NaN.
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.maximum(np.abs(one), np.abs(other)), spread)
        close = np.isfinite(one) & np.isfinite(other) & (np.abs(one - other) <= tolerance * size)
    return np.asarray(~(same | close))


def _spread(values: Floats) -> float:
    """The median distance from the median, which outliers do not stretch."""
    known = values[np.isfinite(values)]
    return float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0


def _size(change: Change) -> float:
    return -1.0 if change.size is None else change.size


def _time(panel: PanelArrays, row: int) -> str:
    return str(panel.times[int(panel.bar[row])].isoformat())


def _symbol(panel: PanelArrays, row: int) -> str:
    # The last symbol that starts at or before the row.
    return panel.symbols[int(np.searchsorted(panel.starts, row, side="right")) - 1]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _text(value: float) -> str:
    return "no value" if np.isnan(value) else f"{value:.6g}"
