"""The plan for people: `training_plan.md` and `MASTER_TRAINING_PLAN_SUMMARY.md`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foxml_assets.core.assurances import assurance_lines
from foxml_assets.core.markdown import Markup, link, render
from foxml_assets.core.names import symbol_segment, target_segment
from foxml_assets.planning.plan.master_plan import ExcludedSymbol, Job, MasterPlan

MAX_JOBS_LISTED = 2_000
MAX_TARGETS_LISTED = 200
MAX_SYMBOLS_LINKED = 500
TOP_JOBS_PER_TARGET = 5
MAX_EXCLUDED_LISTED = 20

_JOB_HEADER = ("job", "symbol", "route", "families", "priority", "score", "rows", "reason")


@dataclass(frozen=True)
class _TargetPart:
    """What the summary says of one target."""

    link: Markup
    n_jobs: int
    top_jobs: Sequence[Sequence[object]]
    excluded: Sequence[ExcludedSymbol]
    more_excluded: int
    assured: Sequence[str]


def render_plan(plan: MasterPlan) -> str:
    """`training_plan.md`: where the plan comes from, its counts and its jobs by priority."""
    made, shown = plan.metadata, plan.jobs[:MAX_JOBS_LISTED]
    return render(
        "planning/store/training_plan.md.j2",
        **_origin_and_counts(plan),
        inputs=(
            ("routing plan", made.routing_plan_path, made.routing_plan_hash),
            ("routing candidates", made.metrics_snapshot, made.candidates_hash),
            ("routing policy", "routing_config.yaml", made.config_hash),
            ("training settings", "training_config.yaml", made.training_hashes.settings),
            *(
                (f"parameters of {family}", "training_config.yaml", hash_)
                for family, hash_ in sorted(made.training_hashes.families.items())
            ),
            ("plan before this one", "history/", made.parent_plan_hash or "none"),
        ),
        header=("target", *_JOB_HEADER),
        jobs=[(job.target, *_job_row(job)) for job in shown],
        total_jobs=len(plan.jobs),
    )


def render_summary(plan: MasterPlan) -> str:
    """`MASTER_TRAINING_PLAN_SUMMARY.md`: counts, each target's top jobs, links to the views."""
    names = sorted(plan.jobs_by_target, key=lambda name: (-plan.jobs_by_target[name][0].priority, name))
    symbols = list(plan.positions_by_symbol)
    return render(
        "planning/store/training_plan_summary.md.j2",
        **_origin_and_counts(plan),
        types=[link(name, f"by_type/{name}.json") for name in sorted(plan.summary.by_type)],
        routes=[link(name, f"by_route/{name}.json") for name in sorted(plan.summary.by_route)],
        symbols=[
            link(name, f"by_symbol/{symbol_segment(name)}.json") for name in symbols[:MAX_SYMBOLS_LINKED]
        ],
        more_symbols=max(0, len(symbols) - MAX_SYMBOLS_LINKED),
        most_jobs=TOP_JOBS_PER_TARGET,
        header=_JOB_HEADER,
        targets=[_part(name, plan) for name in names[:MAX_TARGETS_LISTED]],
        total_targets=len(names),
    )


def _origin_and_counts(plan: MasterPlan) -> Mapping[str, object]:
    """What both pages begin with."""
    # Priorities are text: the longer number is the larger.
    by_priority = sorted(
        plan.summary.by_priority.items(), key=lambda item: (len(item[0]), item[0]), reverse=True
    )
    return {"made": plan.metadata, "summary": plan.summary, "by_priority": by_priority}


def _part(name: str, plan: MasterPlan) -> _TargetPart:
    jobs = plan.jobs_by_target[name]
    excluded = [item for job in jobs for item in job.excluded_symbols]
    return _TargetPart(
        link=link(name, f"by_target/{target_segment(name)}.json"),
        n_jobs=len(jobs),
        top_jobs=[_job_row(job) for job in jobs[:TOP_JOBS_PER_TARGET]],
        excluded=excluded[:MAX_EXCLUDED_LISTED],
        more_excluded=max(0, len(excluded) - MAX_EXCLUDED_LISTED),
        assured=assurance_lines(plan.metadata.assured.get(name, {})),
    )


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
