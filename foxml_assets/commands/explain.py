"""`foxml explain`: why a pair has its route, and what would change it."""

from pathlib import Path

from rich.text import Text

from foxml_assets.commands.console import console, make_table
from foxml_assets.routing.pages.explanation import (
    HEADER,
    explain,
    explanation_lines,
    explanation_rows,
    row_cells,
)
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.workspace import current_workspace

_STYLES = {"pass": "green", "fail": "red"}


def print_explanation(root: Path | None, config_dir: Path | None, target: str, symbol: str | None) -> int:
    """Print the trace of one decision. Returns 0. Raises RoutingPlanError for an unknown pair."""
    plan = read_routing_plan(current_workspace(root, config_dir).layout)
    explanation = explain(plan, target, symbol)
    first, *rest = explanation_lines(explanation)
    console.print(Text(first, style="bold"))
    for line in rest:
        console.print(Text(line))
    table = make_table(*HEADER)
    for row in explanation_rows(explanation):
        *cells, result = row_cells(row)
        table.add_row(*map(Text, cells), Text(result, style=_STYLES.get(row.result, "")))
    console.print(table)
    return 0
