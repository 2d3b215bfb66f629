"""`foxml check`: every asset check, recorded in the instance, with an exit code and reports for CI."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from rich.text import Text

from foxml_assets.commands.console import console, make_table, print_bytes
from foxml_assets.commands.running.launch import open_launcher
from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.printable import printable
from foxml_assets.storage.files import storage_errors, write_atomic
from foxml_assets.workspace import current_workspace


@dataclass(frozen=True)
class CheckOutcome:
    """One asset check. `result` is passed, warning or failed; `said` is empty where nothing was found."""

    asset: str
    check: str
    result: str
    said: str


def run_checks(
    root: Path | None, config_dir: Path | None, *, deep: bool, as_json: bool, junit: Path | None
) -> int:
    """Run all checks and print them, to `junit` too. Returns 0 if all passed, else 1.

    `deep`: every model file is read, also those that look untouched. Raises ConfigError, and StorageError
    where `junit` cannot be written.
    """
    workspace = current_workspace(root, config_dir)
    workspace.check_configs()
    with open_launcher(workspace) as launcher:
        evaluations = launcher.check(deep=deep).get_asset_check_evaluations()
    outcomes = sorted(map(_outcome, evaluations), key=lambda one: (one.asset, one.check))
    if junit is not None:
        with storage_errors(junit):
            write_atomic(junit.absolute(), junit_report(outcomes))
    if as_json:
        print_bytes(canonical_json(outcomes))
    else:
        _print(outcomes)
    return 1 if any(one.result != "passed" for one in outcomes) else 0


def junit_report(outcomes: Sequence[CheckOutcome]) -> bytes:
    """The outcomes in the XML of JUnit, which CI servers show; a warning is a failure of that type."""
    failed = sum(one.result != "passed" for one in outcomes)
    suite = ET.Element("testsuite", name="foxml check", tests=str(len(outcomes)), failures=str(failed))
    for one in outcomes:
        case = ET.SubElement(suite, "testcase", classname=one.asset, name=one.check)
        if one.result != "passed":
            # XML knows no control characters, not even escaped.
            said = printable(one.said)
            failure = ET.SubElement(case, "failure", type=one.result, message=said.partition("\n")[0])
            failure.text = said
    ET.indent(suite)
    written: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _outcome(evaluation: dg.AssetCheckEvaluation) -> CheckOutcome:
    is_warning = evaluation.severity is dg.AssetCheckSeverity.WARN
    result = "passed" if evaluation.passed else "warning" if is_warning else "failed"
    said = "" if evaluation.passed else evaluation.description or ""
    return CheckOutcome(evaluation.asset_key.to_user_string(), evaluation.check_name, result, said)


def _print(outcomes: Sequence[CheckOutcome]) -> None:
    styles = {"passed": "green", "warning": "yellow", "failed": "red"}
    table = make_table("asset", "check", "result", names=2)
    for one in outcomes:
        table.add_row(one.asset, one.check, Text(one.result, style=styles[one.result]))
    console.print(table)
    failed = [one for one in outcomes if one.result != "passed"]
    for one in failed:
        # Below the table and never broken: beside it there is no room for a path.
        first_line = one.said.partition("\n")[0]
        console.print(Text(f"{one.asset}, {one.check}: {first_line}"), soft_wrap=True)
    console.print(f"{len(outcomes) - len(failed)} of {len(outcomes)} checks passed")
