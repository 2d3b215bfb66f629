"""Asset checks: the artifacts on disk against each other, by content. `foxml check` runs them all."""

from collections.abc import Iterator, Sequence

import dagster as dg

from foxml_assets.core.errors import FoxmlError, Problem
from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.assets.job_events import with_records
from foxml_assets.defs.assets.metadata import markdown_table
from foxml_assets.defs.checking.check_findings import (
    PLAN_CHECKS,
    VIEW_PREFIXES,
    Findings,
    candidates_findings,
    first_words,
    plan_findings,
    routing_findings,
)
from foxml_assets.defs.graph import Check, CheckFactory, checks
from foxml_assets.defs.running.ledger import Names, ledger_of, names_in
from foxml_assets.defs.running.stage_runs import MODEL_CHECKS, ModelChecks, model_checks
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.stages import CONFIGS
from foxml_assets.training.models.inventory import JobStatus, take_inventory
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.workspace import Workspace

_MAX_SHOWN = 50
_WARNINGS = {"no_row_quarantined"}
# Training refuses a plan of which one of these does not hold.
_TRAINING_RELIES_ON = {"ids_unique", "hashes_recomputed", "not_stale"}
# What else they look at. Not the artifacts that have blocking checks of their own: where one of these fails,
# the run would leave out all checks that depend on the artifact.
_INPUTS = (*CONFIGS, "panel")


_CANDIDATES = (
    Check("routing_candidates", "schema", is_blocking=True),
    Check("routing_candidates", "unique_pairs"),
    Check("routing_candidates", "ranges"),
)
_ROUTING = (
    Check("routing_plan", "every_pair_decided", is_blocking=True, looks_at=("panel",)),
    Check("routing_plan", "no_leaked_pair_routed", is_blocking=True),
    Check("routing_plan", "cap_respected", is_blocking=True, looks_at=("routing_config",)),
    Check("routing_plan", "no_row_quarantined"),
)
_PLAN = (
    *(
        Check("master_training_plan", name, is_blocking=name in _TRAINING_RELIES_ON, looks_at=_INPUTS)
        for name in (*PLAN_CHECKS, "as_written")
    ),
    *(Check(asset, "equal_to_master_plan") for asset in VIEW_PREFIXES),
)
ARTIFACT_CHECKS = (*_CANDIDATES, *_ROUTING, *_PLAN)


@checks("candidates_checks", _CANDIDATES)
def candidates_checks(
    context: dg.AssetCheckExecutionContext, workspace: Workspace
) -> Iterator[dg.AssetCheckResult]:
    """The table has the columns of candidates, one row per pair, and values that can be."""
    yield from _results(candidates_findings(workspace), names_in(workspace))


@checks("routing_plan_checks", _ROUTING)
def routing_plan_checks(
    context: dg.AssetCheckExecutionContext, workspace: Workspace
) -> Iterator[dg.AssetCheckResult]:
    """Every pair has one route, nothing that leaks is routed, and the experimental lane is not overfull."""
    yield from _results(routing_findings(workspace), names_in(workspace))


@checks("training_plan_checks", _PLAN)
def training_plan_checks(
    context: dg.AssetCheckExecutionContext, workspace: Workspace
) -> Iterator[dg.AssetCheckResult]:
    """The master plan agrees with itself, the routing plan and the present inputs; its views with it."""
    yield from _results(plan_findings(workspace), names_in(workspace))


def _model_checks(asset: str, kind: TrainingType) -> CheckFactory:
    of = tuple(Check(asset, name) for name in MODEL_CHECKS)

    @checks(model_checks(asset), of, config=ModelChecks)
    def compared(
        context: dg.AssetCheckExecutionContext, workspace: Workspace, config: ModelChecks
    ) -> Iterator[dg.AssetCheckResult]:
        """Every planned job has models of its spec, and they are those that were trained and recorded."""
        ledger = ledger_of(workspace, context.instance)
        statuses: tuple[JobStatus, ...] = ()
        problems: tuple[Problem, ...] = ()
        try:
            plan = load_master_training_plan(workspace.layout.master_plan)
            jobs = [job for job in plan.jobs if job.training_type is kind]
            models = with_records(workspace.read_inputs().model_context(), ledger)
            statuses = take_inventory(jobs, models, deep=config.deep).jobs
        except FoxmlError as error:
            problems = (Problem("", str(error)),)
        unfinished = _in_states(statuses, ModelState.MISSING, ModelState.STALE, ModelState.FAILED)
        key = ledger.names.key(asset)
        yield _result(key, "match_the_plan", problems or unfinished)
        yield _result(key, "files_intact", problems or _in_states(statuses, ModelState.CORRUPT))

    return compared


CHECKS = (
    candidates_checks,
    routing_plan_checks,
    training_plan_checks,
    _model_checks("cross_sectional_models", TrainingType.CROSS_SECTIONAL),
    _model_checks("symbol_models", TrainingType.SYMBOL_SPECIFIC),
)


def _results(findings: Findings, names: Names) -> Iterator[dg.AssetCheckResult]:
    for (asset, name), problems in findings.items():
        yield _result(names.key(asset), name, problems)


def _result(key: dg.AssetKey, name: str, problems: Sequence[Problem]) -> dg.AssetCheckResult:
    metadata: dict[str, dg.MetadataValue] = {"problems": dg.MetadataValue.int(len(problems))}
    if problems:
        rows = [(problem.field, problem.what) for problem in problems[:_MAX_SHOWN]]
        metadata["found"] = markdown_table(["where", "what"], rows)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN if name in _WARNINGS else dg.AssetCheckSeverity.ERROR,
        description=first_words(problems),
        metadata=metadata,
    )


def _in_states(statuses: Sequence[JobStatus], *states: ModelState) -> tuple[Problem, ...]:
    return tuple(
        Problem(status.job.job_id, f"{status.state.value}: {status.reason}")
        for status in statuses
        if status.state in states
    )
