"""Changed inputs are observed, and what is made from them is renewed; the plan then follows by declarative
automation.

Nothing starts on a root that was never run: the first run is the user's decision.
"""

import dagster as dg

from foxml_assets.core.errors import FoxmlError
from foxml_assets.core.hashing import content_hash
from foxml_assets.defs.assets.events import data_version_of, made_from, metadata_of, observed_version
from foxml_assets.defs.assets.inputs import Observed, config_version, news, read_configs, read_source
from foxml_assets.defs.graph import sensor
from foxml_assets.defs.running.attempts import REQUEST_TAG, refusal
from foxml_assets.defs.running.ledger import Ledger, ledger_of
from foxml_assets.defs.running.runs import daemon_tags, describe_runs, runs_in_flight, why_to_wait
from foxml_assets.defs.running.stage_runs import (
    EVIDENCE_ASSET,
    StageRun,
    evidence_run,
    is_training,
    run_request,
)
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.routing.candidates.candidates_file import candidates_source_hash
from foxml_assets.run_inputs import RunInputs
from foxml_assets.stages import PANEL_SOURCE, STAGE_ASSETS, Stage
from foxml_assets.workspace import Workspace

INTERVAL_SECONDS = 5
# A run to launch, the content it is for, and the event before it: both the same are the same request.
Change = tuple[StageRun, str, int]


@sensor("observed_inputs", seconds=INTERVAL_SECONDS)
def observed_inputs(
    context: dg.SensorEvaluationContext, workspace: Workspace
) -> dg.SensorResult | dg.SkipReason:
    """Reports new content of a config file or of the panel's source as a new data version, without a run."""
    reason = "no input changed"
    inputs: list[Observed] = []
    try:
        inputs += read_configs(workspace)
        inputs.append(read_source(workspace))
    except FoxmlError as error:
        reason = str(error)
    events = news(ledger_of(workspace, context.instance), inputs)
    return dg.SensorResult(asset_events=events) if events else dg.SkipReason(reason)


@sensor(
    "changed_inputs",
    assets=(*Stage.PANEL.assets, *Stage.EVIDENCE.assets, *Stage.CANDIDATES.assets),
    seconds=INTERVAL_SECONDS,
    is_on=lambda graph: graph.plan_follows_inputs,
)
def changed_inputs(
    context: dg.SensorEvaluationContext, workspace: Workspace
) -> list[dg.RunRequest] | dg.SkipReason:
    """Compares panel and evidence with what they were made from, by content.

    Stages are renewed in order: the panel, then evidence, then candidates. The rest follows by
    declarative automation.
    """
    ledger = ledger_of(workspace, context.instance)
    if data_version_of(ledger, "routing_candidates")[0] is None:
        return dg.SkipReason("nothing was run here yet: start with `foxml run`, or materialize the assets")
    if reason := why_to_wait(workspace, needs_plan=False):
        return dg.SkipReason(reason)
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
    for run, content, event in changes:
        subject = f"{run.assets[0]}:{content}:"
        request = f"{subject}{event}"
        refused = refusal(ledger.instance, workspace.root, request)
        if refused is None and _asked_for(ledger, run.assets[0]).startswith(subject):
            refused = "it was just made for this content, and is still not of it"
        if refused:
            refusals.append(f"{run.assets[0]}: {refused}. Mend the cause, then: foxml run --until plan")
        else:
            requests.append(run_request(run, ledger.names, {REQUEST_TAG: request, **daemon_tags(workspace)}))
    return requests or dg.SkipReason("; ".join(refusals) or "no input changed")


def _asked_for(ledger: Ledger, asset: str) -> str:
    """What the sensor asked for when it launched the run that made `asset` last; empty if it was not it."""
    record = ledger.instance.get_latest_data_version_record(ledger.names.key(asset), False)
    run = ledger.instance.get_run_by_id(record.run_id) if record else None
    return run.tags.get(REQUEST_TAG, "") if run else ""


def _changes_of(stage: Stage, ledger: Ledger, inputs: RunInputs) -> list[Change]:
    """What of a stage is to be made again; nothing of those that follow by declarative automation."""
    if stage is Stage.PANEL:
        return _changed_panel(ledger)
    if stage is Stage.EVIDENCE:
        return _stale_evidence(ledger, inputs)
    return _changed_candidates(ledger, inputs) if stage is Stage.CANDIDATES else []


def _changed_panel(ledger: Ledger) -> list[Change]:
    current = observed_version(ledger, PANEL_SOURCE)
    known, event = made_from(ledger, "panel", PANEL_SOURCE)
    # A panel that was never made is left to the user's first run.
    if not event or current is None or known == current:
        return []
    return [(StageRun(("panel",)), current, event)]


def _stale_evidence(ledger: Ledger, inputs: RunInputs) -> list[Change]:
    info, config = inputs.panel, inputs.data
    stale = stale_targets(info, config, inputs.layout) if info else ()
    if info is None or not stale:
        return []
    version = content_hash([stale, info.data_hash, config_version(config)])
    _, event = data_version_of(ledger, EVIDENCE_ASSET)
    run = evidence_run(ledger, [spec.name for spec in info.targets], set(stale))
    return [(run, version, event)]


def _changed_candidates(ledger: Ledger, inputs: RunInputs) -> list[Change]:
    known, event = metadata_of(ledger, "routing_candidates", "source_hash")
    current = candidates_source_hash(inputs.layout, inputs.universe)
    panel, _ = data_version_of(ledger, "panel")
    # Also where a new panel left the evidence as it was: the plan waits for candidates that are newer.
    if current == known and panel in (None, made_from(ledger, "routing_candidates", "panel")[0]):
        return []
    return [(StageRun(("routing_candidates",)), f"{current}:{panel}", event)]
