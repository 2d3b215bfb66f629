"""Calls of the command server: the command line, and what a sensor of the root would find."""

import sys
from pathlib import Path

from foxml_assets.defs.running.claims import find_claims
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.ledger import ledger_of
from foxml_assets.defs.running.runs import runs_in_flight
from foxml_assets.stages import STAGE_ASSETS
from foxml_assets.workspace import Workspace

FOXML = "foxml_assets.cli:main"
TICK = "commands_under_fire:tick"


def tick() -> int:
    """Look as the sensors do: 1 if there is a run that they would wait for, or a claim of nobody."""
    root, config_dir = map(Path, sys.argv[1:])
    workspace = Workspace(root, config_dir)
    with open_instance(workspace.dagster_home) as instance:
        runs = runs_in_flight(ledger_of(workspace, instance), root, STAGE_ASSETS)
    sys.stdout.write(f"{runs} {find_claims(root)}\n")
    return 1 if runs or find_claims(root) else 0
