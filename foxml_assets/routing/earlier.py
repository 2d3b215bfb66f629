"""The states of a previous plan, aligned to the targets and pairs of this one."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.routing.alignment import Alignment
from foxml_assets.routing.coding import LEVELS, Codes, Index
from foxml_assets.routing.plan import RoutingPlan
from foxml_assets.routing.sides import EarlierStates


def earlier_states(previous: RoutingPlan | None, layout: Alignment) -> EarlierStates:
    """State codes of `previous` by this plan's targets and pairs."""
    if previous is None:
        return EarlierStates()
    cs = np.full(len(layout.targets), -1, dtype=np.int8)
    at = _positions(previous.targets["target"], layout.targets)
    cs[at[at >= 0]] = _levels(previous.targets["cs_state"])[at >= 0]
    return EarlierStates(cs=cs, local=_earlier_local(previous.pairs, layout))


def pair_positions(pairs: pd.DataFrame, layout: Alignment) -> Index:
    """For every row of `pairs` its position among this plan's pairs, -1 if it is not one of them."""
    n_symbols = max(len(layout.symbols), 1)
    here = layout.pair_target * n_symbols + layout.pair_symbol
    target, symbol = _positions(pairs["target"], layout.targets), _positions(pairs["symbol"], layout.symbols)
    key = np.where((target >= 0) & (symbol >= 0), target * n_symbols + symbol, -1)
    if not len(here):
        return np.full(len(key), -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(here, key), len(here) - 1)
    return np.where(here[found] == key, found, -1)


def _earlier_local(pairs: pd.DataFrame, layout: Alignment) -> Codes:
    local = np.full(len(layout.pair_target), -1, dtype=np.int8)
    at = pair_positions(pairs, layout)
    local[at[at >= 0]] = _levels(pairs["local_state"])[at >= 0]
    return local


def _positions(column: pd.Series, words: list[str]) -> npt.NDArray[np.int64]:
    of_category = pd.Index(words, dtype=object).get_indexer(pd.Index(column.cat.categories, dtype=object))
    return np.append(of_category, -1)[column.cat.codes.to_numpy()].astype(np.int64)


def _levels(column: pd.Series) -> Codes:
    names = [str(state) for state in LEVELS]
    table = np.array([*(names.index(word) for word in column.cat.categories), -1], dtype=np.int8)
    return table[column.cat.codes.to_numpy()]
