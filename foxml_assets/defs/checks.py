"""Asset checks: the artifacts on disk against each other, by content. `foxml check` runs them all."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import dagster as dg

from foxml_assets.defs.metadata import markdown_table
from foxml_assets.defs.stages import MODEL_CHECKS
from foxml_assets.errors import FoxmlError, Problem
from foxml_assets.planning.consumer import load_master_training_plan
from foxml_assets.planning.tree import SUMMARY_FILE, VIEWS
from foxml_assets.planning.validation import PlanCheck
from foxml_assets.routing.candidates_file import read_candidates
from foxml_assets.routing.checks import (
    duplicate_rows,
    leaked_but_routed,
    over_the_cap,
    quarantined_rows,
    rows_out_of_range,
    undecided_pairs,
)
from foxml_assets.routing.plan import RoutingPlan
from foxml_assets.routing.plan_files import read_routing_plan
from foxml_assets.training.inventory import JobStatus, take_inventory
from foxml_assets.training.manifest import ModelState
from foxml_assets.vocabulary import TrainingType
from foxml_assets.workspace import Workspace

_MAX_SHOWN = 50

_PLAN_CHECKS = {
    "ids_unique": PlanCheck.STRUCTURE,
    "hashes_recomputed": PlanCheck.HASHES,
    "consistent_with_routing_plan": PlanCheck.ROUTING,
    "names_known": PlanCheck.NAMES,
    "families_allowed": PlanCheck.FAMILIES,
    "not_stale": PlanCheck.FRESHNESS,
}
_VIEW_PREFIXES = {
    "training_plan_mirrors": "training_plan.",
    "master_training_plan_summary": SUMMARY_FILE,
    **{f"plan_{view}": f"{view}/" for view in VIEWS},
}


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("schema", asset="routing_candidates", blocking=True),
        dg.AssetCheckSpec("unique_pairs", asset="routing_candidates"),
        dg.AssetCheckSpec("ranges", asset="routing_candidates"),
    ]
)
def candidates_checks(workspace: dg.ResourceParam[Workspace]) -> Iterator[dg.AssetCheckResult]:
    """The table has the columns of candidates, one row per pair, and values that can be."""
    path = workspace.layout.routing_candidates
    asset = "routing_candidates"
    table = cache(lambda: read_candidates(path))
    yield _result(asset, "schema", _find(lambda: _nothing(table())))
    yield _result(asset, "unique_pairs", _find(lambda: duplicate_rows(table())))
    yield _result(asset, "ranges", _find(lambda: rows_out_of_range(table())))


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("every_pair_decided", asset="routing_plan", blocking=True),
        dg.AssetCheckSpec("no_leaked_pair_routed", asset="routing_plan", blocking=True),
        dg.AssetCheckSpec("cap_respected", asset="routing_plan", blocking=True),
        dg.AssetCheckSpec("no_row_quarantined", asset="routing_plan"),
    ]
)
def routing_plan_checks(workspace: dg.ResourceParam[Workspace]) -> Iterator[dg.AssetCheckResult]:
    """Every pair has one route, nothing that leaks is routed, and the experimental lane is not overfull."""

    @cache
    def plan() -> RoutingPlan:
        return read_routing_plan(workspace.layout)

    inputs = cache(workspace.read_inputs)

    def undecided() -> Sequence[Problem]:
        candidates = read_candidates(workspace.layout.routing_candidates)
        return undecided_pairs(plan(), candidates, inputs().universe)

    def cap() -> Sequence[Problem]:
        return over_the_cap(plan(), inputs().policy.experimental.max_fraction_symbols_per_target)

    asset = "routing_plan"
    yield _result(asset, "every_pair_decided", _find(undecided))
    yield _result(asset, "no_leaked_pair_routed", _find(lambda: leaked_but_routed(plan())))
    yield _result(asset, "cap_respected", _find(cap))
    yield _result(asset, "no_row_quarantined", _find(lambda: quarantined_rows(plan())), warn=True)


@dg.multi_asset_check(
    specs=[
        *(dg.AssetCheckSpec(name, asset="master_training_plan") for name in (*_PLAN_CHECKS, "as_written")),
        *(dg.AssetCheckSpec("equal_to_master_plan", asset=asset) for asset in _VIEW_PREFIXES),
    ]
)
def training_plan_checks(workspace: dg.ResourceParam[Workspace]) -> Iterator[dg.AssetCheckResult]:
    """The master plan agrees with itself, the routing plan and the present inputs; its views with it."""
    try:
        results = workspace.read_inputs().validate_plan().results
        found = {result.check: result.problems for result in results}
    except FoxmlError as error:
        unreadable = Problem("", str(error))
        found = dict.fromkeys(PlanCheck, (unreadable,))
    for name, check in _PLAN_CHECKS.items():
        yield _result("master_training_plan", name, found[check])
    for asset, prefix in _VIEW_PREFIXES.items():
        own = [one for one in found[PlanCheck.FILES] if one.field.startswith(prefix) or not one.field]
        yield _result(asset, "equal_to_master_plan", own)
    prefixes = tuple(_VIEW_PREFIXES.values())
    others = [one for one in found[PlanCheck.FILES] if not one.field.startswith(prefixes)]
    yield _result("master_training_plan", "as_written", others)


def _model_checks(asset: str, kind: TrainingType) -> dg.AssetChecksDefinition:
    specs = [dg.AssetCheckSpec(name, asset=asset) for name in MODEL_CHECKS]

    @dg.multi_asset_check(name=f"{asset}_checks", specs=specs)
    def checks(workspace: dg.ResourceParam[Workspace]) -> Iterator[dg.AssetCheckResult]:
        """Every planned job has models of its spec, and the model files are those that were trained."""
        statuses: tuple[JobStatus, ...] = ()
        problems: tuple[Problem, ...] = ()
        try:
            plan = load_master_training_plan(workspace.layout.master_plan)
            jobs = [job for job in plan.jobs if job.training_type is kind]
            statuses = take_inventory(jobs, workspace.layout).jobs
        except FoxmlError as error:
            problems = (Problem("", str(error)),)
        unfinished = _in_states(statuses, ModelState.MISSING, ModelState.STALE, ModelState.FAILED)
        yield _result(asset, "match_the_plan", problems or unfinished)
        yield _result(asset, "files_intact", problems or _in_states(statuses, ModelState.CORRUPT))

    return checks


CHECKS = (
    candidates_checks,
    routing_plan_checks,
    training_plan_checks,
    _model_checks("cross_sectional_models", TrainingType.CROSS_SECTIONAL),
    _model_checks("symbol_models", TrainingType.SYMBOL_SPECIFIC),
)


def _find(finder: Callable[[], Sequence[Problem]]) -> Sequence[Problem]:
    """What `finder` finds. An artifact that cannot be read is a failed check, not a crash."""
    try:
        return finder()
    except FoxmlError as error:
        return (Problem("", str(error)),)


def _result(asset: str, name: str, problems: Sequence[Problem], *, warn: bool = False) -> dg.AssetCheckResult:
    metadata: dict[str, dg.MetadataValue] = {"problems": dg.MetadataValue.int(len(problems))}
    if problems:
        rows = [(problem.field, problem.what) for problem in problems[:_MAX_SHOWN]]
        metadata["found"] = markdown_table(["where", "what"], rows)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR,
        description=str(problems[0]) if problems else None,
        metadata=metadata,
    )


def _in_states(statuses: Sequence[JobStatus], *states: ModelState) -> tuple[Problem, ...]:
    return tuple(
        Problem(status.job.job_id, f"{status.state.value}: {status.reason}")
        for status in statuses
        if status.state in states
    )


def _nothing(_: object) -> Sequence[Problem]:
    return ()
