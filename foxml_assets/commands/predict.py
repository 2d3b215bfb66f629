"""`foxml predict`: what the models of the current plan say on a panel, as one file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from foxml_assets.commands.console import console, make_table, show_progress
from foxml_assets.core.errors import Problem, StorageError
from foxml_assets.core.vocabulary import OutOfSample
from foxml_assets.defs.assets.job_events import with_records
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.ledger import ledger_of
from foxml_assets.panel.files.table_files import row_files
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.serving.predicting import TargetPredictions
from foxml_assets.serving.prediction_file import check_suffix, write_predictions
from foxml_assets.serving.serve_panel import open_predictions
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.workspace import Workspace, current_workspace

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_REASONS = 20


def run_predict(root: Path | None, config_dir: Path | None, panel: Path | OutOfSample, out: Path) -> int:
    """Write the predictions on `panel` to `out`, and print who has none, and why.

    Returns the exit code: 1 if there are no predictions at all, and then `out` is as it was. Raises
    FoxmlError.
    """
    workspace = current_workspace(root, config_dir)
    show_progress()
    # As the root, the file may be reached by a link, and is replaced where it is.
    out = out.resolve()
    check_suffix(out)
    _check_place(out, panel, workspace.layout)
    inputs = workspace.read_inputs()
    context = _with_records(inputs.training_context(), workspace)
    predictions = open_predictions(panel, context, inputs.data.panel.time_unit)
    console.print(predictions.on)
    found = _Found()
    tables = found.counted(predictions.by_target)
    first = next((table for table in tables if len(table)), None)
    if first is not None:
        write_predictions(out, predictions.schema, chain([first], tables))
    _print(found, predictions.plan, out)
    return 0 if found.rows else 1


@dataclass
class _Found:
    """What was predicted so far."""

    rows: int = 0
    pairs: int = 0
    unserved: Counter[str] = field(default_factory=Counter)

    def counted(self, predictions: Iterable[TargetPredictions]) -> "Iterator[pa.Table]":
        """The tables of `predictions`, counted as they pass."""
        for one in predictions:
            self.rows += len(one.table)
            self.pairs += one.pairs
            self.unserved += one.unserved
            yield one.table


def _with_records(context: TrainingContext, workspace: Workspace) -> TrainingContext:
    """`context` with what training recorded in the instance of `workspace`, if there is one."""
    home = workspace.dagster_home
    if not home.is_dir():
        return context
    with open_instance(home) as instance:
        return with_records(context, ledger_of(workspace, instance))


def _check_place(out: Path, panel: Path | OutOfSample, layout: Layout) -> None:
    """Refuse to write over what is read, or where the next run would take it for its own."""
    taken = [layout.panel_dir, layout.metrics, layout.models]
    if not isinstance(panel, OutOfSample):
        taken += [panel.resolve(), *(file.resolve() for file in row_files(str(panel)))]
    for place in taken:
        if out.is_relative_to(place):
            raise StorageError(
                "predictions cannot be written there",
                file=out,
                problems=[Problem("--out", "belongs to the root or to the panel", str(place))],
                fix="name another file",
            )


def _print(found: _Found, plan: MasterPlan, out: Path) -> None:
    plan_hash = plan.metadata.plan_hash[:12]
    console.print(f"{found.rows:,} predictions of {found.pairs:,} pairs by plan {plan_hash}")
    if found.unserved:
        table = make_table("pairs without predictions", "because")
        for reason, pairs in sorted(found.unserved.items(), key=lambda one: (-one[1], one[0]))[:_MAX_REASONS]:
            table.add_row(f"{pairs:,}", reason)
        console.print(table)
    if len(found.unserved) > _MAX_REASONS:
        console.print(f"and {len(found.unserved) - _MAX_REASONS:,} more reasons")
    written = f"Predictions  {out}" if found.rows else f"Nothing is written to {out}"
    console.print(written, soft_wrap=True)
