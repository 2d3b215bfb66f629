"""All files of the training plan's directory, put together from job lines that were encoded once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foxml_assets.core.errors import Problem
from foxml_assets.core.names import symbol_segment, target_segment
from foxml_assets.core.vocabulary import Route, TrainingType
from foxml_assets.planning.jobs.symbols import why_untouched
from foxml_assets.planning.plan.encoding import SEPARATOR, encode, job_lines, master_frame
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.planning.store.plan_pages import render_plan, render_summary
from foxml_assets.planning.store.yaml_mirror import SEPARATOR as YAML_SEPARATOR
from foxml_assets.planning.store.yaml_mirror import yaml_frame, yaml_lines
from foxml_assets.storage.files import holds

MASTER_FILE = "master_training_plan.json"
SUMMARY_FILE = "MASTER_TRAINING_PLAN_SUMMARY.md"
_LINES_AT_ONCE = 1_000
VIEWS = ("by_target", "by_symbol", "by_type", "by_route")


@dataclass(frozen=True)
class PlanFile:
    """One file: `path` below the plan's directory, and its content in parts."""

    path: str
    head: bytes
    lines: Sequence[bytes]
    separator: bytes
    tail: bytes

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, a part at a time: a file can be as large as the plan."""
        yield self.head
        for start in range(0, len(self.lines), _LINES_AT_ONCE):
            part = self.separator.join(self.lines[start : start + _LINES_AT_ONCE])
            # Between two parts stands a separator too.
            yield self.separator + part if start else part
        yield self.tail


def plan_files(plan: MasterPlan) -> Iterator[PlanFile]:
    """Master plan, mirrors, views and summary of `plan`; `history/` is not among them.

    One at a time, so that the first can be written while the next are put together.
    """
    lines = job_lines(plan.jobs)
    head, tail = master_frame(plan.metadata, plan.summary)
    yield PlanFile(MASTER_FILE, head, lines, SEPARATOR, tail)
    yield PlanFile("training_plan.json", head, lines, SEPARATOR, tail)
    yaml_head, yaml_tail = yaml_frame(plan)
    yield PlanFile("training_plan.yaml", yaml_head, yaml_lines(plan.jobs, lines), YAML_SEPARATOR, yaml_tail)
    yield from _views(plan, lines)
    yield _text("training_plan.md", render_plan(plan))
    yield _text(SUMMARY_FILE, render_summary(plan))


def tree_problems(plan: MasterPlan, directory: Path) -> tuple[Problem, ...]:
    """Where the files in `directory` differ from those of `plan`; `history/` is not looked at."""
    tree = tuple(plan_files(plan))
    found = {
        path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if not path.is_dir()
    }
    expected = {file.path for file in tree}
    surplus = sorted(name for name in found.keys() - expected if not name.startswith("history/"))
    problems = [Problem(name, "belongs to no job of the plan") for name in surplus]
    for file in tree:
        path = found.get(file.path)
        if path is None:
            problems.append(Problem(file.path, "is missing"))
        elif not holds(path, file.chunks()):
            problems.append(Problem(file.path, "differs from the master plan"))
    return tuple(problems)


def view_path(view: str, segment: str) -> str:
    """The path of one view below the plan's directory."""
    return f"{view}/{segment}.json"


def _text(path: str, text: str) -> PlanFile:
    return PlanFile(path, text.encode(), (), b"", b"")


def _views(plan: MasterPlan, lines: Sequence[bytes]) -> Iterator[PlanFile]:
    for view, field, every, key_of, segment_of in _VIEW_KEYS:
        grouped: dict[str, list[bytes]] = {key: [] for key in every}
        for job, line in zip(plan.jobs, lines, strict=True):
            grouped.setdefault(key_of(job), []).append(line)
        for key in sorted(grouped):
            head = {field: key, "plan_hash": plan.metadata.plan_hash}
            yield _view(view_path(view, segment_of(key)), head, grouped[key])
    for symbol, positions in plan.positions_by_symbol.items():
        own = [lines[position] for position in positions]
        yield _view(view_path("by_symbol", symbol_segment(symbol)), _touching(plan, symbol, positions), own)


def _touching(plan: MasterPlan, symbol: str, positions: Sequence[int]) -> dict[str, object]:
    """How each job of a symbol's view touches it, or why none does."""
    use = plan.summary.symbols.get(symbol)
    served, in_rows = (set(use.served_by), set(use.rows_in)) if use is not None else (set(), set())
    jobs = [plan.jobs[position] for position in positions]
    pooled = [job for job in jobs if job.symbol is None]
    return {
        "symbol": symbol,
        "plan_hash": plan.metadata.plan_hash,
        "own": [job.job_id for job in jobs if job.symbol is not None],
        "served_by": [job.job_id for job in pooled if job.target in served],
        "rows_in": [job.job_id for job in pooled if job.target in in_rows],
        "why_no_job": why_untouched(use) if use is not None and not jobs else None,
    }


def _view(path: str, fields: Mapping[str, object], lines: Sequence[bytes]) -> PlanFile:
    head = b"".join(b'"%s":%s,' % (name.encode(), encode(value)) for name, value in fields.items())
    return PlanFile(path, b"{" + head + b'"jobs":[\n', lines, SEPARATOR, b"\n]}\n")


_ViewKey = tuple[str, str, tuple[str, ...], Callable[[Job], str], Callable[[str], str]]
# A type or a route has its file even if no job has it.
_VIEW_KEYS: tuple[_ViewKey, ...] = (
    ("by_type", "training_type", tuple(TrainingType), lambda job: job.training_type.value, str),
    ("by_route", "route", tuple(Route), lambda job: job.route.value, str),
    ("by_target", "target", (), lambda job: job.target, target_segment),
)
