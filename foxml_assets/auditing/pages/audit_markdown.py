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
from foxml_assets.auditing.routing_audit import LeftOut, RouteLine, RoutingAudit, Scheme
from foxml_assets.core.markdown import render
from foxml_assets.core.vocabulary import Route

_REASONS = {
    LeftOut.LEAKS: "blocked for leakage, as a leak has no honest baseline",
    LeftOut.NOT_IN_PANEL: "not in the panel",
    LeftOut.NO_TASK: "without sound evidence that names their task",
    LeftOut.NOT_SCORED: "with too few labelled hold-out rows, or labels of one value only",
}


def audit_markdown(audit: RoutingAudit) -> str:
    """The whole page, ending in a line break."""
    return render(
        "auditing/pages/routing_audit.md.j2",
        audit=audit,
        holdout=audit.holdout,
        verdict=verdict(audit),
        header=HEADER,
        schemes=table_rows(audit),
        legend=LEGEND,
        notes=notes(audit),
        route_header=ROUTE_HEADER,
        routes=route_rows(audit),
        blocked=_blocked(audit),
        count=count,
        left_out=[(_REASONS[why], count(n, "pair")) for why, n in audit.left_out.items() if n],
    )


def _blocked(audit: RoutingAudit) -> RouteLine | None:
    """The blocked pairs, if it is known what a pooled model would earn on them."""
    blocked = (line for line in audit.routes if line.route is Route.BLOCKED)
    return next((line for line in blocked if Scheme.ALL_POOLED in line.mean_skill), None)
