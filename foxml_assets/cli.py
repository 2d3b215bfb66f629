"""The console command `foxml`. Exit codes: 0 done, 1 error, 2 as a command says in its help."""

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from foxml_assets.errors import FoxmlError
from foxml_assets.stages import Stage

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


def main() -> None:
    """Run the command line; an expected error ends with its message and exit code 1."""
    # Dagster announces the beta status of each parameter we rely on at every start.
    warnings.filterwarnings("ignore", message="Parameter `backfill_policy`")
    try:
        app()
    except FoxmlError as error:
        typer.secho(str(error), err=True, fg="red")
        sys.exit(1)


@app.command()
def demo(root: Root = None, config_dir: ConfigDir = None) -> None:
    """Run everything on the demo panel (20 stocks, 1990-2022) and report."""
    from foxml_assets.commands.run import run_demo

    sys.exit(run_demo(root, config_dir))


@app.command()
def run(
    root: Root = None,
    config_dir: ConfigDir = None,
    until: Annotated[Stage, typer.Option(help="The last stage to run.")] = Stage.TRAINING,
) -> None:
    """Run the pipeline: panel, evidence, candidates, routing, plan, training. What is done stays done."""
    from foxml_assets.commands.run import run_pipeline

    sys.exit(run_pipeline(root, config_dir, until=until))


@app.command()
def train(root: Root = None, config_dir: ConfigDir = None) -> None:
    """Train the jobs of the current plan that are not trained yet, and nothing else."""
    from foxml_assets.commands.run import run_training

    sys.exit(run_training(root, config_dir))


@app.command()
def dev(
    root: Root = None,
    config_dir: ConfigDir = None,
    port: Annotated[int, typer.Option(help="Port of the UI on 127.0.0.1.")] = 3000,
) -> None:
    """Start the Dagster UI and daemon on 127.0.0.1 over the same instance."""
    from foxml_assets.commands.dev import run_dev

    sys.exit(run_dev(root, config_dir, port=port))


@app.command()
def check(root: Root = None, config_dir: ConfigDir = None) -> None:
    """Run every asset check. Exit code 1 if any fails: call this in CI."""
    from foxml_assets.commands.check import run_checks

    sys.exit(run_checks(root, config_dir))
