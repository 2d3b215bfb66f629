"""The jobs of a plan as columns, beside the rows of the routing plan that decided them.

Half a million jobs are compared as whole columns, and a value that many of them share only once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.routing.frames import Floats, floats
from foxml_assets.routing.plan.routing_plan import RoutingPlan

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Coded:
    """A column as its distinct values and, for each row, the position of its own; -1 for None."""

    values: tuple[Any, ...]
    codes: Ints

    def where(self, *others: "Coded", holds: Callable[..., bool]) -> Flags:
        """The rows in which `holds` is true of the values of all columns, asked once per combination."""
        rows, combinations = combined(self, *others)
        return np.array([holds(*values) for values in combinations], dtype=bool)[rows]

    def categorical(self) -> pd.Categorical:
        """The same column for pandas; its values must differ."""
        return pd.Categorical.from_codes(self.codes, categories=pd.Index(self.values, dtype=object))

    def at(self, rows: Ints) -> "Coded":
        """The column at `rows`; None where the row is -1."""
        # Row -1 reads the last entry, which is the one added for None.
        return Coded(self.values, np.append(self.codes, -1)[rows])


@dataclass(frozen=True)
class PlacedJobs:
    """A plan, and for each of its jobs the row in the tables of the routing plan; -1 for none.

    `columns` keeps the fields of the jobs that were asked for.
    """

    plan: MasterPlan
    routing: RoutingPlan
    target_row: Ints
    pair_row: Ints
    columns: dict[str, Coded]

    @property
    def jobs(self) -> Sequence[Job]:
        return self.plan.jobs

    @cached_property
    def is_pooled(self) -> Flags:
        return np.array([job.symbol is None for job in self.jobs], dtype=bool)

    def among(self, chosen: Flags) -> list[Job]:
        """The chosen jobs."""
        return [self.jobs[at] for at in np.flatnonzero(chosen).tolist()]

    @property
    def is_known(self) -> Flags:
        """The jobs of which the routing plan decides."""
        return np.where(self.is_pooled, self.target_row, self.pair_row) >= 0

    def planned(self, field: str) -> Coded:
        """A field of the jobs, `metadata.` before one of their metadata."""
        if field not in self.columns:
            self.columns[field] = coded(map(attrgetter(field), self.jobs))
        return self.columns[field]

    def planned_numbers(self, field: str) -> Floats:
        """A numeric field of the jobs; NaN for None, infinite where no float is as large."""
        found = list(map(attrgetter(field), self.jobs))
        try:
            return np.array(found, dtype=np.float64)
        except OverflowError:
            return pd.to_numeric(pd.Series(found, dtype=object), errors="coerce").to_numpy(dtype=np.float64)

    def decided(self, of_target: str | None, of_pair: str | None) -> Coded:
        """A text column of the routing plan: the target's for pooled jobs, the pair's for a symbol's own.

        None where a kind of job has no such column.
        """
        targets = _text(self.routing.targets, of_target, self.target_row)
        pairs = _text(self.routing.pairs, of_pair, self.pair_row)
        values = tuple(dict.fromkeys((*targets.values, *pairs.values)))
        codes = (_recoded(column, values) for column in (targets, pairs))
        return Coded(values, np.where(self.is_pooled, *codes))

    def decided_numbers(self, of_target: str, of_pair: str) -> Floats:
        """A numeric column of the routing plan, chosen as by `decided`; NaN for null."""
        pairs = floats(self.routing.pairs[of_pair].reindex(self.pair_row))
        return np.where(self.is_pooled, self.target_numbers(of_target), pairs)

    def target_text(self, column: str) -> Coded:
        """A text column of the routing plan's targets, for every job."""
        return _text(self.routing.targets, column, self.target_row)

    def target_numbers(self, column: str) -> Floats:
        """A numeric column of the routing plan's targets, for every job."""
        return floats(self.routing.targets[column].reindex(self.target_row))


def place_jobs(plan: MasterPlan, routing: RoutingPlan) -> PlacedJobs:
    """Find the decisions behind the jobs of `plan` in `routing`."""
    target, symbol = coded(job.target for job in plan.jobs), coded(job.symbol for job in plan.jobs)
    target_row = _recoded(target, [str(name) for name in routing.targets["target"]])
    # Of a pair that is decided twice the first row; the index of a damaged plan would not be unique.
    pairs = routing.pairs[["target", "symbol"]].drop_duplicates()
    wanted = pd.MultiIndex.from_arrays([target.categorical(), symbol.categorical()])
    found = pd.MultiIndex.from_frame(pairs).get_indexer(wanted)
    # Position -1, for no such pair, reads the -1 at the end.
    pair_row = np.append(pairs.index.to_numpy(), -1)[found]
    return PlacedJobs(plan, routing, target_row, pair_row, {"target": target, "symbol": symbol})


def coded(values: Iterable[object]) -> Coded:
    """Any column of hashable values. What is one object in many rows is hashed once."""
    listed = list(values)
    identities = np.fromiter(map(id, listed), dtype=np.int64, count=len(listed))
    # Numbers the distinct objects; equal ones among them get one place below.
    codes, _ = pd.factorize(identities)
    places: dict[object, int] = {}
    of_object = [
        -1 if listed[at] is None else places.setdefault(listed[at], len(places))
        for at in _first_rows(codes).tolist()
    ]
    return Coded(tuple(places), np.array(of_object, dtype=np.int64)[codes])


def combined(*columns: Coded) -> tuple[Ints, list[tuple[Any, ...]]]:
    """For each row the position of its combination of values, and these combinations."""
    key = np.zeros(len(columns[0].codes), dtype=np.int64)
    for column in columns:
        # One more digit: the code from 0 on, None included. Renumbered each time, so that no key overflows.
        key, _ = pd.factorize(key * (len(column.values) + 1) + column.codes + 1)
    first = _first_rows(key)
    values = (((*column.values, None), column.codes[first]) for column in columns)
    return key, list(zip(*([own[code] for code in codes] for own, codes in values), strict=True))


def _first_rows(codes: Ints) -> Ints:
    """The first row of each code, of codes that are numbered as they appear."""
    return np.flatnonzero(~pd.Series(codes).duplicated())


def text_column(column: pd.Series) -> Coded:
    """A text column of the routing plan, which is categorical."""
    return Coded(tuple(map(str, column.cat.categories)), column.cat.codes.to_numpy().astype(np.int64))


def _text(table: pd.DataFrame, column: str | None, rows: Ints) -> Coded:
    if column is None:
        return Coded((), np.full(len(rows), -1, dtype=np.int64))
    return text_column(table[column]).at(rows)


def _recoded(column: Coded, names: Sequence[object]) -> Ints:
    """Positions in `names` instead of in the column's own values; -1 for what is not there."""
    # The position of each distinct value, then of each row; code -1 reads the -1 at the end.
    places = {name: at for at, name in enumerate(names)}
    return np.array([*(places.get(value, -1) for value in column.values), -1], dtype=np.int64)[column.codes]
