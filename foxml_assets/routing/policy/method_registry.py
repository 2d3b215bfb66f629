"""Routing methods, found by name. A method owns its ladder of rules, its choice and its explanation.

A method is one module that defines a RoutingMethod, and its line in `_MODULES` (or a call of `register`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, cast

from foxml_assets.core.errors import RoutingPlanError

# The policy is validated against the names alone, so this module may import nothing that knows the policy.
if TYPE_CHECKING:
    import pandas as pd

    from foxml_assets.routing.frames import Floats
    from foxml_assets.routing.methods.combination import Routes
    from foxml_assets.routing.methods.pair_evidence import JudgedSide, PairEvidence
    from foxml_assets.routing.plan.routing_plan import PolicyInForce
    from foxml_assets.routing.policy.routing_words import RouteRule
    from foxml_assets.routing.rules.rules import Rule
    from foxml_assets.routing.rules.side_trace import RuleLine, SideTrace


@dataclass(frozen=True)
class PairTrace:
    """A pair's row of the plan, all rows of its target, and the traces of both sides."""

    row: "pd.Series"
    pairs: "pd.DataFrame"
    cs: "SideTrace"
    local: "SideTrace"


@dataclass(frozen=True)
class RoutingMethod:
    """How evidence becomes routes, and how the outcome is explained.

    `ladder`: the rules in the order in which they are asked; the first that holds decides a row's state.
    `choose`: a route for every pair, before hard blocks and the lane's cap. `open_threshold`: the lowest
    score that routes each row, NaN where none does. `compare`: the tests between the models of a pair.
    `next_steps`: ways to a better route. `sentences`: what is said of a pair by a rule of the method's own,
    {sides} and {choice} filled in; of one without, only the states of its sides. `needs_discovery`:
    false-discovery control cannot be switched off.
    """

    name: str
    ladder: "tuple[Rule, ...]"
    choose: "Callable[[PairEvidence], Routes]"
    open_threshold: "Callable[[JudgedSide], Floats]"
    compare: "Callable[[PairTrace, PolicyInForce], tuple[RuleLine, ...]]"
    next_steps: "Callable[[PairTrace, PolicyInForce], tuple[str, ...]]"
    sentences: "dict[RouteRule, str]" = field(default_factory=dict)
    needs_discovery: bool = False


# Imported when first asked for: reading a policy or a plan needs no rule of any method.
_MODULES = {
    "thresholds": "foxml_assets.routing.methods.thresholds",
    "shrinkage": "foxml_assets.routing.methods.shrinkage",
}
_REGISTERED: dict[str, RoutingMethod] = {}


def register(method: RoutingMethod) -> None:
    """Make `method` known by its name. Raises ValueError if the name is taken."""
    if method.name in method_names():
        raise ValueError(f"the routing method {method.name!r} is registered already")
    _REGISTERED[method.name] = method


def method_names() -> tuple[str, ...]:
    """All names that the policy's `method` may have."""
    return (*_MODULES, *_REGISTERED)


def find_method(name: str) -> RoutingMethod:
    """The method of this name. Raises RoutingPlanError for an unknown one."""
    if name in _MODULES:
        return cast(RoutingMethod, import_module(_MODULES[name]).METHOD)
    if name not in _REGISTERED:
        known = ", ".join(method_names())
        raise RoutingPlanError(f"there is no routing method {name!r}", fix=f"use one of {known}")
    return _REGISTERED[name]
