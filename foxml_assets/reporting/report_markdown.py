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
from foxml_assets.auditing.routing_audit import Interval
from foxml_assets.core.markdown import Markup, render, table
from foxml_assets.core.vocabulary import Route
from foxml_assets.reporting.job_states import STATE_HEADER, states_of
from foxml_assets.reporting.promises import PROMISE_HEADER, promise_rows, promise_words
from foxml_assets.reporting.report import FamilyTime, ModelLine, RouteLine, TargetLine, TrainingReport
from foxml_assets.training.models.manifest import ModelState

MAX_LISTED = 100
_BEST_MODELS = 20
_UNKNOWN = "unknown"

NOT_COMPARED = Markup(f"Was it worth it? `{COMMAND}` compares this plan with training everything.")
TIME_HEADER = ("family", "models", "seconds", "a model", "share")
TARGET_SKILL_HEADER = ("target", "skill", "above chance")


def report_markdown(report: TrainingReport) -> str:
    """The whole report, ending in a line break."""
    audit = report.audit
    return render(
        "reporting/training_report.md.j2",
        report=report,
        verdict=verdict(audit) if audit else None,
        scheme_header=SHORT_HEADER,
        schemes=short_rows(audit) if audit else (),
        scheme_legend=SHORT_LEGEND,
        not_compared=NOT_COMPARED if has_scores(report) else None,
        jobs_trained=jobs_trained(report),
        above_chance=above_chance(report),
        pairs_by_route=[f"{report.pairs_by_route[route]} {route_words(route)}" for route in Route],
        listed=_listed,
        targets=_targets(report),
        unrouted=_unrouted(report),
        routes=_routes(report),
        states=states_of(report),
        state_header=STATE_HEADER,
        promised=promise_words(report.models),
        promises=promise_rows(report.models),
        promise_header=PROMISE_HEADER,
        times=time_rows(report.times),
        time_header=TIME_HEADER,
        best_models=_best(report),
        unfinished=[(line.job_id, line.state.words, line.reason) for line in report.unfinished],
        orphans=[(path,) for path in report.orphans],
        retired=[(name,) for name in report.retired],
    )


def jobs_trained(report: TrainingReport) -> str:
    """How many planned jobs are trained, and the states of the others, in plain text."""
    if not report.jobs_planned:
        return "The plan has no jobs, so nothing is trained"
    others = ", ".join(
        f"{count} {state.words}"
        for state, count in report.jobs_by_state.items()
        if count and state is not ModelState.TRAINED
    )
    trained = f"{report.jobs_by_state[ModelState.TRAINED]} of {report.jobs_planned} planned jobs trained"
    return f"{trained} ({others})" if others else trained


def target_skills(report: TrainingReport) -> list[Sequence[object]]:
    """A row of TARGET_SKILL_HEADER per scored target, the best first."""
    return [(line.target, skill_words(line.skill), _above(line)) for line in report.targets if line.scored]


def has_scores(report: TrainingReport) -> bool:
    """Whether any pair is scored on a hold-out, so that plans can be compared there."""
    return any(line.scored for line in report.routes)


def above_chance(report: TrainingReport) -> str:
    """How many scored pairs can be told from chance, in plain text."""
    scored, above, below, unknown = (
        sum(getattr(line, name) for line in report.routes)
        for name in ("scored", "above_chance", "below_chance", "unknown_error")
    )
    if not scored:
        return "No pair has a score on a hold-out"
    if unknown == scored:
        return f"The hold-out is too short to tell any of {scored:,} pairs from chance"
    others = f", {unknown:,} of unknown error" if unknown else ""
    return f"{above:,} of {scored:,} pairs are above chance by 2 standard errors, {below:,} below{others}"


def told_from_chance(line: RouteLine) -> tuple[str, str]:
    """How many pairs of a route are above chance and below it, as far as their errors are known."""
    if line.scored and line.unknown_error == line.scored:
        return _UNKNOWN, _UNKNOWN
    return f"{line.above_chance:,}", f"{line.below_chance:,}"


def time_rows(times: Sequence[FamilyTime]) -> list[Sequence[object]]:
    """A row of TIME_HEADER per family: seconds of training, on one thread."""
    total = sum(time.seconds for time in times)
    return [
        (
            time.family,
            f"{time.models:,}",
            f"{time.seconds:,.1f}",
            f"{time.seconds / time.timed:.2f}" if time.timed else "",
            f"{100 * time.seconds / total:.0f} %" if total else "",
        )
        for time in times
    ]


def _routes(report: TrainingReport) -> Iterable[Sequence[object]]:
    for line in report.routes:
        counts = (line.pairs, line.scored, *told_from_chance(line))
        alone = (_number(line.pooled_skill), _number(line.local_skill))
        yield route_words(line.route), *counts, skill_words(line.mean_skill), *alone
    yield route_words(Route.BLOCKED), report.pairs_by_route[Route.BLOCKED], *[""] * 6


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
    if line.scored and line.unknown_error == line.scored:
        return _UNKNOWN
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
    for line in report.models[:_BEST_MODELS]:
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


def _listed(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """A table of the first rows, with a note of the others."""
    shown = table(header, rows[:MAX_LISTED])
    if len(rows) <= MAX_LISTED:
        return shown
    return Markup(f"{shown}\n\nThe first {MAX_LISTED} of {len(rows)}; all are in `training_report.json`.")


def skill_words(skill: Interval | None) -> str:
    """A mean skill with its standard error; empty where there is none."""
    return "" if skill is None else with_error(skill)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
