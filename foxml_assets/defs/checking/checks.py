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


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("schema", asset="routing_candidates", blocking=True),
        dg.AssetCheckSpec("unique_pairs", asset="routing_candidates"),
        dg.AssetCheckSpec("ranges", asset="routing_candidates"),
    ]
)
def candidates_checks(workspace: dg.ResourceParam[Workspace]) -> Iterator[dg.AssetCheckResult]:
    """The table has the columns of candidates, one row per pair, and values that can be."""
    yield from _results(candidates_findings(workspace))


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(name, asset="routing_plan", blocking=blocking, additional_deps=looks_at)
        for name, blocking, looks_at in (
            ("every_pair_decided", True, ["panel"]),
            ("no_leaked_pair_routed", True, []),
            ("cap_respected", True, ["routing_config"]),
            ("no_row_quarantined", False, []),
        )
    ]
)
def routing_plan_checks(workspace: dg.ResourceParam[Workspace]) -> Iterator[dg.AssetCheckResult]:
    """Every pair has one route, nothing that leaks is routed, and the experimental lane is not overfull."""
    yield from _results(routing_findings(workspace))


@dg.multi_asset_check(
    specs=[
        *(
            dg.AssetCheckSpec(
                name,
                asset="master_training_plan",
                blocking=name in _TRAINING_RELIES_ON,
                additional_deps=_INPUTS,
            )
            for name in (*PLAN_CHECKS, "as_written")
        ),
        *(dg.AssetCheckSpec("equal_to_master_plan", asset=asset) for asset in VIEW_PREFIXES),
    ]
)
def training_plan_checks(workspace: dg.ResourceParam[Workspace]) -> Iterator[dg.AssetCheckResult]:
    """The master plan agrees with itself, the routing plan and the present inputs; its views with it."""
    yield from _results(plan_findings(workspace))


def _model_checks(asset: str, kind: TrainingType) -> dg.AssetChecksDefinition:
    specs = [dg.AssetCheckSpec(name, asset=asset) for name in MODEL_CHECKS]

    @dg.multi_asset_check(name=model_checks(asset), specs=specs)
    def checks(
        context: dg.AssetCheckExecutionContext, config: ModelChecks, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.AssetCheckResult]:
        """Every planned job has models of its spec, and they are those that were trained and recorded."""
        statuses: tuple[JobStatus, ...] = ()
        problems: tuple[Problem, ...] = ()
        try:
            plan = load_master_training_plan(workspace.layout.master_plan)
            jobs = [job for job in plan.jobs if job.training_type is kind]
            models = with_records(workspace.read_inputs().model_context(), context.instance)
            statuses = take_inventory(jobs, models, deep=config.deep).jobs
        except FoxmlError as error:
            problems = (Problem("", str(error)),)
        unfinished = _in_states(statuses, ModelState.MISSING, ModelState.STALE, ModelState.FAILED)
        yield _result(asset, "match_the_plan", problems or unfinished)
        yield _result(asset, "files_intact", problems or _in_states(statuses, ModelState.CORRUPT))

    return checks


ARTIFACT_CHECKS = (candidates_checks, routing_plan_checks, training_plan_checks)
CHECKS = (
    *ARTIFACT_CHECKS,
    _model_checks("cross_sectional_models", TrainingType.CROSS_SECTIONAL),
    _model_checks("symbol_models", TrainingType.SYMBOL_SPECIFIC),
)


def _results(findings: Findings) -> Iterator[dg.AssetCheckResult]:
    for (asset, name), problems in findings.items():
        yield _result(asset, name, problems)


def _result(asset: str, name: str, problems: Sequence[Problem]) -> dg.AssetCheckResult:
    metadata: dict[str, dg.MetadataValue] = {"problems": dg.MetadataValue.int(len(problems))}
    if problems:
        rows = [(problem.field, problem.what) for problem in problems[:_MAX_SHOWN]]
        metadata["found"] = markdown_table(["where", "what"], rows)
    return dg.AssetCheckResult(
        asset_key=asset,
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
