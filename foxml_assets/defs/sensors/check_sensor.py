"""What the UI shows of candidates and plans is kept in step with the files, whoever changed them.

The sensor makes the checks' findings itself and compares them with the recorded results, because a change
of a file by hand is no event, and a check that shares a run with a plan that fails is skipped with it.
"""

from collections.abc import Sequence

import dagster as dg
import msgspec

from foxml_assets.core.hashing import content_hash
from foxml_assets.defs.checking.catalogue import ARTIFACT_CHECKS
from foxml_assets.defs.checking.check_findings import all_findings, first_words
from foxml_assets.defs.graph import sensor
from foxml_assets.defs.running.attempts import REQUEST_TAG, refusal
from foxml_assets.defs.running.ledger import Ledger, ledger_of
from foxml_assets.defs.running.runs import daemon_tags, describe_runs, runs_in_flight, why_to_wait
from foxml_assets.defs.sensors.input_sensor import INTERVAL_SECONDS
from foxml_assets.stages import Stage
from foxml_assets.storage.tables import find_table
from foxml_assets.workspace import Workspace

ARTIFACT_CHECK_JOB = "artifact_checks"
_CHECKED = (*Stage.CANDIDATES.assets, *Stage.ROUTING.assets, *Stage.PLAN.assets)
# A change is usually followed by a new plan, whose run makes the checks too: half a minute is left for it.
_LOOKS = 6
_MAX_NAMED = 3
_Key = tuple[str, str]


class _Seen(msgspec.Struct, frozen=True):
    """The cursor: the state of the last look, whether all agreed, and for how many looks they did not."""

    state: str
    agreed: bool
    looks: int


@sensor(
    "outdated_checks",
    job=ARTIFACT_CHECK_JOB,
    seconds=INTERVAL_SECONDS,
    is_on=lambda graph: graph.plan_follows_inputs,
)
def outdated_checks(
    context: dg.SensorEvaluationContext, workspace: Workspace
) -> dg.RunRequest | dg.SkipReason:
    """Runs the checks of candidates and plans again where their results are not what they would be now."""
    ledger, root = ledger_of(workspace, context.instance), workspace.root
    if reason := why_to_wait(workspace, needs_plan=True):
        return dg.SkipReason(reason)
    names = ledger.names
    assets, job = set(names.keys(_CHECKED)), names.flat(ARTIFACT_CHECK_JOB)
    runs = [
        run
        for run in runs_in_flight(ledger, root, _CHECKED)
        if run.job_name == job or assets & set(run.asset_selection or ())
    ]
    if runs:
        return dg.SkipReason(f"waiting for {describe_runs(runs)}")
    files, recorded = _files(workspace), _recorded(ledger)
    state = content_hash([files, sorted((*key, words or "") for key, words in recorded.items())])
    seen = _read(context.cursor)
    if seen.state == state and seen.agreed:
        return dg.SkipReason("every check shows what is")
    found = {key: first_words(problems) for key, problems in all_findings(workspace).items()}
    differ = sorted(key for key, words in found.items() if key not in recorded or recorded[key] != words)
    looks = seen.looks + 1 if seen.state == state else 1
    context.update_cursor(msgspec.json.encode(_Seen(state, not differ, looks)).decode())
    if not differ:
        return dg.SkipReason("every check shows what is")
    if looks < _LOOKS:
        return dg.SkipReason(f"{_named(differ)} to be checked again, if no new plan comes before")
    # The same files are the same request, so that checks that end in vain are not launched for ever.
    request = f"{ARTIFACT_CHECK_JOB}:{content_hash(files)}"
    refused = refusal(ledger.instance, root, request)
    if refused:
        return dg.SkipReason(f"{_named(differ)} to be checked again, but {refused}: foxml check")
    return dg.RunRequest(tags={REQUEST_TAG: request, **daemon_tags(workspace)})


def _recorded(ledger: Ledger) -> dict[_Key, str | None]:
    """What the latest result of each check says, None where it passed; without those that never ended."""
    names, storage = ledger.names, ledger.instance.event_log_storage
    keys = [check.key(names) for check in ARTIFACT_CHECKS]
    found: dict[_Key, str | None] = {}
    for key, record in storage.get_latest_asset_check_execution_by_key(keys).items():
        event = record.event.dagster_event if record.event else None
        if event is not None and event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found[names.asset(key.asset_key), key.name] = event.asset_check_evaluation_data.description
    return found


def _files(workspace: Workspace) -> list[tuple[str, int, int]]:
    """The files behind the checks, each with its moment and size."""
    layout = workspace.layout
    paths = [workspace.data_config_file, workspace.routing_config_file, workspace.training_config_file]
    paths += [layout.panel_info, find_table(layout.routing_candidates) or layout.routing_candidates]
    paths += sorted(layout.routing_plan_dir.rglob("*")) + sorted(layout.training_plan_dir.rglob("*"))
    present = [(path, path.stat()) for path in paths if path.is_file()]
    return [(str(path), status.st_mtime_ns, status.st_size) for path, status in present]


def _read(cursor: str | None) -> _Seen:
    """What the last look left; nothing for the first, and for one of another version of this sensor."""
    try:
        return msgspec.json.decode(cursor or "", type=_Seen)
    except msgspec.DecodeError:
        return _Seen("", agreed=False, looks=0)


def _named(keys: Sequence[_Key]) -> str:
    names = [f"{name} of {asset}" for asset, name in keys[:_MAX_NAMED]]
    more = [f"{len(keys) - _MAX_NAMED} more"] if len(keys) > _MAX_NAMED else []
    return ", ".join(names + more)
