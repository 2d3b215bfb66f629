"""What would have to change for a pair to get the next better route."""

from dataclasses import replace

import numpy as np
import pandas as pd

from foxml_assets.routing.coding import LEVELS, level
from foxml_assets.routing.combination import decision
from foxml_assets.routing.plan import PolicyInForce
from foxml_assets.routing.row_tests import Check
from foxml_assets.routing.side_trace import SideTrace, allowed_stabilities, bars_of, number
from foxml_assets.routing.stability_words import stability_words
from foxml_assets.routing.words import BothStrongBehavior, Method, RouteRule, Side, StateRule
from foxml_assets.vocabulary import Route, SignalState

_QUALITY = {
    Route.BLOCKED: 0,
    Route.EXPERIMENTAL_ONLY: 1,
    Route.CROSS_SECTIONAL: 2,
    Route.SYMBOL_SPECIFIC: 2,
    Route.BOTH: 3,
}


def next_steps(
    row: pd.Series, pairs: pd.DataFrame, cs: SideTrace, local: SideTrace, policy: PolicyInForce
) -> tuple[str, ...]:
    """Ways to a better route for the pair in `row`, which does not leak; `pairs` are all of its target."""
    route, rule = Route(row["route"]), RouteRule(row["rule"])
    if policy.method is Method.SHRINKAGE:
        return tuple(_by_skill(row, cs, local, policy))
    if rule is RouteRule.BOTH_STRONG and route is not Route.BOTH:
        return (_undecided(row, policy),)
    steps = [_past_the_lane(pairs)] if rule is RouteRule.EXPERIMENTAL_LANE_FULL else []
    wanted = _QUALITY[Route.EXPERIMENTAL_ONLY if steps else route]
    sides = [(local, cs), (cs, local)]
    if rule in (RouteRule.LOCAL_ON_SYMBOL, RouteRule.POOLED_TOO_SMALL):
        # Whatever its state, the pooled model is out of the question here.
        steps.append(_more_on_the_symbol(row, policy))
        sides = [(local, replace(cs, state=SignalState.DISALLOWED))]
    for trace, other in sides:
        step = _lift(trace, other, wanted, policy)
        if step:
            steps.append(step)
    return tuple(steps) or (_lift_both(cs, local, wanted, policy),)


def leak_steps(found: str) -> tuple[str, ...]:
    """What can be done about a leak; `found` is what was found."""
    return (
        f"Nothing but removing the leak: {found}. Leave the feature out (panel.exclude_features), or vouch"
        " for it with a reason (evidence.leakage.known_safe).",
    )


def _lift(trace: SideTrace, other: SideTrace, wanted: int, policy: PolicyInForce) -> str:
    """How far one side must climb for a route better than `wanted`, the other side staying as it is."""
    for state in LEVELS[level(trace.state) + 1 :]:
        is_cs = trace.side is Side.CROSS_SECTIONAL
        cs, local = (state, other.state) if is_cs else (other.state, state)
        reached, _ = decision(cs, local, policy.both_strong_behavior, policy.both_weak_behavior)
        if _QUALITY[reached] > wanted:
            name = "the pooled model" if is_cs else "the symbol's own model"
            needs = "; ".join(missing(trace, state, policy)) or "its standing conditions"
            return f"{reached.value} if {name} were {state.value}: {needs}."
    return ""


def _lift_both(cs: SideTrace, local: SideTrace, wanted: int, policy: PolicyInForce) -> str:
    best = SignalState.STRONG
    reached, _ = decision(best, best, policy.both_strong_behavior, policy.both_weak_behavior)
    if _QUALITY[reached] <= wanted:
        return "This policy has no better route."
    needs = [
        f"{name}: {'; '.join(missing(trace, best, policy)) or 'nothing more'}"
        for name, trace in (("pooled model", cs), ("symbol's own model", local))
    ]
    return f"{reached.value} if both sides were {best.value}. {'. '.join(needs)}."


def missing(trace: SideTrace, state: SignalState, policy: PolicyInForce) -> list[str]:
    """What a side lacks for `state`, in words; empty if only another rule stands in the way."""
    if trace.rule is StateRule.NO_METRICS:
        return ["it needs evidence of its own"]
    if trace.rule is StateRule.QUARANTINED:
        return [f"its row must be mended ({trace.quarantine_reason})"]
    strong, low, experimental = bars_of(trace, policy)
    is_trial = state is SignalState.EXPERIMENTAL
    bar, check = {
        SignalState.STRONG: (strong, Check.STRONG_SCORE),
        SignalState.WEAK_BUT_OK: (low, Check.MIN_SCORE),
    }.get(state, (experimental, Check.EXPERIMENTAL_SCORE))
    if is_trial and np.isnan(experimental):
        return ["the experimental lane must be open"]
    needs = _admission(trace, policy)
    if check not in trace.checks and not np.isnan(trace.gate):
        needs.append(f"gate >= {number(bar)} (now {number(trace.gate)}, {bar - trace.gate:+.4f})")
    if not is_trial and Check.LEAKAGE_CLEAR not in trace.checks:
        needs.append(f"leakage SAFE (now {trace.leakage})")
    steady = Check.EXPERIMENTAL_STABILITY if is_trial else Check.STABILITY
    if steady not in trace.checks:
        allowed = (
            " or ".join(policy.stability_experimental) if is_trial else allowed_stabilities(trace, policy)
        )
        needs.append(f"stability {allowed} (now {_stability(trace, policy)})")
    return needs


def _admission(trace: SideTrace, policy: PolicyInForce) -> list[str]:
    is_cs = trace.side is Side.CROSS_SECTIONAL
    minimum = policy.min_sample_size_cross_sectional if is_cs else policy.min_sample_size_symbol
    wanted = {
        Check.SAMPLE_SIZE: f"at least {minimum:,} samples (now {trace.sample_size:,.0f})",
        Check.LEAKAGE_NOT_BLOCKED: f"no leak (now {trace.leakage})",
        Check.FAMILIES: f"at least {policy.require_min_successful_families} fitted model families",
        Check.FEATURES: f"at least {policy.min_features} allowed features",
        Check.GATE_KNOWN: f"a {policy.gate_on}",
        Check.FDR: f"score >= {number(trace.fdr_bar)} by false discovery at fdr.q.{trace.side}"
        f" (now {number(trace.score)})",
    }
    return [text for check, text in wanted.items() if check not in trace.checks]


def _more_on_the_symbol(row: pd.Series, policy: PolicyInForce) -> str:
    return (
        f"The pooled model is allowed if P(its skill on the symbol > min_skill {policy.min_skill:g}) >="
        f" min_probability {policy.min_probability:g} (now {number(row['cs_probability'])})."
    )


def _undecided(row: pd.Series, policy: PolicyInForce) -> str:
    """Both sides are strong, and one of them was preferred."""
    if policy.both_strong_behavior is not BothStrongBehavior.PREFER_BETTER:
        return "This policy has no better route."
    return (
        f"{Route.BOTH.value} if the interval of the difference held 0 (now {row['difference_low']:+.4f} to"
        f" {row['difference_high']:+.4f}) and the average scored no worse than the better model."
    )


def _past_the_lane(pairs: pd.DataFrame) -> str:
    last = pairs[(pairs["route"] == Route.EXPERIMENTAL_ONLY.value).to_numpy()]
    lowest = last.sort_values("experimental_rank").iloc[-1]
    return (
        f"{Route.EXPERIMENTAL_ONLY.value} if its gate were above that of {lowest['symbol']}"
        f" ({number(lowest['local_gate'])}), the last in the lane."
    )


def _by_skill(row: pd.Series, cs: SideTrace, local: SideTrace, policy: PolicyInForce) -> list[str]:
    """Ways to another choice under method shrinkage."""
    steps = []
    probability = row["cs_probability"]
    if cs.state in (SignalState.STRONG, SignalState.WEAK_BUT_OK):
        if not probability >= policy.min_probability:
            steps.append(_more_on_the_symbol(row, policy))
    else:
        steps.append(f"The pooled model is allowed with: {'; '.join(_for_discovery(cs, policy))}.")
    if local.state not in (SignalState.STRONG, SignalState.WEAK_BUT_OK):
        steps.append(f"The symbol's own model is allowed with: {'; '.join(_for_discovery(local, policy))}.")
    elif row["rule"] == RouteRule.SHRUNK_CS.value:
        lacking = row["cs_skill"] + policy.min_advantage - row["local_skill"]
        steps.append(f"The symbol's own model is chosen if its shrunk skill rises by {number(lacking)}.")
    return steps or ["Every choice is allowed; the best one was taken."]


def _for_discovery(trace: SideTrace, policy: PolicyInForce) -> list[str]:
    if trace.rule is StateRule.NO_METRICS:
        return ["evidence of its own"]
    if trace.rule is StateRule.QUARANTINED:
        return [f"a mended row ({trace.quarantine_reason})"]
    needs = _admission(trace, policy)
    if Check.LEAKAGE_CLEAR not in trace.checks:
        needs.append(f"leakage SAFE (now {trace.leakage})")
    if trace.rule is StateRule.STABILITY:
        needs.append(f"stability {allowed_stabilities(trace, policy)} (now {_stability(trace, policy)})")
    return needs or ["a standard error of its score"]


def _stability(trace: SideTrace, policy: PolicyInForce) -> str:
    words = stability_words(trace.steadiness, trace.metric, policy.stability)
    return f"{trace.stability}: {words}" if words else trace.stability
