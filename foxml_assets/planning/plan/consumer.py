"""Reading the plan. Training reads `master_training_plan.json` through this module and nothing else."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.errors import PlanCorruptError, PlanInconsistentError, PlanMissingError, Problem
from foxml_assets.core.vocabulary import ModelFamily, TrainingType
from foxml_assets.planning.plan.canonical import read_canonical
from foxml_assets.planning.plan.encoding import plan_hash
from foxml_assets.planning.plan.master_plan import SCHEMA_VERSION, Job, MasterPlan
from foxml_assets.storage.directories import read_version

MAX_BYTES = 1 << 30
# What the planner wrote is read in parts; to look into anything else takes thirty times its size.
MAX_OTHER_BYTES = 1 << 24

_DECODER = msgspec.json.Decoder(MasterPlan)
MAKE_NEW = "make a new plan: foxml run --until plan"


class _VersionOnly(msgspec.Struct):
    schema_version: int


class _MetadataOnly(msgspec.Struct):
    metadata: _VersionOnly


def load_master_training_plan(path: Path) -> MasterPlan:
    """The plan in `path`, verified to be what the planner wrote or, up to MAX_OTHER_BYTES, an equal document.

    Raises PlanMissingError, PlanCorruptError (every problem with its JSON path: not JSON, cut off,
    too large, duplicate or unknown keys, wrong types, not-a-number, a model family that is not installed,
    another schema version; beyond MAX_OTHER_BYTES only that it is wrong) and PlanInconsistentError (the
    content does not have the plan's own hash).
    """
    raw = read_version(path.parent, lambda: _read(path))
    plan, actual = read_canonical(raw) or _read_other_layout(raw, path)
    unknown = sorted(_families(plan) - FAMILIES.points().keys())
    if unknown:
        raise _refusal(_problems(raw) or (Problem("$", FAMILIES.unknown(), unknown),), path)
    # Last: a document that is wrong in itself is better told by its problems than by its hash.
    if actual != plan.metadata.plan_hash:
        problem = Problem(
            "$.metadata.plan_hash", f"the content has the hash {actual}", plan.metadata.plan_hash
        )
        raise PlanInconsistentError(
            "the plan was changed after it was made", file=path, problems=[problem], fix=MAKE_NEW
        )
    return plan


def get_cs_jobs(plan: MasterPlan) -> list[Job]:
    """All cross-sectional jobs, in plan order."""
    return [job for job in plan.jobs if job.training_type is TrainingType.CROSS_SECTIONAL]


def get_symbol_jobs(plan: MasterPlan) -> list[Job]:
    """All symbol-specific jobs, in plan order."""
    return [job for job in plan.jobs if job.training_type is TrainingType.SYMBOL_SPECIFIC]


def get_jobs_for_target(plan: MasterPlan, target: str) -> list[Job]:
    """All jobs of a target, in plan order; none for an unplanned one."""
    return list(plan.jobs_by_target.get(target, ()))


def get_jobs_for_symbol(plan: MasterPlan, symbol: str) -> list[Job]:
    """All jobs that touch a symbol, in plan order: its own, the pooled ones that serve it or use its rows."""
    return [plan.jobs[at] for at in plan.positions_by_symbol.get(symbol, ())]


def get_job(plan: MasterPlan, target: str, symbol: str | None = None) -> Job | None:
    """The job of a pair (`symbol` None: the pooled job of the target), or None if it is not planned."""
    return plan.jobs_by_pair.get((target, symbol))


def model_families_for(plan: MasterPlan, target: str, symbol: str | None = None) -> tuple[ModelFamily, ...]:
    """The families to train for a pair; none if it is not planned."""
    job = get_job(plan, target, symbol)
    return job.model_families if job is not None else ()


def symbols_for_target(plan: MasterPlan, target: str) -> tuple[str, ...]:
    """The symbols that get a model of their own for `target`."""
    return plan.symbols_by_target.get(target, ())


def planned_targets(plan: MasterPlan, targets: Sequence[str]) -> tuple[str, ...]:
    """Those of `targets` that have a job of either type, in the given order."""
    return tuple(target for target in targets if target in plan.jobs_by_target)


def describe_filter(plan: MasterPlan, targets: Sequence[str]) -> str:
    """The line that a training run logs: how many of `targets` the plan lets through."""
    before, after = len(targets), len(planned_targets(plan, targets))
    return f"[FILTER] Training plan filter applied: {before} -> {after} targets"


def describe_plan(plan: MasterPlan, folder: Path) -> tuple[str, ...]:
    """The lines that planning logs: where the plan is and how many jobs it has."""
    summary = plan.summary
    counts = (
        f"[ROUTER] Training plan generated: {folder}",
        f"[ROUTER]    Total jobs: {plan.metadata.total_jobs}",
        f"[ROUTER]    CS jobs: {summary.total_cs_jobs}",
        f"[ROUTER]    Symbol jobs: {summary.total_symbol_jobs}",
    )
    if plan.jobs:
        return counts
    return *counts, "[ROUTER]    Nothing is routed: `foxml explain TARGET` says why"


def _families(plan: MasterPlan) -> set[ModelFamily]:
    return {*plan.metadata.model_families, *(name for job in plan.jobs for name in job.model_families)}


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise PlanMissingError("there is no master training plan", file=path, fix=MAKE_NEW)
    size = path.stat().st_size
    if size > MAX_BYTES:
        problem = Problem("$", f"is larger than {MAX_BYTES} bytes", size)
        raise PlanCorruptError("the plan is too large", file=path, problems=[problem], fix=MAKE_NEW)
    return path.read_bytes()


def _read_other_layout(raw: bytes, path: Path) -> tuple[MasterPlan, str]:
    """A plan that the planner did not write byte for byte: reformatted, or wrong."""
    version = _schema_version(raw)
    if version not in (None, SCHEMA_VERSION):
        what = f"this program reads version {SCHEMA_VERSION}"
        raise _refusal((Problem("$.metadata.schema_version", what, version),), path)
    if len(raw) > MAX_OTHER_BYTES:
        what = "is not as the planner writes it (cut off, edited or reformatted), and too large to say where"
        raise _refusal((Problem("$", what),), path)
    try:
        plan = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(_problems(raw) or (Problem("$", str(error)),), path) from error
    problems = _problems(raw)
    if problems:
        raise _refusal(problems, path)
    return plan, plan_hash(plan.metadata, plan.jobs, plan.summary)


def _refusal(problems: tuple[Problem, ...], path: Path) -> PlanCorruptError:
    return PlanCorruptError(
        f"{len(problems)} problem(s) in the plan", file=path, problems=problems, fix=MAKE_NEW
    )


def _problems(raw: bytes) -> tuple[Problem, ...]:
    if len(raw) > MAX_OTHER_BYTES:
        return ()
    # Who reads a good plan has no need of it.
    from foxml_assets.planning.plan.json_problems import find_problems

    return find_problems(raw, msgspec.inspect.type_info(MasterPlan))


def _schema_version(raw: bytes) -> int | None:
    try:
        return msgspec.json.decode(raw, type=_MetadataOnly).metadata.schema_version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
