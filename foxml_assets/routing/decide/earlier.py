"""The states of a previous plan, aligned to the targets and pairs of this one."""

import logging

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.candidates.coding import LEVELS, Codes, Index
from foxml_assets.routing.methods.sides import EarlierStates
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

_log = logging.getLogger(__name__)


def earlier_states(previous: RoutingPlan | None, layout: Alignment) -> EarlierStates:
    """State codes of `previous` by this plan's targets and pairs."""
    if previous is None:
        return EarlierStates()
    cs = np.full(len(layout.targets), -1, dtype=np.int8)
    at = _positions(previous.targets["target"], layout.targets)
    levels, routes = [str(state) for state in LEVELS], [str(route) for route in Route]
    cs[at[at >= 0]] = _codes(previous.targets["cs_state"], levels)[at >= 0]
    found = pair_positions(previous.pairs, layout)
    return EarlierStates(
        cs=cs,
        local=_placed(_codes(previous.pairs["local_state"], levels), found, len(layout.pair_rows)),
        route=_placed(_codes(previous.pairs["route"], routes), found, len(layout.pair_rows)),
    )


def is_decided_by(previous: RoutingPlan, layout: Alignment, policy: RoutingPolicy, table_hash: str) -> bool:
    """Whether `previous` was made by this policy from these candidates and for these targets and pairs."""
    made_by = previous.metadata.config_hash, previous.metadata.candidates_hash
    return (
        made_by == (policy.config_hash(), table_hash)
        and list(previous.targets["target"]) == list(layout.targets)
        and np.array_equal(pair_positions(previous.pairs, layout), np.arange(len(layout.pair_rows)))
    )


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


def _placed(codes: Codes, at: Index, n: int) -> Codes:
    placed = np.full(n, -1, dtype=np.int8)
    placed[at[at >= 0]] = codes[at >= 0]
    return placed


def _positions(column: pd.Series, words: list[str]) -> npt.NDArray[np.int64]:
    of_category = pd.Index(words, dtype=object).get_indexer(pd.Index(column.cat.categories, dtype=object))
    return np.append(of_category, -1)[column.cat.codes.to_numpy()].astype(np.int64)


def _codes(column: pd.Series, words: list[str]) -> Codes:
    table = np.array([*(words.index(word) for word in column.cat.categories), -1], dtype=np.int8)
    return np.asarray(table[column.cat.codes.to_numpy()])


def plan_to_remember(layout: Layout, policy: RoutingPolicy) -> RoutingPlan | None:
    """The plan on disk, if the policy holds states by it; None if there is none that can be read."""
    if policy.hysteresis == 0 or not layout.routing_plan.is_file():
        return None
    try:
        return read_routing_plan(layout)
    except RoutingPlanError as error:
        _log.warning("the plan on disk cannot be read, so that no state is held by it: %s", error)
        return None
