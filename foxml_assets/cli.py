"""The console command `foxml`. Exit codes: 0 done, 1 error, 2 as a command's help says, 130 interrupted."""

import gc
import logging
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from foxml_assets.commands.options import ConfigDir, Format, MaxJobs, MaxMinutes, Root, Symbols, Targets
from foxml_assets.core.errors import FoxmlError
from foxml_assets.stages import Stage

app = typer.Typer(
    name="foxml",
    help="Decide, plan and train models per (target, symbol) pair.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# typer carries its own copy of click and exports only the leaves of the tree of errors.
_UsageError: type[typer.BadParameter] = typer.BadParameter.__bases__[0]

# As of a process that SIGINT has ended.
INTERRUPTED = 130
# New objects from which on Python looks for cycles. Imports make many that stay: by default, looking through
# them is a tenth of what a short command takes.
_COLLECT_AFTER = 50_000


def main() -> None:
    """Run the command line. An expected error, a wrong usage too, ends with its message and exit code 1."""
    _require_utf8()
    gc.set_threshold(_COLLECT_AFTER)
    from foxml_assets.commands.console import error_console, never_fail_to_encode

    never_fail_to_encode(sys.stdout, sys.stderr)
    # A Ctrl-C that meets it closing a connection would be logged with its traceback, and is raised anyway.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        # typer has turned a Ctrl-C into its exit code.
        if code == INTERRUPTED:
            raise KeyboardInterrupt
    except _UsageError as error:
        error_console.print(f"{error.format_message()}\nTry: foxml --help", soft_wrap=True)
        code = 1
    except _interrupts():
        again = shlex.join(["foxml", *sys.argv[1:]])
        error_console.print(f"Interrupted; what was finished is kept. Go on: {again}", soft_wrap=True)
        code = INTERRUPTED
    except (FoxmlError, OSError) as error:
        # An OSError names its file and cause itself: no such folder, disk full, read-only.
        error_console.print(str(error), style="red", soft_wrap=True)
        code = 1
    sys.exit(code)


def _require_utf8() -> None:
    """Start again in UTF-8 mode where the locale is another: names of files could not be hashed or shown."""
    if sys.getfilesystemencoding() != "utf-8":
        arguments = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, "PYTHONUTF8": "1"})  # noqa: S606


def _interrupts() -> tuple[type[BaseException], ...]:
    """Ctrl-C as Python, typer and, where a command has imported it, Dagster raise it."""
    dagster = sys.modules.get("dagster")
    return (KeyboardInterrupt, typer.Abort, *((dagster.DagsterExecutionInterruptedError,) if dagster else ()))


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"foxml-assets {version('foxml-assets')}")
        raise typer.Exit


@app.callback()
def everything(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Decide, plan and train models per (target, symbol) pair."""


@app.command()
def demo(root: Root = None, config_dir: ConfigDir = None) -> int:
    """Run everything on the demo panel. It holds 20 stocks, 1990-2022."""
    from foxml_assets.commands.running.run import run_demo

    return run_demo(root, config_dir)


@app.command()
def init(
    panel: Annotated[str, typer.Argument(help="File, folder or glob of Parquet or CSV in long format.")],
    time_column: Annotated[str | None, typer.Option(help="Column of times, if it is not found.")] = None,
    symbol_column: Annotated[str | None, typer.Option(help="Column of instruments, if not found.")] = None,
    target: Annotated[list[str] | None, typer.Option(help="Label column or glob; may be repeated.")] = None,
    root: Root = None,
    config_dir: ConfigDir = None,
) -> int:
    """Look at a panel and write the config files for it. Says what was guessed and what could not be."""
    from foxml_assets.commands.setup.init import write_configs
    from foxml_assets.panel.guess import Wish

    return write_configs(root, config_dir, panel, Wish(time_column, symbol_column, tuple(target or ())))


@app.command()
def run(
    root: Root = None,
    config_dir: ConfigDir = None,
    until: Annotated[Stage, typer.Option(help="The last stage to run.")] = Stage.TRAINING,
    max_jobs: MaxJobs = None,
    max_minutes: MaxMinutes = None,
    target: Targets = None,
    symbol: Symbols = None,
) -> int:
    """Run the pipeline. Panel, evidence, candidates, routing, plan, training: what is done stays done."""
    from foxml_assets.commands.running.run import run_pipeline
    from foxml_assets.training.budget import Budget

    budget = Budget(max_jobs, max_minutes, tuple(target or ()), tuple(symbol or ()))
    if budget.is_limited and until is not Stage.TRAINING:
        raise typer.BadParameter("only training can be limited")
    return run_pipeline(root, config_dir, until=until, budget=budget)


@app.command()
def train(
    root: Root = None,
    config_dir: ConfigDir = None,
    max_jobs: MaxJobs = None,
    max_minutes: MaxMinutes = None,
    target: Targets = None,
    symbol: Symbols = None,
) -> int:
    """Train what is pending of the current plan. Nothing else is trained."""
    from foxml_assets.commands.running.run import run_training
    from foxml_assets.training.budget import Budget

    budget = Budget(max_jobs, max_minutes, tuple(target or ()), tuple(symbol or ()))
    return run_training(root, config_dir, budget=budget)


@app.command()
def predict(
    out: Annotated[Path, typer.Option("--out", help="The .parquet or .csv file to write.")],
    panel: Annotated[
        Path | None, typer.Argument(help="Parquet or CSV file, folder or glob; it needs no labels.")
    ] = None,
    holdout: Annotated[
        bool, typer.Option("--holdout", help="On the hold-out of the panel that was trained on.")
    ] = False,
    oof: Annotated[
        bool, typer.Option("--oof", help="Before it: out of fold, by the models that screen.")
    ] = False,
    root: Root = None,
    config_dir: ConfigDir = None,
) -> int:
    """Write what the current models predict. On a panel, or on rows of their own that they have not seen."""
    from foxml_assets.commands.predict import run_predict
    from foxml_assets.core.vocabulary import OutOfSample

    asked = [panel, holdout and OutOfSample.HOLDOUT, oof and OutOfSample.OUT_OF_FOLD]
    given = [one for one in asked if one]
    if len(given) != 1:
        raise typer.BadParameter("give one of PANEL, --holdout and --oof")
    return run_predict(root, config_dir, given[0], out)


@app.command()
def dev(
    root: Root = None,
    config_dir: ConfigDir = None,
    port: Annotated[int, typer.Option(help="Port of the UI.")] = 3000,
    host: Annotated[str, typer.Option(help="IP address that the UI listens on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Allow an address that other machines can reach, by password."),
    ] = False,
) -> int:
    """Start the Dagster UI and daemon. They listen on 127.0.0.1 unless told otherwise."""
    from foxml_assets.commands.web.dev import run_dev

    return run_dev(root, config_dir, host=host, port=port, allow_remote=allow_remote)


@app.command()
def check(
    root: Root = None,
    config_dir: ConfigDir = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every model file, also those that look untouched.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write them there too, as CI servers read it.")] = None,
) -> int:
    """Run every asset check. Exit code 1 if any fails: call this in CI."""
    from foxml_assets.commands.check import run_checks

    return run_checks(root, config_dir, deep=deep, as_json=as_json, junit=junit)


@app.command()
def doctor(root: Root = None, config_dir: ConfigDir = None) -> int:
    """Look at everything that a run needs. Exit code 1 if something stands in the way, with the mend."""
    from foxml_assets.commands.setup.doctor import run_doctor

    return run_doctor(root, config_dir)


Output = Annotated[Format, typer.Option("--format", help="How to print it.")]
Age = Annotated[str, typer.Option("--older-than", help="Time since they left the plan: 12h, 30d, 8w.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print them and delete nothing.")]


@app.command()
def status(root: Root = None, config_dir: ConfigDir = None) -> int:
    """Show what is planned, trained, stale, failed, and why."""
    from foxml_assets.commands.status import print_status

    return print_status(root, config_dir)


@app.command()
def prune(older_than: Age, dry_run: DryRun = False, root: Root = None, config_dir: ConfigDir = None) -> int:
    """Delete models that left the plan long ago. Nothing else ever deletes one."""
    from foxml_assets.commands.prune import run_prune

    return run_prune(root, config_dir, older_than, is_rehearsal=dry_run)


@app.command()
def audit(
    root: Root = None,
    config_dir: ConfigDir = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="First train the models that are missing for the comparison.")
    ] = False,
    form: Output = Format.TABLE,
) -> int:
    """Show what the plan earns and costs. On the hold-out, against training everything."""
    from foxml_assets.commands.audit import run_audit

    return run_audit(root, config_dir, form, baselines=baselines)


@app.command()
def validate(root: Root = None, config_dir: ConfigDir = None, form: Output = Format.TABLE) -> int:
    """Check the plan against all it must agree with. Exit code 1 if anything fails."""
    from foxml_assets.commands.plans import print_validation

    return print_validation(root, config_dir, form)


@app.command()
def diff(
    old: Annotated[str | None, typer.Argument(help="Plan hash or file; default: the parent of NEW.")] = None,
    new: Annotated[str | None, typer.Argument(help="Plan hash or file; default: the current plan.")] = None,
    root: Root = None,
    config_dir: ConfigDir = None,
    form: Output = Format.TABLE,
) -> int:
    """Show what changed between two plans, and why. Exit code 0 without changes, 2 with, 1 on error."""
    from foxml_assets.commands.plans import print_diff

    return print_diff(root, config_dir, old, new, form)


@app.command()
def plan(
    config: Annotated[
        Path | None, typer.Option(help="A routing policy to try instead of the current.")
    ] = None,
    candidates: Annotated[Path | None, typer.Option(help="Candidates to try instead of the current.")] = None,
    root: Root = None,
    config_dir: ConfigDir = None,
    form: Output = Format.TABLE,
) -> int:
    """Preview the plan that would be made. Exit code 0: no change, 2: changes, 1: error."""
    from foxml_assets.commands.plans import print_preview

    return print_preview(root, config_dir, config, candidates, form)


@app.command()
def explain(
    target: str,
    symbol: Annotated[str | None, typer.Argument(help="Without it: the target's pooled model.")] = None,
    root: Root = None,
    config_dir: ConfigDir = None,
) -> int:
    """Show why a pair has its route. And what would have to change for a better one."""
    from foxml_assets.commands.explain import print_explanation

    return print_explanation(root, config_dir, target, symbol)


@app.command("import-foxml")
def import_foxml(path: Path, root: Root = None, config_dir: ConfigDir = None) -> int:
    """Import the metrics of a FoxML run. They stand in for the evidence."""
    from foxml_assets.commands.setup.imports import import_run

    return import_run(root, config_dir, path)


@app.command("import-candidates")
def import_candidates(path: Path, root: Root = None, config_dir: ConfigDir = None) -> int:
    """Import a Parquet or CSV table of metrics. It stands in for the evidence."""
    from foxml_assets.commands.setup.imports import import_table

    return import_table(root, config_dir, path)


@app.command("drop-import")
def forget_import(root: Root = None, config_dir: ConfigDir = None) -> int:
    """Forget what was imported. The evidence counts again."""
    from foxml_assets.commands.setup.imports import drop_import

    return drop_import(root, config_dir)
