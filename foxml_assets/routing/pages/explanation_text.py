"""An explanation as rows of a table and lines of text, for a terminal or a page."""

from dataclasses import replace

from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.pages.explanation import Explanation
from foxml_assets.routing.policy.routing_words import Side
from foxml_assets.routing.rules.side_trace import RuleLine

HEADER = ("side", "rule", "value", "threshold", "result")


def explanation_rows(explanation: Explanation) -> tuple[RuleLine, ...]:
    """Every test of both sides, then the comparison of skills, in the order in which they were asked."""
    rows = [
        replace(test, side="pooled" if side.trace.side is Side.CROSS_SECTIONAL else "symbol")
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
    subject = (
        explanation.target if explanation.symbol is None else f"{explanation.target} / {explanation.symbol}"
    )
    lines = [
        f"{subject}: {explanation.route.value if explanation.route else 'pooled model'}",
        explanation.reason,
    ]
    for side in explanation.sides:
        name = "Pooled model" if side.trace.side is Side.CROSS_SECTIONAL else "Symbol's own model"
        held = ", kept by hysteresis" if side.trace.held else ""
        lines.append(f"{name}: {side.trace.state.value}{held}. {side.decided}")
        lines.append(f"  {side.numbers}")
    if explanation.difference:
        lines.append(explanation.difference)
    if explanation.symbol is None:
        counts = ", ".join(f"{n:,} {route.value}" for route, n in explanation.pairs_by_route.items() if n)
        lines.append(f"Pairs: {counts or 'none'}")
    if explanation.dropped_features:
        dropped = ", ".join(explanation.dropped_features)
        lines.append(f"Not used by any job: {dropped}; leakage.json of the target's evidence says why.")
    lines += [f"Leakage is not doubted: {line}." for line in explanation.assured]
    if explanation.route is Route.BOTH:
        lines.append("The average of both models serves this pair; nothing better can be had.")
    else:
        lines += [f"For the next better route: {step}" for step in explanation.next_steps]
    return tuple(lines)
