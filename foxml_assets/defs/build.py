"""All definitions of the code location, for one workspace."""

import dagster as dg

from foxml_assets.defs.auditing import routing_audit
from foxml_assets.defs.checks import CHECKS
from foxml_assets.defs.evidence import feature_selections
from foxml_assets.defs.input_sensor import INTERVAL_SECONDS, changed_inputs
from foxml_assets.defs.inputs import data_config, routing_config, training_config
from foxml_assets.defs.panel import panel
from foxml_assets.defs.plan_diff import training_plan_diff
from foxml_assets.defs.planning import cross_sectional_jobs, symbol_jobs, training_plan
from foxml_assets.defs.reporting import training_report
from foxml_assets.defs.routing import routing_candidates, routing_plan
from foxml_assets.defs.training import cross_sectional_models, symbol_models
from foxml_assets.defs.training_sensor import pending_training
from foxml_assets.workspace import Workspace

CHECK_JOB = "all_checks"


def build_definitions(workspace: Workspace) -> dg.Definitions:
    """The asset graph over `workspace`.

    The workspace is a plain object, not a configurable resource, so that run config cannot redirect it.
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
            cross_sectional_models,
            symbol_models,
            training_report,
            routing_audit,
        ],
        asset_checks=CHECKS,
        jobs=[dg.define_asset_job(CHECK_JOB, selection=dg.AssetSelection.all_asset_checks())],
        sensors=[
            changed_inputs,
            dg.AutomationConditionSensorDefinition(
                "plan_automation",
                target=dg.AssetSelection.groups("routing", "planning"),
                default_status=dg.DefaultSensorStatus.RUNNING,
                minimum_interval_seconds=INTERVAL_SECONDS,
            ),
            pending_training,
        ],
        resources={"workspace": workspace},
        executor=dg.in_process_executor,
    )
