"""`training_report.md`: the answer first, then the tables behind it."""

from collections.abc import Iterable, Sequence

from foxml_assets.markdown import escape, table
from foxml_assets.reporting.report import ModelLine, TrainingReport
from foxml_assets.training.manifest import ModelState
from foxml_assets.vocabulary import Route

MAX_LISTED = 100

_LEGEND = (
    "Scores are on the hold-out, which neither routing nor training has seen: the mean within symbols. "
    "Skill is 2 AUC - 1 or the rank correlation (0 is chance, 1 is perfect). A pair is served by the models "
    "its route names; where there are several, by the mean of their predictions."
)
_FLATTERED = "The best of many models are flattered by being chosen: expect less of them on new data."
_NO_SCORES = "No model has a score yet."
_ORPHANS = "They are left alone. Delete the folders if nothing else needs them."
_ROUTE_HEADER = ("route", "pairs", "scored", "above chance", "mean skill")
_TARGET_HEADER = (
    "target", "pairs", "routed", "jobs trained", "score", "skill", "pooled alone", "best model"
)  # fmt: skip
_UNROUTED_HEADER = ("target", "evidence", "pooled model", "pairs blocked by")
_BEST_HEADER = ("model", "family", "score", "skill", "rows", "in the evidence")


def report_markdown(report: TrainingReport) -> str:
    """The whole report, ending in a line break."""
    sections = ["# Training report", headline(report), _LEGEND]
    sections += ["## By route", table(_ROUTE_HEADER, _routes(report))]
    sections += ["## By target", _listed(_TARGET_HEADER, _targets(report))]
    if report.unrouted:
        sections += ["## Targets without a model", _listed(_UNROUTED_HEADER, _unrouted(report))]
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
    """The state in two sentences of Markdown: jobs, then pairs."""
    trained = report.jobs_by_state[ModelState.TRAINED]
    if not report.jobs_planned:
        jobs = "**The plan has no jobs**, so nothing is trained."
    else:
        others = ", ".join(
            f"{count} {state}"
            for state, count in report.jobs_by_state.items()
            if count and state is not ModelState.TRAINED
        )
        jobs = (
            f"**{trained} of {report.jobs_planned} planned jobs trained**{f' ({others})' if others else ''}."
        )
    pairs = ", ".join(f"{report.pairs_by_route[route]} {_words(route)}" for route in Route)
    return f"{jobs} {report.pairs} pairs: {pairs}. Plan `{escape(report.plan_hash[:12])}`."


def _routes(report: TrainingReport) -> Iterable[Sequence[object]]:
    for line in report.routes:
        yield _words(line.route), line.pairs, line.scored, line.above_chance, _number(line.mean_skill)
    yield _words(Route.BLOCKED), report.pairs_by_route[Route.BLOCKED], "", "", ""


def _targets(report: TrainingReport) -> list[Sequence[object]]:
    return [
        (
            line.target,
            line.pairs,
            line.routed,
            f"{line.trained} of {line.jobs}",
            f"{_number(line.score)} {line.metric}" if line.metric else "",
            _number(line.skill),
            _number(line.pooled_skill),
            _model(line.best) if line.best else "",
        )
        for line in report.targets
    ]


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
            line.family.value,
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


def _words(route: Route) -> str:
    return route.value.removeprefix("ROUTE_").replace("_", " ").lower()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
