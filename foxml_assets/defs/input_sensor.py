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
from foxml_assets.run_inputs import RunInputs
from foxml_assets.selection.source import panel_source_hash
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
    inputs = workspace.read_inputs()
    for find_changed in (_changed_configs, _changed_panel, _stale_evidence, _changed_candidates):
        requests = find_changed(instance, inputs)
        if requests:
            return requests
    return dg.SkipReason("no input changed")


def _changed_configs(instance: dg.DagsterInstance, inputs: RunInputs) -> list[dg.RunRequest]:
    current = {
        "data_config": config_version(inputs.data),
        "routing_config": config_version(inputs.policy),
        "training_config": config_version(inputs.training),
    }
    changed = []
    for name, version in current.items():
        known, event = data_version_of(instance, name)
        if known is not None and known != version:
            changed.append(run_request(StageRun((name,), {}), version, event))
    return changed


def _changed_panel(instance: dg.DagsterInstance, inputs: RunInputs) -> list[dg.RunRequest]:
    known, event = metadata_of(instance, "panel", "source_hash")
    if known is None:
        return []
    current = panel_source_hash(inputs.data)
    return [] if current == known else [run_request(StageRun(("panel",), {}), current, event)]


def _stale_evidence(instance: dg.DagsterInstance, inputs: RunInputs) -> list[dg.RunRequest]:
    panel = inputs.panel
    stale = stale_targets(panel, inputs.data, inputs.layout) if panel else ()
    if not stale:
        return []
    version = content_hash([stale, panel.data_hash if panel else None, config_version(inputs.data)])
    _, event = data_version_of(instance, "feature_selections")
    return [run_request(evidence_run(instance, stale), version, event)]


def _changed_candidates(instance: dg.DagsterInstance, inputs: RunInputs) -> list[dg.RunRequest]:
    known, event = metadata_of(instance, "routing_candidates", "source_hash")
    current = candidates_source_hash(inputs.layout, inputs.universe)
    return [] if current == known else [run_request(StageRun(("routing_candidates",), {}), current, event)]
