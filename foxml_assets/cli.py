"""The console command `foxml`. Exit codes: 0 done, 1 error, 2 as a command says in its help."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from foxml_assets.errors import FoxmlError

app = typer.Typer(
    name="foxml",
    help="Decide, plan and train models per (target, symbol) pair.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

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


class Stage(StrEnum):
    """Where `foxml run` may stop."""

    EVIDENCE = "evidence"
    CANDIDATES = "candidates"
    ROUTING = "routing"
    PLAN = "plan"
    TRAINING = "training"


def main() -> None:
    """Run the command line; an expected error ends with its message and exit code 1."""
    try:
        app()
    except FoxmlError as error:
        typer.secho(str(error), err=True, fg="red")
        sys.exit(1)


@app.command()
def demo(root: Root = None, config_dir: ConfigDir = None) -> None:
    """Run everything on the demo panel (20 stocks, 1990-2022) and report."""
    from foxml_assets.commands.run import run_pipeline

    sys.exit(run_pipeline(root, config_dir, until=Stage.TRAINING.value, is_demo=True))


@app.command()
def run(
    root: Root = None,
    config_dir: ConfigDir = None,
    until: Annotated[Stage, typer.Option(help="The last stage to run.")] = Stage.TRAINING,
) -> None:
    """Run the pipeline: panel, evidence, candidates, routing, plan, training. What is done stays done."""
    from foxml_assets.commands.run import run_pipeline

    sys.exit(run_pipeline(root, config_dir, until=until.value))
