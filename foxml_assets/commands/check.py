"""`foxml check`: every asset check, recorded in the instance, with an exit code for CI."""

from pathlib import Path

import dagster as dg
from rich.text import Text

from foxml_assets.commands.console import console, make_table
from foxml_assets.commands.launch import open_launcher
from foxml_assets.workspace import current_workspace


def run_checks(root: Path | None, config_dir: Path | None, *, deep: bool = False) -> int:
    """Run all checks, with `deep` on every file of the models, and print them.

    Returns 0 if all passed, else 1. Raises ConfigError.
    """
    workspace = current_workspace(root, config_dir)
    workspace.check_configs()
    with open_launcher(workspace) as launcher:
        evaluations = launcher.check(deep=deep).get_asset_check_evaluations()
    ordered = sorted(evaluations, key=lambda one: (one.asset_key.to_user_string(), one.check_name))
    table = make_table("asset", "check", "result", names=2)
    for one in ordered:
        table.add_row(one.asset_key.to_user_string(), one.check_name, _verdict(one))
    console.print(table)
    failed = [one for one in ordered if not one.passed]
    for one in failed:
        # Below the table and never broken: beside it there is no room for a path.
        name = f"{one.asset_key.to_user_string()}, {one.check_name}"
        first_line = (one.description or "").partition("\n")[0]
        console.print(Text(f"{name}: {first_line}"), soft_wrap=True)
    console.print(f"{len(evaluations) - len(failed)} of {len(evaluations)} checks passed")
    return 1 if failed else 0


def _verdict(evaluation: dg.AssetCheckEvaluation) -> Text:
    if evaluation.passed:
        return Text("passed", style="green")
    is_warning = evaluation.severity is dg.AssetCheckSeverity.WARN
    return Text("warning", style="yellow") if is_warning else Text("failed", style="red")
