"""The options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a command prints what it found."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        help="Folder of METRICS, MODELS and the Dagster instance [env: FOXML_ROOT; default: output].",
    ),
]
ConfigDir = Annotated[
    Path | None,
    typer.Option("--config-dir", help="Folder of the config files [env: FOXML_CONFIG_DIR; default: config]."),
]

MaxJobs = Annotated[
    int | None,
    typer.Option("--max-jobs", min=1, help="Train at most so many jobs, of the highest priorities."),
]
MaxMinutes = Annotated[
    float | None, typer.Option("--max-minutes", min=0, help="Begin no job after so many minutes of training.")
]
Targets = Annotated[
    list[str] | None, typer.Option("--target", help="Train jobs of these targets only; a name or a pattern.")
]
Symbols = Annotated[
    list[str] | None,
    typer.Option("--symbol", help="Train models of these symbols alone only; a name or a pattern."),
]
