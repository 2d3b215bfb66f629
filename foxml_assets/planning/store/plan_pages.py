"""The plan for people: `training_plan.md` and `MASTER_TRAINING_PLAN_SUMMARY.md`."""

from collections.abc import Iterable

from foxml_assets.core.assurances import assurance_lines
from foxml_assets.core.markdown import Markup, escape, link, table
from foxml_assets.core.names import symbol_segment, target_segment
from foxml_assets.planning.plan.master_plan import Job, MasterPlan

MAX_JOBS_LISTED = 2_000
MAX_TARGETS_LISTED = 200
MAX_SYMBOLS_LINKED = 500
TOP_JOBS_PER_TARGET = 5
MAX_EXCLUDED_LISTED = 20

_JOB_HEADER = ("job", "symbol", "route", "families", "priority", "score", "rows", "reason")


def render_plan(plan: MasterPlan) -> str:
    """`training_plan.md`: where the plan comes from, its counts and its jobs by priority."""
    shown = plan.jobs[:MAX_JOBS_LISTED]
    parts = ["# Training plan", _origin(plan), _inputs(plan), "## Counts", _counts(plan), "## Jobs"]
    if not shown:
        parts.append("The plan has no jobs: nothing will be trained.")
    else:
        parts.append(table(("target", *_JOB_HEADER), ((job.target, *_job_row(job)) for job in shown)))
    if len(shown) < len(plan.jobs):
        parts.append(
            f"The first {len(shown)} of {len(plan.jobs)} jobs. All are in "
            f"{link('master_training_plan.json', 'master_training_plan.json')}."
        )
    return "\n\n".join(parts) + "\n"


def render_summary(plan: MasterPlan) -> str:
    """`MASTER_TRAINING_PLAN_SUMMARY.md`: counts, each target's top jobs, links to the views."""
    targets = sorted(plan.jobs_by_target, key=lambda name: (-plan.jobs_by_target[name][0].priority, name))
    parts = [
        "# Master training plan: summary",
        _origin(plan),
        "## Counts",
        _counts(plan),
        "## Views",
        _views(plan),
        f"## Top jobs by target (at most {TOP_JOBS_PER_TARGET} each)",
        *(_target(name, plan) for name in targets[:MAX_TARGETS_LISTED]),
    ]
    if len(targets) > MAX_TARGETS_LISTED:
        parts.append(
            f"The first {MAX_TARGETS_LISTED} of {len(targets)} targets; the others are in `by_target/`."
        )
    return "\n\n".join(parts) + "\n"


def _origin(plan: MasterPlan) -> str:
    made = plan.metadata
    commit = f", commit {escape(made.git_commit)}" if made.git_commit else ""
    return (
        f"Plan `{made.plan_hash[:12]}`, made {escape(made.generated_at)} in run {escape(made.run_id)}{commit}"
        f". {made.total_jobs} jobs: {plan.summary.total_cs_jobs} cross-sectional, "
        f"{plan.summary.total_symbol_jobs} symbol-specific; {plan.summary.total_blocked} pairs blocked."
    )


def _inputs(plan: MasterPlan) -> str:
    made = plan.metadata
    rows = (
        ("routing plan", made.routing_plan_path, made.routing_plan_hash),
        ("routing candidates", made.metrics_snapshot, made.candidates_hash),
        ("routing policy", "routing_config.yaml", made.config_hash),
        ("training settings", "training_config.yaml", made.training_hash),
        ("plan before this one", "history/", made.parent_plan_hash or "none"),
    )
    return table(("made from", "file", "hash"), rows)


def _counts(plan: MasterPlan) -> str:
    summary = plan.summary
    by_priority = sorted(summary.by_priority.items(), key=_numeric, reverse=True)
    tables = (
        table(("training type", "jobs"), sorted(summary.by_type.items())),
        table(("route", "jobs"), sorted(summary.by_route.items())),
        table(("priority", "jobs"), by_priority),
    )
    return "\n\n".join(tables)


def _numeric(item: tuple[str, int]) -> tuple[int, str]:
    return len(item[0]), item[0]


def _views(plan: MasterPlan) -> str:
    symbols = list(plan.positions_by_symbol)
    lines = [
        (
            "by training type",
            _links("by_type", ((key.value, key.value) for key in sorted(plan.summary.by_type))),
        ),
        ("by route", _links("by_route", ((key.value, key.value) for key in sorted(plan.summary.by_route)))),
        ("by target", f"linked below; the folder is {link('by_target', 'by_target/')}"),
        ("by symbol", _links("by_symbol", ((s, symbol_segment(s)) for s in symbols[:MAX_SYMBOLS_LINKED]))),
    ]
    if len(symbols) > MAX_SYMBOLS_LINKED:
        lines.append(
            ("", f"and {len(symbols) - MAX_SYMBOLS_LINKED} more in {link('by_symbol', 'by_symbol/')}")
        )
    return table(("view", "files"), ((name, Markup(text)) for name, text in lines))


def _links(view: str, items: Iterable[tuple[str, str]]) -> str:
    return ", ".join(link(name, f"{view}/{segment}.json") for name, segment in items) or "none"


def _target(name: str, plan: MasterPlan) -> str:
    jobs = plan.jobs_by_target[name]
    heading = f"### {link(name, f'by_target/{target_segment(name)}.json')}, jobs: {len(jobs)}"
    parts = [heading, table(_JOB_HEADER, map(_job_row, jobs[:TOP_JOBS_PER_TARGET]))]
    excluded = [item for job in jobs for item in job.excluded_symbols]
    if excluded:
        shown = "; ".join(f"{escape(x.symbol)} ({escape(x.reason)})" for x in excluded[:MAX_EXCLUDED_LISTED])
        more = (
            f"; and {len(excluded) - MAX_EXCLUDED_LISTED} more" if len(excluded) > MAX_EXCLUDED_LISTED else ""
        )
        parts.append(f"Left out of the pooled training set: {shown}{more}.")
    assured = assurance_lines(plan.metadata.assured.get(name, {}))
    if assured:
        lines = (f"- {escape(line)}" for line in assured)
        parts.append("\n".join(["Leakage is not doubted:", "", *lines]))
    return "\n\n".join(parts)


def _job_row(job: Job) -> tuple[object, ...]:
    score = job.metadata.score
    return (
        job.job_id,
        "all" if job.symbol is None else job.symbol,
        job.route.value,
        ", ".join(job.model_families),
        job.priority,
        "" if score is None else f"{score:.3f}",
        "" if job.metadata.sample_size is None else job.metadata.sample_size,
        job.reason,
    )
