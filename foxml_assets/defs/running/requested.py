"""Runs that a command asks the daemon for, so that pool, priority and the UI's Terminate hold for them too.

A request is a file below the root. It counts while the command that wrote it lives and waits for it.
"""

import uuid
from pathlib import Path

import dagster as dg
import msgspec

from foxml_assets.defs.graph import sensor
from foxml_assets.defs.running.attempts import REQUEST_TAG
from foxml_assets.defs.running.claims import find_claims
from foxml_assets.defs.running.ledger import names_in
from foxml_assets.defs.running.runs import daemon_tags
from foxml_assets.defs.running.stage_runs import StageRun, run_request
from foxml_assets.stages import STAGE_ASSETS
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import refuse_links, remove_file, write_atomic
from foxml_assets.workspace import Workspace

INTERVAL_SECONDS = 2
_FOLDER = ".requests"


class _Request(msgspec.Struct, frozen=True):
    command: str
    assets: tuple[str, ...]
    tags: dict[str, str]
    checks: tuple[tuple[str, str], ...] | None
    keys: tuple[str, ...]
    chosen: tuple[str, ...]
    seconds: float | None


def ask_for(root: Path, run: StageRun, command: str) -> str:
    """Ask the daemon of `root` for `run` in the name of a command's claim. Returns the request's name."""
    name = uuid.uuid4().hex
    request = _Request(command, run.assets, dict(run.tags), run.checks, run.keys, run.chosen, run.seconds)
    write_atomic(_path(root, name), msgspec.json.encode(request))
    return name


def withdraw(root: Path, name: str) -> None:
    """The request was met, or is not to be met any more."""
    remove_file(_path(root, name))


def run_of(instance: dg.DagsterInstance, name: str) -> dg.DagsterRun | None:
    """The run that was launched for a request; None before it was."""
    return next(iter(instance.get_runs(dg.RunsFilter(tags={REQUEST_TAG: name}), limit=1)), None)


@sensor("requested_runs", assets=(*STAGE_ASSETS, "routing_audit"), seconds=INTERVAL_SECONDS)
def requested_runs(
    context: dg.SensorEvaluationContext, workspace: Workspace
) -> list[dg.RunRequest] | dg.SkipReason:
    """Launches what a `foxml` command asks for, once."""
    root = workspace.root
    refuse_links(root / _FOLDER)
    tags = daemon_tags(workspace)
    claims = find_claims(root)
    requests = []
    for path in sorted((root / _FOLDER).glob("*.json")):
        asked = _read(path)
        if asked is None:
            continue
        claim = claims.get(asked.command)
        if claim is None or not claim.is_held:
            remove_file(path)
        # The file stays until its command has seen the run, so a request may be met already.
        elif run_of(context.instance, path.stem) is None:
            run = StageRun(asked.assets, asked.tags, asked.checks, asked.keys, asked.chosen, asked.seconds)
            requests.append(run_request(run, names_in(workspace), {**tags, REQUEST_TAG: path.stem}))
    return requests or dg.SkipReason("no `foxml` command asks for a run")


def _read(path: Path) -> _Request | None:
    """The request in a file; None if its command has withdrawn it by now, or it is none of ours."""
    try:
        return decode_json(path.read_bytes(), _Request)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _path(root: Path, name: str) -> Path:
    return root / _FOLDER / f"{name}.json"
