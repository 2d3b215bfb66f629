"""`routing_audit.md`: the answer, one table, and what is behind it."""

from foxml_assets.auditing.pages.audit_text import (
    HEADER,
    LEGEND,
    ROUTE_HEADER,
    count,
    notes,
    route_rows,
    table_rows,
    verdict,
)
from foxml_assets.auditing.routing_audit import LeftOut, RoutingAudit, Scheme
from foxml_assets.core.markdown import escape, table
from foxml_assets.core.vocabulary import Route

_REASONS = {
    LeftOut.LEAKS: "blocked for leakage, as a leak has no honest baseline",
    LeftOut.NOT_IN_PANEL: "not in the panel",
    LeftOut.NO_TASK: "without sound evidence that names their task",
    LeftOut.NOT_SCORED: "with too few labelled hold-out rows, or labels of one value only",
}


def audit_markdown(audit: RoutingAudit) -> str:
    """The whole page, ending in a line break."""
    sections = ["# Routing audit", f"**{escape(verdict(audit))}**", table(HEADER, table_rows(audit)), LEGEND]
    told = notes(audit)
    if told:
        sections.append("\n".join(f"- {escape(note)}" for note in told))
    sections.append("![Skill against training time](routing_audit.png)")
    if audit.routes:
        sections += ["## By the plan's route", table(ROUTE_HEADER, route_rows(audit)), *_blocked(audit)]
    sections += ["## How it is measured", "\n".join(f"- {line}" for line in _method(audit))]
    return "\n\n".join(sections) + "\n"


def _blocked(audit: RoutingAudit) -> list[str]:
    """What the plan gave up by blocking, where that is known."""
    for line in audit.routes:
        pooled = line.mean_skill.get(Scheme.ALL_POOLED)
        if line.route is Route.BLOCKED and pooled is not None:
            error = "" if pooled.low is None else f", 95 % interval {pooled.low:.3f} to {pooled.high:.3f}"
            return [
                "Blocked pairs earn nothing. One pooled model a target would have earned these "
                f"{line.pairs:,} {pooled.value:.3f} each{error}."
            ]
    return []


def _method(audit: RoutingAudit) -> list[str]:
    held = audit.holdout
    symbol = "takes" if audit.symbol_as_feature else "does not take"
    return [
        f"On the last {held.bars:,} bars ({held.start} to {held.end}), which neither the decisions nor the "
        f"fits have seen: {audit.compared:,} of {count(audit.pairs, 'pair')}.",
        "Skill is 2 AUC - 1 or the rank correlation, within the symbol, of what the pair is served; a pair "
        "that is served nothing earns 0. Means are over all compared pairs.",
        f"All pooled: one model a target, which {symbol} the symbol for a feature. All symbol: every pair "
        "its own. Both averaged: the mean of the two predictions. Features, families and settings are the "
        "plan's.",
        "The best choice of a pair is the best of nothing and the three, chosen on the hold-out itself: "
        "nobody could have known it, and chance flatters it.",
        f"Errors are standard errors over time: each of {count(held.blocks, 'block')} of bars, shared by all "
        "pairs, is left out once (jackknife).",
        "Training is the seconds of all fits on one thread, as recorded when they were made; screening pays "
        "after as many trainings as save its CPU time.",
        *(f"Left out: {count(n, 'pair')} {_REASONS[why]}." for why, n in audit.left_out.items() if n),
        f"Plan `{audit.plan_hash[:12]}`.",
    ]
