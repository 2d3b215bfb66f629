"""What must hold inside one plan, whatever it was made from."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from operator import gt
from typing import TypeVar

from foxml_assets.core.errors import Problem
from foxml_assets.core.vocabulary import USES_OWN, ModelFamily, Route, TrainingType
from foxml_assets.planning.plan.job_ids import job_ids
from foxml_assets.planning.plan.master_plan import Job, MasterPlan, PlanSummary, SymbolUse

Word = TypeVar("Word", bound=StrEnum)


def summarize(jobs: Sequence[Job], total_blocked: int, symbols: Mapping[str, SymbolUse]) -> PlanSummary:
    """The summary of `jobs`, when `total_blocked` pairs became none and `symbols` were routed."""
    by_type = _counts(TrainingType, [job.training_type for job in jobs])
    return PlanSummary(
        by_route=_counts(Route, [job.route for job in jobs]),
        by_type=by_type,
        by_priority={str(priority): n for priority, n in Counter(job.priority for job in jobs).items()},
        total_cs_jobs=by_type.get(TrainingType.CROSS_SECTIONAL, 0),
        total_symbol_jobs=by_type.get(TrainingType.SYMBOL_SPECIFIC, 0),
        total_blocked=total_blocked,
        symbols=dict(symbols),
    )


def plan_order(job: Job) -> tuple[int, str]:
    """The sort key of the plan: priority descending, then id."""
    return -job.priority, job.job_id


def planned_families(jobs: Iterable[Job]) -> set[ModelFamily]:
    """The families that `jobs` name."""
    # Few combinations occur, so they are parted after they were counted once.
    return {family for families in {job.model_families for job in jobs} for family in families}


def structure_problems(plan: MasterPlan) -> Iterator[Problem]:
    """Contradictions within `plan`, each with its JSON path."""
    jobs = plan.jobs
    if plan.metadata.total_jobs != len(jobs):
        yield Problem("$.metadata.total_jobs", f"there are {len(jobs)} jobs", plan.metadata.total_jobs)
    expected = summarize(jobs, plan.summary.total_blocked, plan.summary.symbols)
    for field in PlanSummary.__struct_fields__:
        found, counted = getattr(plan.summary, field), getattr(expected, field)
        if found != counted:
            yield Problem(f"$.summary.{field}", f"the jobs count {counted}", found)
    families = planned_families(jobs)
    if plan.metadata.training_hashes.families.keys() != families:
        found = sorted(plan.metadata.training_hashes.families)
        yield Problem("$.metadata.training_hashes.families", f"the jobs name {sorted(families)}", found)
    yield from _use_problems(plan)
    yield from _name_problems(jobs)
    order = [plan_order(job) for job in jobs]
    # Neighbours: the second list is one behind, and `map` ends with the shorter.
    if any(map(gt, order, order[1:])):
        yield Problem("$.jobs", "are not ordered by priority descending, then job_id")
    for number, job in enumerate(jobs):
        what = _job_problem(job)
        if what:
            yield Problem(f"$.jobs[{number}]", what, job.job_id)


def _counts(words: type[Word], found: list[Word]) -> dict[Word, int]:
    """How often each word is found, if it is. To hash an enum would be a call of Python each time."""
    counted = {word: found.count(word) for word in words}
    return {word: count for word, count in counted.items() if count}


def _use_problems(plan: MasterPlan) -> Iterator[Problem]:
    without = {
        job.target: {item.symbol for item in job.excluded_symbols} for job in plan.jobs if job.symbol is None
    }
    for symbol, use in plan.summary.symbols.items():
        names = (*use.served_by, *use.rows_in)
        if len(set(names)) != len(names):
            yield Problem(f"$.summary.symbols[{symbol!r}]", "names a target twice")
        for target in names:
            if target not in without:
                yield Problem(f"$.summary.symbols[{symbol!r}]", "names a target without a pooled job", target)
            elif symbol in without[target]:
                what = "names a target whose pooled job excludes it"
                yield Problem(f"$.summary.symbols[{symbol!r}]", what, target)


def _job_problem(job: Job) -> str:
    if job.symbol is None:
        if job.training_type is not TrainingType.CROSS_SECTIONAL or job.route is not Route.CROSS_SECTIONAL:
            return "has no symbol but is not a cross-sectional job"
    elif job.training_type is not TrainingType.SYMBOL_SPECIFIC:
        return "has a symbol but is not a symbol-specific job"
    elif job.route not in USES_OWN:
        return f"is a symbol job, but {job.route} trains no symbol model"
    elif job.excluded_symbols:
        return "excludes symbols, which only a cross-sectional job can"
    if len(set(job.model_families)) != len(job.model_families):
        return "names a model family twice"
    return ""


def _name_problems(jobs: Sequence[Job]) -> Iterator[Problem]:
    ids, pairs = [job.job_id for job in jobs], [(job.target, job.symbol) for job in jobs]
    repeated = [*_repeated("job_id", ids), *_repeated("target and symbol", pairs)]
    yield from repeated
    # Ids follow from the pairs only where each pair stands once.
    if not repeated:
        for number, (found, expected) in enumerate(zip(ids, job_ids(pairs), strict=True)):
            if found != expected:
                yield Problem(f"$.jobs[{number}].job_id", f"must be {expected}", found)


def _repeated(field: str, keys: Sequence[Hashable]) -> Iterator[Problem]:
    if len(set(keys)) == len(keys):
        return
    for key, count in Counter(keys).items():
        if count > 1:
            yield Problem("$.jobs", f"{count} jobs have the same {field}", key)
