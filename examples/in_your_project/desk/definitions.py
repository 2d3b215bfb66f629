"""The code location of the desk: all that stands below `defs`."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """What `dg` and the Dagster UI show."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
