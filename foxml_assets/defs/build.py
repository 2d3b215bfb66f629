"""All definitions of a routing graph, for one workspace."""

import warnings
from collections.abc import Iterator, Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from foxml_assets.defs.assets.auditing import routing_audit
from foxml_assets.defs.assets.evidence import feature_selections
from foxml_assets.defs.assets.inputs import input_assets
from foxml_assets.defs.assets.panel import panel
from foxml_assets.defs.assets.plan_diff import training_plan_diff
from foxml_assets.defs.assets.planning import job_assets, training_plan
from foxml_assets.defs.assets.reporting import training_report
from foxml_assets.defs.assets.routing import routing_candidates, routing_plan
from foxml_assets.defs.assets.training import model_assets
from foxml_assets.defs.bootstrap import bootstrap_job
from foxml_assets.defs.checking.catalogue import ARTIFACT_CHECKS, MODEL_CHECKS
from foxml_assets.defs.checking.checks import CHECKS
from foxml_assets.defs.graph import Graph, default_status
from foxml_assets.defs.running.ledger import Names
from foxml_assets.defs.running.requested import requested_runs
from foxml_assets.defs.running.stage_runs import report_run
from foxml_assets.defs.sensors.check_sensor import ARTIFACT_CHECK_JOB, outdated_checks
from foxml_assets.defs.sensors.input_sensor import INTERVAL_SECONDS, changed_inputs, observed_inputs
from foxml_assets.defs.sensors.model_check_sensor import MODEL_CHECK_JOB, unchecked_models
from foxml_assets.defs.sensors.training_sensor import pending_training
from foxml_assets.stages import Stage
from foxml_assets.workspace import Workspace

CHECK_JOB = "all_checks"
REPORT_JOB = "report"
_ASSETS = (
    input_assets,
    panel,
    feature_selections,
    routing_candidates,
    routing_plan,
    training_plan,
    training_plan_diff,
    training_report,
    routing_audit,
)
_SENSORS = (observed_inputs, changed_inputs, pending_training, requested_runs)


def build_definitions(workspace: Workspace, *, checks: bool = True) -> dg.Definitions:
    """The asset graph over `workspace`, or without `checks` the same without any. Raises ConfigError."""
    return build_graph(Graph(workspace), checks=checks)


def build_graph(graph: Graph, *, checks: bool = True) -> dg.Definitions:
    """The definitions of `graph`. They bring no executor and no resource, which a code location shares.

    Raises ConfigError.
    """
    with warnings.catch_warnings():
        # That a part of Dagster is in beta is nothing that whoever loads the graph can mend.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return _definitions(graph, checks=checks)


def _definitions(graph: Graph, *, checks: bool) -> dg.Definitions:
    own = [*(make(graph) for make in _ASSETS), *model_assets(graph)]
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [
        *(definition.map_asset_specs(graph.completed) for definition in own),
        *map(graph.completed, job_assets(graph)),
    ]
    sensors: list[dg.SensorDefinition] = [*(make(graph) for make in _SENSORS), _plan_automation(graph)]
    if not checks:
        return dg.Definitions(assets=assets, sensors=sensors)
    made = [make(graph) for make in CHECKS]
    made += dg.build_column_schema_change_checks(assets=[graph.names.key("panel")])
    return dg.Definitions(
        assets=assets,
        asset_checks=made,
        jobs=[*_jobs(graph, [key for definition in made for key in definition.check_keys])],
        sensors=[*sensors, outdated_checks(graph), unchecked_models(graph)],
    )


def _plan_automation(graph: Graph) -> dg.AutomationConditionSensorDefinition:
    planned = (*Stage.CANDIDATES.assets, *Stage.ROUTING.assets, *Stage.PLAN.assets)
    return dg.AutomationConditionSensorDefinition(
        graph.names.flat("plan_automation"),
        target=dg.AssetSelection.assets(*graph.names.keys(planned)),
        default_status=default_status(graph.plan_follows_inputs),
        minimum_interval_seconds=INTERVAL_SECONDS,
    )


def _jobs(
    graph: Graph, checks: Sequence[dg.AssetCheckKey]
) -> Iterator[dg.JobDefinition | UnresolvedAssetJobDefinition]:
    names = graph.names
    selections = {
        CHECK_JOB: dg.AssetSelection.checks(*checks),
        REPORT_JOB: _reported(names),
        ARTIFACT_CHECK_JOB: dg.AssetSelection.checks(*(check.key(names) for check in ARTIFACT_CHECKS)),
        MODEL_CHECK_JOB: dg.AssetSelection.checks(*(check.key(names) for check in MODEL_CHECKS)),
    }
    for name, selection in selections.items():
        yield dg.define_asset_job(names.flat(name), selection, executor_def=dg.in_process_executor)
    # Asked for when it runs, because the job is part of the definitions that it executes.
    yield bootstrap_job(graph.workspace, lambda: build_graph(graph))


def _reported(names: Names) -> dg.AssetSelection:
    run = report_run()
    assets = dg.AssetSelection.assets(*names.keys(run.assets)).without_checks()
    return assets | dg.AssetSelection.checks(*(run.check_keys(names) or ()))
