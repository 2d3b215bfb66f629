"""The audit in words and numbers, for the page, the terminal and the picture alike."""

from collections.abc import Sequence

from foxml_assets.auditing.routing_audit import BASELINES, Interval, RoutingAudit, Scheme, SchemeLine
from foxml_assets.core.vocabulary import Route

COMMAND = "foxml audit --baselines"
LABELS = {
    Scheme.PLAN: "the plan",
    Scheme.ALL_POOLED: "all pooled",
    Scheme.ALL_SYMBOL: "all symbol",
    Scheme.BOTH_AVERAGED: "both averaged",
    Scheme.BEST_CHOICE: "best choice",
}
HEADER = (
    "", "mean skill", "kept", "of best choice", "served", "no skill", "unproven", "models", "seconds",
    "pays after",
)  # fmt: skip
# The columns that fit a terminal, and a panel of the web page.
_SHORT = (0, 1, 2, 6, 7, 8)
SHORT_LEGEND = (
    "Kept: share of the best baseline. Unproven: share of the served pairs whose skill has a lower 95 % "
    "bound that is not above 0."
)
LEGEND = f"{SHORT_LEGEND} No skill: share of those whose skill itself is not."
SHORT_HEADER = tuple(HEADER[column] for column in _SHORT)
ROUTE_HEADER = ("route", "pairs", *LABELS.values())


def verdict(audit: RoutingAudit) -> str:
    """One sentence, in plain text: what the plan earns, against what, at which cost."""
    plan, best = audit.line(Scheme.PLAN), audit.best_baseline
    if plan.result is None or plan.cost is None:
        return "No pair can be scored on the hold-out, so nothing can be said about the plan."
    earned, models, seconds = plan.result.mean_skill, plan.cost.models, plan.cost.seconds
    if best is None:
        return (
            f"The plan earns a mean hold-out skill of {with_error(earned)} a pair with "
            f"{count(models, 'model')} and {seconds:,.0f} s of training; what training everything would earn "
            f"is not known: {COMMAND}."
        )
    other = audit.line(best)
    if other.result is None or other.cost is None or other.result.plan_ahead is None:
        raise ValueError("the best baseline has no result")
    share, theirs = plan.result.of_best_baseline, other.result.mean_skill
    kept = f"{_percent(share.value)} of the" if share is not None else f"{earned.value:.3f} of"
    time = f"{_percent(seconds / other.cost.seconds)} of" if other.cost.seconds else "as little as"
    return (
        f"The plan earns {kept} hold-out skill of the best baseline, {LABELS[best]} ({earned.value:.3f} "
        f"against {theirs.value:.3f} a pair, {_difference(other.result.plan_ahead)}), "
        f"for {time} its training time."
    )


def table_rows(audit: RoutingAudit) -> list[tuple[str, ...]]:
    """A row of HEADER per scheme. Cells that are not known are empty."""
    return [_row(line) for line in audit.schemes if line.result is not None or line.cost is not None]


def short_rows(audit: RoutingAudit) -> list[tuple[str, ...]]:
    """`table_rows`, cut to the columns of SHORT_HEADER."""
    return [tuple(row[column] for column in _SHORT) for row in table_rows(audit)]


def route_rows(audit: RoutingAudit) -> list[tuple[str, ...]]:
    """A row of ROUTE_HEADER per route: mean skill of its pairs under each scheme."""
    return [
        (
            route_words(line.route),
            f"{line.pairs:,}",
            *(with_error(line.mean_skill[scheme]) if scheme in line.mean_skill else "" for scheme in Scheme),
        )
        for line in audit.routes
    ]


def notes(audit: RoutingAudit) -> list[str]:
    """What is missing from the comparison and what screening cost, a sentence each, in plain text."""
    found: list[str] = []
    plan = audit.line(Scheme.PLAN).cost
    if plan is not None and plan.trained < plan.jobs:
        found.append(
            f"{plan.jobs - plan.trained:,} of {count(plan.jobs, 'planned job')} are not trained, and their "
            "pairs earn nothing here: foxml train."
        )
    for scheme in (Scheme.ALL_POOLED, Scheme.ALL_SYMBOL):
        cost, name = audit.line(scheme).cost, LABELS[scheme]
        if cost is not None and cost.missing:
            found.append(
                f"{name.capitalize()} is not compared yet: {cost.missing:,} of {count(cost.jobs, 'job')} are "
                f"not trained: {COMMAND}."
            )
        elif cost is not None and cost.failed:
            found.append(
                f"{cost.failed:,} of the {count(cost.jobs, 'job')} of {name} could not be trained and serve "
                "nobody."
            )
    return [*found, *_screening(audit)]


def with_error(value: Interval) -> str:
    """`0.123 ± 0.004`: a value and its standard error; `0.123 ± ?` where that is not known."""
    if value.se is None:
        return f"{value.value:.3f} ± ?"
    return f"{value.value:.3f} ± {value.se:.3f}" if value.se else f"{value.value:.3f}"


def count(number: int, noun: str) -> str:
    """`1 model`, `2 models`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def route_words(route: Route) -> str:
    """`cross sectional` for ROUTE_CROSS_SECTIONAL."""
    return route.value.removeprefix("ROUTE_").replace("_", " ").lower()


def _difference(ahead: Interval) -> str:
    if ahead.low is None or ahead.high is None:
        return f"a difference of {ahead.value:+.3f} of unknown error"
    if ahead.low <= 0 <= ahead.high:
        return f"no significant difference: {ahead.low:+.3f} to {ahead.high:+.3f}"
    word = "more" if ahead.low > 0 else "less"
    return f"significantly {word}: {ahead.low:+.3f} to {ahead.high:+.3f}"


def _row(line: SchemeLine) -> tuple[str, ...]:
    cost = ("", "") if line.cost is None else (f"{line.cost.models:,}", f"{line.cost.seconds:,.0f}")
    if line.result is None:
        missing = line.cost.missing if line.cost is not None else 0
        return (
            LABELS[line.scheme],
            f"{missing:,} to train" if missing else "",
            "",
            "",
            "",
            "",
            "",
            *cost,
            "",
        )
    found = line.result
    return (
        LABELS[line.scheme],
        with_error(found.mean_skill),
        _share(found.of_best_baseline),
        _share(found.of_best_choice),
        f"{found.served:,}",
        _of(found.without_skill, found.served),
        "unknown" if found.unproven is None else _of(found.unproven, found.served),
        *cost,
        "" if line.pays_after is None else f"{line.pays_after:,}",
    )


def _of(part: int, whole: int) -> str:
    return _percent(part / whole) if whole else ""


def _share(share: Interval | None) -> str:
    if share is None:
        return ""
    return f"{100 * share.value:.0f} ± {_percent(share.se)}" if share.se else _percent(share.value)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _screening(audit: RoutingAudit) -> Sequence[str]:
    screening, plan = audit.screening, audit.line(Scheme.PLAN).cost
    if not screening.timed:
        return ("What screening cost is not recorded for the evidence behind this plan.",)
    took = f"Screening took {screening.cpu_seconds:,.0f} s of CPU ({screening.seconds:,.0f} s on the clock)"
    if screening.timed < screening.targets:
        return (f"{took} for {screening.timed} of {screening.targets} targets; the rest is not recorded.",)
    if plan is None or plan.missing:
        return (f"{took}.",)
    lines = (audit.line(scheme) for scheme in BASELINES)
    return (f"{took}.", *(_paid(line, plan.seconds) for line in lines if line.result is not None))


def _paid(line: SchemeLine, plan_seconds: float) -> str:
    saved = (line.cost.seconds if line.cost is not None else 0.0) - plan_seconds
    name = LABELS[line.scheme]
    if line.pays_after is None:
        longer = f"{-saved:,.0f} s more" if round(saved) else "as long"
        return f"Against {name} it never pays in time: training the plan takes {longer}."
    after = count(line.pays_after, "training")
    return f"Against {name} it has paid for itself after {after}, each of which saves {saved:,.0f} s."
