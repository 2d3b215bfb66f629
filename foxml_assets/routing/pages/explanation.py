"""Why a pair, or a target's pooled model, was decided as it was: the trace of the plan in rows and lines."""

import difflib
import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from foxml_assets.core.assurances import assurance_lines, read_assurances
from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.plan.routing_plan import PolicyInForce, RoutingPlan
from foxml_assets.routing.policy.method_registry import PairTrace, find_method
from foxml_assets.routing.policy.routing_words import Side
from foxml_assets.routing.rules.rules import deciding_words, tests_of
from foxml_assets.routing.rules.side_trace import RuleLine, SideTrace, number, side_numbers, side_trace

HEADER = ("side", "rule", "value", "threshold", "result")
_VOUCH = "vouch for it with a reason (evidence.leakage.known_safe)"
_NEAREST = 5


@dataclass(frozen=True)
class SideExplanation:
    """One side's state, what decided it, and its tests in the order in which they were asked."""

    trace: SideTrace
    decided: str
    tests: tuple[RuleLine, ...]
    numbers: str


@dataclass(frozen=True)
class Explanation:
    """A decision with its trace. Without a symbol it is about the pooled model, and `route` is None.

    `own_models` says whether the target's own models are found together; `choice` compares the shrunk skills,
    `difference` is the paired one of both models, if it was measured; `next_steps` say what would have to
    change for the next better route, `pairs_by_route` counts the target's pairs. `dropped_features` are those
    selected ones that the policy does not let into a job, each with its status; `assured` says whose leakage
    is not doubted, and why.
    """

    target: str
    reason: str
    sides: tuple[SideExplanation, ...]
    pairs_by_route: dict[Route, int]
    own_models: str
    dropped_features: tuple[str, ...]
    assured: tuple[str, ...]
    symbol: str | None = None
    route: Route | None = None
    choice: tuple[RuleLine, ...] = ()
    difference: str = ""
    next_steps: tuple[str, ...] = ()


def explain(plan: RoutingPlan, target: str, symbol: str | None = None) -> Explanation:
    """The explanation of a pair, or of a target without a symbol.

    Raises RoutingPlanError if the plan has no such target or pair; it names the nearest there is.
    """
    of_target = plan.targets[(plan.targets["target"] == target).to_numpy()]
    if of_target.empty:
        raise _absent("target", target, list(plan.targets["target"]), list(plan.pairs["symbol"].unique()))
    target_row = of_target.iloc[0]
    pairs = plan.pairs[(plan.pairs["target"] == target).to_numpy()]
    pooled, policy = side_trace(Side.CROSS_SECTIONAL, target_row.to_dict()), plan.metadata.policy
    found = target_row["hard_block_reason"]
    of_pooled = Explanation(
        target=target,
        reason=str(target_row["cs_reason"] if pd.isna(found) else found),
        sides=(_side(pooled, policy),),
        pairs_by_route={route: int((pairs["route"] == route.value).sum()) for route in Route},
        own_models=_own_models(target_row, policy),
        dropped_features=_dropped(target_row["dropped_features"]),
        assured=_assured(target_row["assured"]),
    )
    if symbol is None:
        return of_pooled
    of_pair = pairs[(pairs["symbol"] == symbol).to_numpy()]
    if of_pair.empty:
        raise _absent(f"pair of {target} with symbol", symbol, list(pairs["symbol"]), [])
    row = of_pair.iloc[0]
    own = side_trace(Side.SYMBOL, row.to_dict())
    method, pair = find_method(policy.method), PairTrace(row, pairs, pooled, own)
    leak = str(found if target_row["hard_block"] else row["hard_block_reason"])
    return replace(
        of_pooled,
        symbol=symbol,
        route=Route(row["route"]),
        # What was found stands behind "the target leaks: ", which the reason has said already.
        reason=f"{row['reason']}: {leak.partition(': ')[2]}" if row["hard_block"] else str(row["reason"]),
        sides=(*of_pooled.sides, _side(own, policy)),
        choice=method.compare(pair, policy),
        difference=_difference(row),
        next_steps=_steps(row, leak) or method.next_steps(pair, policy),
    )


def explanation_rows(explanation: Explanation) -> tuple[RuleLine, ...]:
    """Every test of both sides, then the comparison of skills, in the order in which they were asked."""
    rows = [
        replace(test, side=side.trace.side.of("pooled", "symbol"))
        for side in explanation.sides
        for test in side.tests
    ]
    return (*rows, *(replace(test, side="choice") for test in explanation.choice))


def row_cells(row: RuleLine) -> tuple[str, ...]:
    """The texts under HEADER; the deciding rule is marked."""
    result = f"{row.result} (decided)" if row.decided else row.result
    return row.side, row.name, row.value, row.threshold, result


def explanation_lines(explanation: Explanation) -> tuple[str, ...]:
    """The decision in words: what, why, the states, and what would have to change."""
    pair = f"{explanation.target} / {explanation.symbol}"
    subject = f"{pair}: {explanation.route}" if explanation.route else f"{explanation.target}: pooled model"
    lines = [subject, explanation.reason]
    for side in explanation.sides:
        name = side.trace.side.of("Pooled model", "Symbol's own model")
        held = ", kept by hysteresis" if side.trace.held else ""
        lines.append(f"{name}: {side.trace.state.value}{held}. {side.decided}")
        lines.append(f"  {side.numbers}")
    if explanation.own_models:
        lines.append(explanation.own_models)
    if explanation.difference:
        lines.append(explanation.difference)
    if explanation.symbol is None:
        counts = ", ".join(f"{n:,} {route.value}" for route, n in explanation.pairs_by_route.items() if n)
        lines.append(f"Pairs: {counts or 'none'}")
    if explanation.dropped_features:
        dropped = ", ".join(explanation.dropped_features)
        lines.append(f"Not used by any job: {dropped}; leakage.json of the target's evidence says why.")
        lines.append(f"  If that is wrong: {_VOUCH}.")
    lines += [f"Leakage is not doubted: {line}." for line in explanation.assured]
    if explanation.route is Route.BOTH:
        lines.append("The average of both models serves this pair; nothing better can be had.")
    else:
        lines += [f"For the next better route: {step}" for step in explanation.next_steps]
    return tuple(lines)


def _steps(row: pd.Series, leak: str) -> tuple[str, ...]:
    """What can be done about a leak or its suspicion; nothing without."""
    remedy = f"Leave the feature out (panel.exclude_features), or {_VOUCH}."
    if row["hard_block"]:
        return (f"Nothing but removing the leak: {leak}. {remedy}",)
    if row["excluded_from_pooled"]:
        without = "the pooled model is trained without the symbol and does not serve it"
        return (f"Until the suspicion is cleared {without}. {remedy}",)
    return ()


def _dropped(features: object) -> tuple[str, ...]:
    statuses: dict[str, str] = json.loads(features) if isinstance(features, str) else {}
    return tuple(f"{name} ({status})" for name, status in sorted(statuses.items()))


def _assured(text: object) -> tuple[str, ...]:
    return assurance_lines(read_assurances(text) or {}) if isinstance(text, str) else ()


def _own_models(row: pd.Series, policy: PolicyInForce) -> str:
    """The mean score of the target's own models and its test; empty if there was nothing to test."""
    mean, se, threshold = (float(row[name]) for name in ("local_score", "local_se", "local_threshold"))
    if policy.fdr_q_together is None or np.isnan(mean) or not se > 0:
        return ""
    score = f"their mean score is {number(mean)} (standard error {number(se)})"
    if np.isnan(threshold):
        return f"Own models are not tested together, as skill is gone in the recent folds: {score} over all."
    found = "are found together" if mean >= threshold else "are not found together"
    asked = f"{number(threshold)} (fdr.q_together {policy.fdr_q_together:g})"
    return f"Own models {found}: {score}, and {asked} is asked."


def _side(trace: SideTrace, policy: PolicyInForce) -> SideExplanation:
    decided = deciding_words(trace, policy)
    return SideExplanation(trace, decided, tests_of(trace, policy), side_numbers(trace, policy))


def _difference(row: pd.Series) -> str:
    """Local minus pooled score on the pair, with its interval; empty if it was not measured."""
    value, low, high = (float(row[name]) for name in ("difference", "difference_low", "difference_high"))
    if np.isnan(value):
        return ""
    scores = f"Symbol's own minus pooled model on this symbol: {value:+.4f}"
    interval = "no interval" if np.isnan(low) or np.isnan(high) else f"95 % {low:+.4f} to {high:+.4f}"
    others = f"pooled {number(row['pooled_score'])}, average of both {number(row['both_score'])}"
    return f"{scores}, {interval} ({others})."


def _absent(what: str, name: str, known: list[str], others: list[str]) -> RoutingPlanError:
    """The error for a name that is not `known`, with the nearest that are; `others` are names of the kind
    that it may have been taken for."""
    message = f"the routing plan has no {what} {name!r}"
    if name in others:
        return RoutingPlanError(f"{message}, but a symbol of that name", fix="foxml explain TARGET SYMBOL")
    # Upper and lower case are the likeliest slips, and count for different characters.
    # Reversed, so that of names that differ only in case the first stays.
    spelled = {other.casefold(): other for other in reversed(known)}
    near = difflib.get_close_matches(name.casefold(), list(spelled), n=_NEAREST, cutoff=0.0)
    nearest = ", ".join(spelled[one] for one in near)
    return RoutingPlanError(message, fix=f"the nearest names are {nearest}" if near else "it has none at all")
