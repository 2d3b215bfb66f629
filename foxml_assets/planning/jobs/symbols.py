"""What becomes of every symbol of a routing plan, seen from the symbol."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.vocabulary import USES_POOLED, Route
from foxml_assets.planning.plan.master_plan import SymbolUse
from foxml_assets.routing.plan.routing_plan import RoutingPlan


def symbol_uses(routing: RoutingPlan, pooled: Collection[str]) -> dict[str, SymbolUse]:
    """The use of each symbol, by name, when the targets `pooled` have a pooled job.

    A pooled job learns from the rows of all symbols but those that leak, whomever it serves.
    """
    pairs = routing.pairs
    has_job = pairs["target"].isin(pooled).to_numpy()
    served = has_job & pairs["route"].isin(USES_POOLED).to_numpy()
    rows_only = has_job & ~served & ~pairs["excluded_from_pooled"].to_numpy(dtype=bool)
    served_by, rows_in = _lists(pairs, "target", served), _lists(pairs, "target", rows_only)
    rules = _lists(pairs, "rule", (pairs["route"] == Route.BLOCKED.value).to_numpy())
    return {
        symbol: SymbolUse(
            served_by=tuple(served_by.get(symbol, ())),
            rows_in=tuple(rows_in.get(symbol, ())),
            blocked={rule: rules[symbol].count(rule) for rule in sorted(set(rules.get(symbol, ())))},
        )
        for symbol in sorted(map(str, pairs["symbol"].unique()))
    }


def _lists(pairs: pd.DataFrame, column: str, rows: npt.NDArray[np.bool_]) -> dict[str, list[str]]:
    """The values of `column` in the chosen rows, by symbol, in the order of the routing plan."""
    chosen = pairs.loc[rows, ["symbol", column]].astype(object)
    return {str(symbol): list(own) for symbol, own in chosen.groupby("symbol", sort=False)[column]}


def why_untouched(use: SymbolUse) -> str:
    """Why no job touches a symbol, in words."""
    rules = ", ".join(f"{rule} {count}" for rule, count in use.blocked.items())
    number = sum(use.blocked.values())
    return f"all its {number} pairs are blocked ({rules}), and no pooled model learns from its rows"
