"""How much of the pending work one command may do: which jobs, how many of them, for how long."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from foxml_assets.core.errors import ConfigError, Problem
from foxml_assets.panel.patterns import matches_any, nearest, unmatched
from foxml_assets.planning.plan.master_plan import Job, MasterPlan


@dataclass(frozen=True)
class Share:
    """The pending `jobs` to train, highest priority first; and why each other pending one is not, by id."""

    jobs: tuple[Job, ...]
    left_out: dict[str, str]


@dataclass(frozen=True)
class Budget:
    """What a command was allowed. `targets` and `symbols` are names or patterns, as in `data_config.yaml`;
    `symbols` chooses models of these symbols alone. None, and no pattern, is no limit."""

    max_jobs: int | None = None
    max_minutes: float | None = None
    targets: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()

    @property
    def is_limited(self) -> bool:
        """Whether anything may be left for another time."""
        return self != Budget()

    def share(self, plan: MasterPlan, pending: Sequence[Job]) -> Share:
        """What to train of `pending`, which are jobs of `plan`, highest priority first.

        Raises ConfigError for a pattern that chooses no job of the plan, and PanelError for a wrong one.
        """
        symbols = {job.symbol for job in plan.jobs if job.symbol is not None}
        problems = _choosing_nothing("--target", self.targets, plan.jobs_by_target)
        problems += _choosing_nothing("--symbol", self.symbols, symbols)
        if problems:
            fix = "see what is planned: foxml status"
            raise ConfigError("the plan has no such job", problems=problems, fix=fix)
        chosen = [job for job in pending if self._chooses(job)]
        jobs = tuple(chosen[: self.max_jobs])
        beyond = {job.job_id: f"beyond --max-jobs {self.max_jobs}" for job in chosen[len(jobs) :]}
        reached = {job.job_id for job in jobs}
        others = [job.job_id for job in pending if job.job_id not in reached]
        outside = "not chosen by --target or --symbol"
        return Share(jobs, {job_id: beyond.get(job_id, outside) for job_id in others})

    def _chooses(self, job: Job) -> bool:
        if self.targets and not matches_any(job.target, self.targets):
            return False
        return not self.symbols or (job.symbol is not None and matches_any(job.symbol, self.symbols))


def by_priority(jobs: Sequence[Job]) -> Iterator[tuple[Job, ...]]:
    """The jobs of each priority, the highest first."""
    for priority in sorted({job.priority for job in jobs}, reverse=True):
        yield tuple(job for job in jobs if job.priority == priority)


def _choosing_nothing(option: str, patterns: Sequence[str], names: Iterable[str]) -> list[Problem]:
    known = sorted(names)
    return [
        Problem(option, f"names none; near are {', '.join(nearest(pattern, known)) or 'none'}", pattern)
        for pattern in unmatched(patterns, known)
    ]
