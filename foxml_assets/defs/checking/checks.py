"""Asset checks: the artifacts on disk against each other, by content. `foxml check` runs them all."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from foxml_assets.core.errors import FoxmlError, Problem
from foxml_assets.core.vocabulary import TrainingType
from foxml_assets.defs.assets.job_events import with_records
from foxml_assets.defs.assets.metadata import markdown_table
from foxml_assets.defs.checking.catalogue import (
    AS_WRITTEN,
    CANDIDATES_CHECKS,
    PANEL_CHECKS,
    PLAN_CHECKS,
    ROUTING_CHECKS,
    VIEW_CHECKS,
    WARNINGS,
    model_checks_of,
)
from foxml_assets.defs.checking.check_findings import (
    Findings,
    candidates_findings,
    first_words,
    plan_findings,
    routing_findings,
)
from foxml_assets.defs.checking.panel_sizes import panel_sizes, shrunk
from foxml_assets.defs.graph import CheckFactory, checks
from foxml_assets.defs.running.ledger import Names, ledger_of, names_in
from foxml_assets.defs.running.stage_runs import (
    AS_PROMISED,
    FILES_INTACT,
    MATCH_THE_PLAN,
    ModelChecks,
    model_checks,
)
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.reporting.model_lines import model_lines
from foxml_assets.reporting.promises import broken_promise
from foxml_assets.training.models.inventory import JobStatus, take_inventory
from foxml_assets.training.models.manifest import ModelState
from foxml_assets.workspace import Workspace

_MAX_SHOWN = 50


@checks("panel_checks", PANEL_CHECKS)
def panel_checks(
    context: dg.AssetCheckExecutionContext, workspace: Workspace
) -> Iterator[dg.AssetCheckResult]:
    """The panel is held against the one before."""
    ledger = ledger_of(workspace, context.instance)
    sizes = panel_sizes(ledger)
    yield _result(
        ledger.names.key("panel"),
        "size_as_before",
        shrunk(sizes, workspace.data_config().checks.max_shrink),
        numbers={f"{name} {when}": count for when, size in sizes.items() for name, count in size.items()},
    )


@checks("candidates_checks", CANDIDATES_CHECKS)
def candidates_checks(
    context: dg.AssetCheckExecutionContext, workspace: Workspace
) -> Iterator[dg.AssetCheckResult]:
    """The table has the columns of candidates, one row per pair, and values that can be."""
    yield from _results(candidates_findings(workspace), names_in(workspace))


@checks("routing_plan_checks", ROUTING_CHECKS)
def routing_plan_checks(
    context: dg.AssetCheckExecutionContext, workspace: Workspace
) -> Iterator[dg.AssetCheckResult]:
    """Every pair has one route, nothing that leaks is routed, and the experimental lane is not overfull."""
    yield from _results(routing_findings(workspace), names_in(workspace))


@checks("training_plan_checks", (*PLAN_CHECKS.values(), AS_WRITTEN, *VIEW_CHECKS))
def training_plan_checks(
    context: dg.AssetCheckExecutionContext, workspace: Workspace
) -> Iterator[dg.AssetCheckResult]:
    """The master plan agrees with itself, the routing plan and the present inputs; its views with it."""
    yield from _results(plan_findings(workspace), names_in(workspace))


def _model_checks(asset: str, kind: TrainingType) -> CheckFactory:
    @checks(model_checks(asset), model_checks_of(asset), config=ModelChecks)
    def compared(
        context: dg.AssetCheckExecutionContext, workspace: Workspace, config: ModelChecks
    ) -> Iterator[dg.AssetCheckResult]:
        """Every planned job has models of its spec, and they are those that were trained and recorded."""
        ledger = ledger_of(workspace, context.instance)
        statuses: tuple[JobStatus, ...] = ()
        problems: tuple[Problem, ...] = ()
        broken: tuple[Problem, ...] = ()
        try:
            plan = load_master_training_plan(workspace.layout.master_plan)
            jobs = [job for job in plan.jobs if job.training_type is kind]
            models = with_records(workspace.read_inputs().model_context(), ledger)
            statuses = take_inventory(jobs, models, deep=config.deep).jobs
            broken = broken_promise(model_lines(statuses, workspace.layout))
        except FoxmlError as error:
            problems = (Problem("", str(error)),)
        unfinished = _in_states(statuses, ModelState.MISSING, ModelState.STALE, ModelState.FAILED)
        key = ledger.names.key(asset)
        yield _result(key, MATCH_THE_PLAN, problems or unfinished)
        yield _result(key, FILES_INTACT, problems or _in_states(statuses, ModelState.CORRUPT))
        yield _result(key, AS_PROMISED, problems or broken)

    return compared


CHECKS = (
    panel_checks,
    candidates_checks,
    routing_plan_checks,
    training_plan_checks,
    _model_checks("cross_sectional_models", TrainingType.CROSS_SECTIONAL),
    _model_checks("symbol_models", TrainingType.SYMBOL_SPECIFIC),
)


def _results(findings: Findings, names: Names) -> Iterator[dg.AssetCheckResult]:
    for (asset, name), problems in findings.items():
        yield _result(names.key(asset), name, problems)


def _result(
    key: dg.AssetKey, name: str, problems: Sequence[Problem], *, numbers: Mapping[str, int] | None = None
) -> dg.AssetCheckResult:
    """A result that shows the problems, and the `numbers` that were looked at."""
    metadata: dict[str, dg.MetadataValue] = {"problems": dg.MetadataValue.int(len(problems))}
    metadata |= {words: dg.MetadataValue.int(number) for words, number in (numbers or {}).items()}
    if problems:
        rows = [(problem.field, problem.what) for problem in problems[:_MAX_SHOWN]]
        metadata["found"] = markdown_table(["where", "what"], rows)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN if name in WARNINGS else dg.AssetCheckSeverity.ERROR,
        description=first_words(problems),
        metadata=metadata,
    )


def _in_states(statuses: Sequence[JobStatus], *states: ModelState) -> tuple[Problem, ...]:
    return tuple(
        Problem(status.job.job_id, f"{status.state.value}: {status.reason}")
        for status in statuses
        if status.state in states
    )
