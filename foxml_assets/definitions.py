"""The code location: `dagster dev -w workspace.yaml` and `dg` load what `project` declares from here."""

import warnings
from pathlib import Path

import dagster as dg

from foxml_assets import project

# That a part of Dagster is new is nothing that whoever runs this can mend; each process of `foxml dev` would
# say it a hundred times, and Dagster goes on to say it after this module is loaded.
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.simplefilter("ignore", _category)
# `load_from_defs_folder` would find the pyproject.toml of whoever has installed this package.
_TREE = dg.ComponentTree.from_module(project, Path(__file__).parents[1])
# A step in a process of its own would cost five seconds of imports.
defs = dg.Definitions.merge(_TREE.build_defs(), dg.Definitions(executor=dg.in_process_executor))
