"""The code location: `dagster dev -w workspace.yaml` and `dg` load `defs` from here."""

from foxml_assets.defs.build import build_definitions
from foxml_assets.workspace import current_workspace

defs = build_definitions(current_workspace())
