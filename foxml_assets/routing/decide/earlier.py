"""The states of a previous plan, aligned to the targets and pairs of this one."""

import logging

import numpy as np
import pandas as pd

from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.candidates.table_columns import LEVELS, positions
from foxml_assets.routing.methods.sides import EarlierStates
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

_log = logging.getLogger(__name__)


def earlier_states(previous: RoutingPlan | None, alignment: Alignment) -> EarlierStates:
    """State codes of `previous` by this plan's targets and pairs."""
    if previous is None:
        return EarlierStates()
    of_target = previous.targets.set_index(previous.targets["target"].astype(object))
    of_pair = previous.pairs.set_index(pd.MultiIndex.from_frame(previous.pairs[["target", "symbol"]]))
    # Pairs and targets that the earlier plan did not have become null, and their codes -1.
    pairs = of_pair[["local_state", "route"]].reindex(alignment.pairs)
    return EarlierStates(
        cs=positions(of_target["cs_state"].reindex(alignment.targets), LEVELS),
        local=positions(pairs["local_state"], LEVELS),
        route=positions(pairs["route"], Route),
    )


def is_decided_by(
    previous: RoutingPlan, alignment: Alignment, policy: RoutingPolicy, table_hash: str
) -> bool:
    """Whether `previous` was made by this policy from these candidates and for these targets and pairs."""
    made_by = previous.metadata.config_hash, previous.metadata.candidates_hash
    return (
        made_by == (policy.config_hash(), table_hash)
        and list(previous.targets["target"]) == list(alignment.targets)
        # Each pair of it is found at its own position: the same pairs in the same order, and no other.
        and np.array_equal(alignment.positions(previous.pairs), np.arange(len(alignment.pair_rows)))
    )


def plan_to_remember(layout: Layout, policy: RoutingPolicy) -> RoutingPlan | None:
    """The plan on disk, if the policy holds states by it; None if there is none that can be read."""
    if policy.hysteresis == 0 or not layout.routing_plan.is_file():
        return None
    try:
        return read_routing_plan(layout)
    except RoutingPlanError as error:
        _log.warning("the plan on disk cannot be read, so that no state is held by it: %s", error)
        return None
