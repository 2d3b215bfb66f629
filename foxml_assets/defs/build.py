"""All definitions of the code location, for one workspace."""

import dagster as dg

from foxml_assets.defs.assets.auditing import routing_audit
from foxml_assets.defs.assets.evidence import feature_selections
from foxml_assets.defs.assets.inputs import data_config, routing_config, training_config
from foxml_assets.defs.assets.panel import panel
from foxml_assets.defs.assets.plan_diff import training_plan_diff
from foxml_assets.defs.assets.planning import cross_sectional_jobs, symbol_jobs, training_plan
from foxml_assets.defs.assets.reporting import training_report
from foxml_assets.defs.assets.routing import routing_candidates, routing_plan
from foxml_assets.defs.assets.training import model_assets
from foxml_assets.defs.bootstrap import bootstrap_job
from foxml_assets.defs.checking.checks import ARTIFACT_CHECKS, CHECKS
from foxml_assets.defs.resource import workspace_resource
from foxml_assets.defs.running.requested import requested_runs
from foxml_assets.defs.running.stage_runs import report_run
from foxml_assets.defs.sensors.check_sensor import ARTIFACT_CHECK_JOB, outdated_checks
from foxml_assets.defs.sensors.input_sensor import INTERVAL_SECONDS, changed_inputs
from foxml_assets.defs.sensors.training_sensor import pending_training
from foxml_assets.workspace import Workspace

CHECK_JOB = "all_checks"
REPORT_JOB = "report"
_ARTIFACT_CHECKS = dg.AssetSelection.checks(
    *(key for definition in ARTIFACT_CHECKS for key in definition.check_keys)
)
_REPORT = report_run()
_REPORTED = dg.AssetSelection.assets(*_REPORT.asset_keys).without_checks() | dg.AssetSelection.checks(
    *(_REPORT.check_keys or ())
)


def build_definitions(workspace: Workspace, *, checks: bool = True) -> dg.Definitions:
    """The asset graph over `workspace`, or without `checks` the same without any. Raises ConfigError.

    The workspace is no configurable resource, so that run config cannot redirect it.
    """
    return dg.Definitions(
        assets=[
            data_config,
            routing_config,
            training_config,
            panel,
            feature_selections,
            routing_candidates,
            routing_plan,
            training_plan,
            training_plan_diff,
            cross_sectional_jobs,
            symbol_jobs,
            *model_assets(workspace.training_config().batch_size),
            training_report,
            routing_audit,
        ],
        asset_checks=CHECKS if checks else [],
        jobs=[
            dg.define_asset_job(CHECK_JOB, selection=dg.AssetSelection.all_asset_checks()),
            dg.define_asset_job(REPORT_JOB, selection=_REPORTED),
            dg.define_asset_job(ARTIFACT_CHECK_JOB, selection=_ARTIFACT_CHECKS),
            # Asked for when it runs, because the job is part of the definitions that it executes.
            bootstrap_job(lambda: build_definitions(workspace)),
        ]
        if checks
        else [],
        sensors=[
            changed_inputs,
            dg.AutomationConditionSensorDefinition(
                "plan_automation",
                target=dg.AssetSelection.groups("routing", "planning"),
                default_status=dg.DefaultSensorStatus.RUNNING,
                minimum_interval_seconds=INTERVAL_SECONDS,
            ),
            pending_training,
            requested_runs,
            *([outdated_checks] if checks else []),
        ],
        resources={"workspace": workspace_resource(workspace)},
        executor=dg.in_process_executor,
    )
