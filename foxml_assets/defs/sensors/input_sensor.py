"""Changed inputs are materialized by themselves; the plan then follows by declarative automation.

Nothing starts on a root that was never run: the first run is the user's decision.
"""

import dagster as dg

from foxml_assets.core.errors import FoxmlError
from foxml_assets.core.hashing import content_hash
from foxml_assets.defs.assets.events import data_version_of, metadata_of
from foxml_assets.defs.assets.inputs import config_version
from foxml_assets.defs.graph import sensor
from foxml_assets.defs.running.attempts import REQUEST_TAG, refusal
from foxml_assets.defs.running.ledger import Ledger, ledger_of
from foxml_assets.defs.running.runs import daemon_tags, describe_runs, living_command, runs_in_flight
from foxml_assets.defs.running.stage_runs import (
    EVIDENCE_ASSET,
    StageRun,
    evidence_run,
    is_training,
    run_request,
)
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.panel.source import panel_source_hash
from foxml_assets.routing.candidates.candidates_source import candidates_source_hash
from foxml_assets.run_inputs import RunInputs
from foxml_assets.stages import CONFIGS, STAGE_ASSETS, Stage
from foxml_assets.workspace import Workspace

INTERVAL_SECONDS = 5
# A run to launch, and the content it is for: the same content after the same event is the same request.
Change = tuple[StageRun, str]


@sensor(
    "changed_inputs",
    assets=(*Stage.PANEL.assets, *Stage.EVIDENCE.assets, *Stage.CANDIDATES.assets),
    seconds=INTERVAL_SECONDS,
    is_on=lambda graph: graph.plan_follows_inputs,
)
def changed_inputs(
    context: dg.SensorEvaluationContext, workspace: Workspace
) -> list[dg.RunRequest] | dg.SkipReason:
    """Compares config, panel source and evidence with what was last materialized, by content.

    Stages are renewed in order: configs and panel, then evidence, then candidates. The rest follows by
    declarative automation.
    """
    ledger = ledger_of(workspace, context.instance)
    if data_version_of(ledger, "routing_candidates")[0] is None:
        return dg.SkipReason("nothing was run here yet: start with `foxml run`, or materialize the assets")
    command = living_command(workspace.root)
    if command is not None:
        return dg.SkipReason(f"waiting for {command}, which launches its own runs")
    runs = [
        run
        for run in runs_in_flight(ledger, workspace.root, STAGE_ASSETS)
        if not is_training(run, ledger.names)
    ]
    if runs:
        return dg.SkipReason(f"waiting for {describe_runs(runs)}; if it hangs, terminate it in the UI")
    try:
        return _requests(ledger, workspace, workspace.read_inputs())
    except FoxmlError as error:
        return dg.SkipReason(str(error))


def _requests(ledger: Ledger, workspace: Workspace, inputs: RunInputs) -> list[dg.RunRequest] | dg.SkipReason:
    # The first stage with a change, found lazily: what stands behind it is asked when it was made again.
    changes = next(filter(None, (_changes_of(stage, ledger, inputs) for stage in Stage)), [])
    refusals = []
    requests = []
    for run, version in changes:
        request = f"{'+'.join(run.assets)}:{version}"
        refused = refusal(ledger.instance, workspace.root, request)
        if refused:
            refusals.append(f"{run.assets[0]}: {refused}. Mend the cause, then: foxml run --until plan")
        else:
            requests.append(run_request(run, ledger.names, {REQUEST_TAG: request, **daemon_tags(workspace)}))
    return requests or dg.SkipReason("; ".join(refusals) or "no input changed")


def _changes_of(stage: Stage, ledger: Ledger, inputs: RunInputs) -> list[Change]:
    """What of a stage is to be made again; nothing of those that follow by declarative automation."""
    if stage is Stage.PANEL:
        return _changed_configs(ledger, inputs) or _changed_panel(ledger, inputs)
    if stage is Stage.EVIDENCE:
        return _stale_evidence(ledger, inputs)
    return _changed_candidates(ledger, inputs) if stage is Stage.CANDIDATES else []


def _changed_configs(ledger: Ledger, inputs: RunInputs) -> list[Change]:
    configs = (inputs.data, inputs.policy, inputs.training)
    changed = []
    for name, config in zip(CONFIGS, configs, strict=True):
        version = config_version(config)
        known, event = data_version_of(ledger, name)
        # A config that was never materialized is left to the user's first run.
        if known is not None and known != version:
            changed.append((StageRun((name,)), f"{version}:{event}"))
    return changed


def _changed_panel(ledger: Ledger, inputs: RunInputs) -> list[Change]:
    known, event = metadata_of(ledger, "panel", "source_hash")
    if known is None:
        return []
    current = panel_source_hash(inputs.data)
    return [] if current == known else [(StageRun(("panel",)), f"{current}:{event}")]


def _stale_evidence(ledger: Ledger, inputs: RunInputs) -> list[Change]:
    info, config = inputs.panel, inputs.data
    stale = stale_targets(info, config, inputs.layout) if info else ()
    if info is None or not stale:
        return []
    version = content_hash([stale, info.data_hash, config_version(config)])
    _, event = data_version_of(ledger, EVIDENCE_ASSET)
    run = evidence_run(ledger, [spec.name for spec in info.targets], set(stale))
    return [(run, f"{version}:{event}")]


def _changed_candidates(ledger: Ledger, inputs: RunInputs) -> list[Change]:
    known, event = metadata_of(ledger, "routing_candidates", "source_hash")
    current = candidates_source_hash(inputs.layout, inputs.universe)
    return [] if current == known else [(StageRun(("routing_candidates",)), f"{current}:{event}")]
