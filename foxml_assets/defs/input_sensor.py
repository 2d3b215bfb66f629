"""Changed inputs are materialized by themselves; the plan then follows by declarative automation.

Nothing starts on a root that was never run: the first run is the user's decision.
"""

import dagster as dg

from foxml_assets.defs.events import data_version_of, metadata_of
from foxml_assets.defs.inputs import config_version
from foxml_assets.defs.stages import StageRun, evidence_run, is_anything_running, run_request
from foxml_assets.evidence.evaluate import stale_targets
from foxml_assets.hashing import content_hash
from foxml_assets.routing.candidates_source import candidates_source_hash
from foxml_assets.workspace import Workspace

INTERVAL_SECONDS = 5


@dg.sensor(
    asset_selection=dg.AssetSelection.groups("inputs", "evidence")
    | dg.AssetSelection.assets("routing_candidates"),
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def changed_inputs(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> list[dg.RunRequest] | dg.SkipReason:
    """Compares config, panel source and evidence with what was last materialized, by content.

    Stages are renewed in order: configs and panel, then evidence, then candidates. The rest follows by
    declarative automation.
    """
    instance = context.instance
    if data_version_of(instance, "routing_candidates")[0] is None:
        return dg.SkipReason("nothing was run here yet: start with `foxml run`, or materialize the assets")
    if is_anything_running(instance, training=False):
        return dg.SkipReason("waiting for the runs in progress")
    for find_changed in (_changed_configs, _changed_panel, _stale_evidence, _changed_candidates):
        requests = find_changed(instance, workspace)
        if requests:
            return requests
    return dg.SkipReason("no input changed")


def _changed_configs(instance: dg.DagsterInstance, workspace: Workspace) -> list[dg.RunRequest]:
    current = {
        "data_config": config_version(workspace.data_config()),
        "routing_config": config_version(workspace.routing_policy()),
        "training_config": config_version(workspace.training_config()),
    }
    changed = []
    for name, version in current.items():
        known, event = data_version_of(instance, name)
        if known is not None and known != version:
            changed.append(run_request(StageRun((name,), {}), version, event))
    return changed


def _changed_panel(instance: dg.DagsterInstance, workspace: Workspace) -> list[dg.RunRequest]:
    known, event = metadata_of(instance, "panel", "source_hash")
    if known is None:
        return []
    current = workspace.panel_source_hash()
    return [] if current == known else [run_request(StageRun(("panel",), {}), current, event)]


def _stale_evidence(instance: dg.DagsterInstance, workspace: Workspace) -> list[dg.RunRequest]:
    info, config = workspace.panel_info(), workspace.data_config()
    stale = stale_targets(info, config, workspace.layout) if info else ()
    if not stale:
        return []
    version = content_hash([stale, info.data_hash if info else None, config_version(config)])
    _, event = data_version_of(instance, "feature_selections")
    return [run_request(evidence_run(instance, stale), version, event)]


def _changed_candidates(instance: dg.DagsterInstance, workspace: Workspace) -> list[dg.RunRequest]:
    known, event = metadata_of(instance, "routing_candidates", "source_hash")
    current = candidates_source_hash(workspace.layout, workspace.universe())
    return [] if current == known else [run_request(StageRun(("routing_candidates",), {}), current, event)]
