"""What every method says of a pair: what can be done about a leak, and the pooled model on the symbol."""

import pandas as pd

from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.routing_words import RouteRule
from foxml_assets.routing.rules.side_trace import RuleLine, number


def leak_steps(found: str) -> tuple[str, ...]:
    """What can be done about a leak; `found` is what was found."""
    return (
        f"Nothing but removing the leak: {found}. Leave the feature out (panel.exclude_features), or vouch"
        " for it with a reason (evidence.leakage.known_safe).",
    )


def suspect_steps() -> tuple[str, ...]:
    """What can be done for a symbol whose suspicion keeps it out of the pooled model."""
    return (
        "Until the suspicion is cleared the pooled model is trained without the symbol and does not serve it."
        " Leave the feature out (panel.exclude_features), or vouch for it with a reason"
        " (evidence.leakage.known_safe).",
    )


def more_on_the_symbol(row: pd.Series, policy: PolicyInForce) -> str:
    return (
        f"The pooled model is allowed if P(its skill on the symbol > min_skill {policy.min_skill:g}) >="
        f" min_probability {policy.min_probability:g} (now {number(row['cs_probability'])})."
    )


def pooled_on_symbol(row: pd.Series, policy: PolicyInForce) -> RuleLine:
    """Whether the pooled model has skill on the symbol, as a line of the trace."""
    least = f"P(skill > pooled_on_symbol.min_skill {policy.min_skill:g})"
    asked = f"{least} >= min_probability {policy.min_probability:g}; it is {number(row['cs_probability'])}"
    return RuleLine(
        "pooled skill on this symbol",
        number(row["cs_skill"]),
        asked,
        passed=bool(row["cs_probability"] >= policy.min_probability),
        decided=row["rule"] in (RouteRule.POOLED_TOO_SMALL, RouteRule.LOCAL_ON_SYMBOL),
    )
