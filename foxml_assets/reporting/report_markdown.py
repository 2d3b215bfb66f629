"""`training_report.md`: the answer first, then the tables behind it."""

from collections.abc import Iterable, Sequence

from foxml_assets.auditing.pages.audit_text import (
    COMMAND,
    SHORT_HEADER,
    SHORT_LEGEND,
    route_words,
    short_rows,
    verdict,
    with_error,
)
from foxml_assets.auditing.routing_audit import Interval, RoutingAudit
from foxml_assets.core.markdown import escape, link, table
from foxml_assets.core.vocabulary import Route
from foxml_assets.reporting.report import ModelLine, TargetLine, TrainingReport
from foxml_assets.training.models.manifest import ModelState

MAX_LISTED = 100

NOT_COMPARED = f"Was it worth it? `{COMMAND}` compares this plan with training everything."
_LEGEND = (
    "Scores are on the hold-out, which neither routing nor training has seen: the mean within symbols. "
    "Skill is 2 AUC - 1 or the rank correlation (0 is chance, 1 is perfect), ± its standard error over "
    "blocks of time that all pairs share. Above chance: the lower end of the 95 % interval is above 0; "
    "below: the upper end is below 0. A pair is served by the models its route names; where there are "
    "several, by the mean of their predictions."
)
_FLATTERED = "The best of many models are flattered by being chosen: expect less of them on new data."
_NO_SCORES = "No model has a score yet."
_ORPHANS = "They are left alone. Delete the folders if nothing else needs them."
_ROUTE_HEADER = ("route", "pairs", "scored", "above chance", "below chance", "mean skill")
_TARGET_HEADER = (
    "target", "score", "skill", "above chance", "routed", "pairs", "jobs trained", "pooled alone",
    "best model",
)  # fmt: skip
TARGET_SKILL_HEADER = ("target", "skill", "above chance")
_UNROUTED_HEADER = ("target", "evidence", "pooled model", "pairs blocked by")
_BEST_HEADER = ("model", "family", "score", "skill", "rows", "in the evidence")


def report_markdown(report: TrainingReport) -> str:
    """The whole report, ending in a line break."""
    sections = ["# Training report", *_comparison(report.audit), headline(report)]
    sections += ["## By target", _listed(_TARGET_HEADER, _targets(report))]
    if report.unrouted:
        sections += ["## Targets without a model", _listed(_UNROUTED_HEADER, _unrouted(report))]
    sections += ["## By route", table(_ROUTE_HEADER, _routes(report)), _LEGEND]
    sections.append("## Best models")
    sections += [_FLATTERED, table(_BEST_HEADER, _best(report))] if report.best_models else [_NO_SCORES]
    if report.unfinished:
        rows = [(line.job_id, line.state.value, line.reason) for line in report.unfinished]
        sections += ["## Not trained", _listed(("job", "state", "reason"), rows)]
    if report.orphans:
        folders = [(path,) for path in report.orphans]
        sections += ["## Models the plan does not ask for", _ORPHANS, _listed(("folder",), folders)]
    return "\n\n".join(sections) + "\n"


def headline(report: TrainingReport) -> str:
    """The state in a few sentences of Markdown: jobs, what the pairs are worth, their routes."""
    jobs = f"**{jobs_trained(report)}.**"
    worth = f" **{above_chance(report)}.**" if any(line.scored for line in report.routes) else ""
    pairs = ", ".join(f"{report.pairs_by_route[route]} {route_words(route)}" for route in Route)
    return f"{jobs}{worth} {report.pairs} pairs: {pairs}. Plan `{escape(report.plan_hash[:12])}`."


def jobs_trained(report: TrainingReport) -> str:
    """How many planned jobs are trained, and the states of the others, in plain text."""
    if not report.jobs_planned:
        return "The plan has no jobs, so nothing is trained"
    others = ", ".join(
        f"{count} {state}"
        for state, count in report.jobs_by_state.items()
        if count and state is not ModelState.TRAINED
    )
    trained = f"{report.jobs_by_state[ModelState.TRAINED]} of {report.jobs_planned} planned jobs trained"
    return f"{trained} ({others})" if others else trained


def target_skills(report: TrainingReport) -> list[Sequence[object]]:
    """A row of TARGET_SKILL_HEADER per scored target, the best first."""
    return [(line.target, skill_words(line.skill), _above(line)) for line in report.targets if line.scored]


def above_chance(report: TrainingReport) -> str:
    """How many scored pairs can be told from chance, in plain text."""
    scored, above, below = (
        sum(getattr(line, name) for line in report.routes)
        for name in ("scored", "above_chance", "below_chance")
    )
    return f"{above:,} of {scored:,} pairs are above chance by 2 standard errors, {below:,} below"


def _comparison(audit: RoutingAudit | None) -> list[str]:
    """The plan against training everything, or which command compares them."""
    if audit is None:
        return [NOT_COMPARED]
    whole = link("The whole audit", "routing_audit/routing_audit.md")
    rows = table(SHORT_HEADER, short_rows(audit))
    return [f"**{escape(verdict(audit))}**", rows, f"{SHORT_LEGEND} {whole}."]


def _routes(report: TrainingReport) -> Iterable[Sequence[object]]:
    for line in report.routes:
        counts = (line.pairs, line.scored, line.above_chance, line.below_chance)
        yield route_words(line.route), *counts, skill_words(line.mean_skill)
    yield route_words(Route.BLOCKED), report.pairs_by_route[Route.BLOCKED], "", "", "", ""


def _targets(report: TrainingReport) -> list[Sequence[object]]:
    return [
        (
            line.target,
            f"{_number(line.score)} {line.metric}" if line.metric else "",
            skill_words(line.skill),
            _above(line),
            line.routed,
            line.pairs,
            f"{line.trained} of {line.jobs}",
            _number(line.pooled_skill),
            _model(line.best) if line.best else "",
        )
        for line in report.targets
    ]


def _above(line: TargetLine) -> str:
    return f"{line.above_chance} of {line.scored}" if line.scored else ""


def _unrouted(report: TrainingReport) -> list[Sequence[object]]:
    return [
        (
            line.target,
            f"{_number(line.evidence_score)} {line.metric or ''}".strip(),
            line.reason,
            ", ".join(f"{rule} {count}" for rule, count in line.blocked_by.items()),
        )
        for line in report.unrouted
    ]


def _best(report: TrainingReport) -> Iterable[Sequence[object]]:
    for line in report.best_models:
        yield (
            line.job_id,
            line.family,
            f"{line.score:.3f} {line.metric}",
            _number(line.skill),
            line.n,
            _number(line.evidence_score),
        )


def _model(line: ModelLine) -> str:
    return f"{line.symbol or 'pooled'}, {line.family} ({line.skill:.3f})"


def _listed(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    shown = table(header, rows[:MAX_LISTED])
    if len(rows) <= MAX_LISTED:
        return shown
    return f"{shown}\n\nThe first {MAX_LISTED} of {len(rows)}; all are in `training_report.json`."


def skill_words(skill: Interval | None) -> str:
    """A mean skill with its standard error; empty where there is none."""
    return "" if skill is None else with_error(skill)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
