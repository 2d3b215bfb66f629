"""The checks of the models are made when models or the plan have changed and no report brings them.

A training that was launched in the UI makes none: they would look at all models after each batch, and Dagster
skips them behind an asset whose events are reported by hand.
"""

import time
from collections.abc import Iterator

import dagster as dg

from foxml_assets.defs.checking.catalogue import model_checks_of
from foxml_assets.defs.graph import sensor
from foxml_assets.defs.running.attempts import REQUEST_TAG, refusal
from foxml_assets.defs.running.ledger import Ledger, ledger_of
from foxml_assets.defs.running.runs import daemon_tags, describe_runs, runs_in_flight, why_to_wait
from foxml_assets.defs.running.stage_runs import MODEL_ASSETS
from foxml_assets.defs.sensors.input_sensor import INTERVAL_SECONDS
from foxml_assets.stages import STAGE_ASSETS
from foxml_assets.workspace import Workspace

MODEL_CHECK_JOB = "model_checks"
# The next batch, or the report with the same checks, usually follows sooner.
SETTLED_SECONDS = 30.0


@sensor(
    "unchecked_models",
    job=MODEL_CHECK_JOB,
    seconds=INTERVAL_SECONDS,
    is_on=lambda graph: graph.plan_follows_inputs,
)
def unchecked_models(
    context: dg.SensorEvaluationContext, workspace: Workspace
) -> dg.RunRequest | dg.SkipReason:
    """Runs the checks of models that are older than models or plan, when no report is to be expected."""
    ledger, root = ledger_of(workspace, context.instance), workspace.root
    if reason := why_to_wait(workspace, needs_plan=True):
        return dg.SkipReason(reason)
    planned = workspace.layout.master_plan.stat().st_mtime
    changes = _changes(ledger, planned)
    due = {asset: changed for asset, changed in changes if _checked(ledger, asset) < changed}
    if not due:
        return dg.SkipReason("the models were checked as they are")
    runs = runs_in_flight(ledger, root, STAGE_ASSETS)
    if runs:
        return dg.SkipReason(f"waiting for {describe_runs(runs)}")
    named, latest = " and ".join(due), max(due.values())
    if time.time() - latest < SETTLED_SECONDS:
        return dg.SkipReason(f"{named} to be checked, if no report comes before")
    # The same change is the same request, so that checks that end in vain are not launched for ever.
    request = f"{MODEL_CHECK_JOB}:{latest}"
    refused = refusal(ledger.instance, root, request)
    if refused:
        return dg.SkipReason(f"{named} to be checked, but {refused}: foxml check")
    keys = [check.key(ledger.names) for asset in due for check in model_checks_of(asset)]
    return dg.RunRequest(asset_check_keys=keys, tags={REQUEST_TAG: request, **daemon_tags(workspace)})


def _changes(ledger: Ledger, planned: float) -> Iterator[tuple[str, float]]:
    """The assets that have models, and when one was last reported or the plan written, whichever is later."""
    names = {ledger.names.key(asset): asset for asset in MODEL_ASSETS.values()}
    for record in ledger.instance.get_asset_records(list(names)):
        made = record.asset_entry.last_materialization_record
        if made is not None:
            yield names[record.asset_entry.asset_key], max(made.timestamp, planned)


def _checked(ledger: Ledger, asset: str) -> float:
    """When the run was asked for that made the oldest of the latest results; 0 if a check has none.

    A run may look at the models at any time from then on.
    """
    keys = [check.key(ledger.names) for check in model_checks_of(asset)]
    storage = ledger.instance.event_log_storage
    latest = storage.get_latest_asset_check_execution_by_key(keys)
    asked = [
        record.create_timestamp
        for record in latest.values()
        if (event := record.event and record.event.dagster_event) is not None
        and event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    return min(asked) if len(asked) == len(keys) else 0.0
