"""The panel: validated, sorted and fingerprinted before anything else happens."""

import dagster as dg

from foxml_assets.core.errors import PanelError
from foxml_assets.defs.assets.events import made_from, metadata_of
from foxml_assets.defs.assets.inputs import read_source
from foxml_assets.defs.assets.metadata import file_link, markdown_table
from foxml_assets.defs.checking.artifact_files import FILES, files_hash
from foxml_assets.defs.graph import asset
from foxml_assets.defs.running.ledger import Ledger, ledger_of
from foxml_assets.defs.running.partitions import TARGETS, add_partitions, retire_partitions
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.stages import PANEL_SOURCE
from foxml_assets.workspace import Workspace


@asset("panel", group="inputs", deps=[PANEL_SOURCE], kinds={"parquet"})
def panel(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """Rows of (timestamp, symbol) with features and targets, from real prices or the user's files."""
    config = workspace.data_config()
    info = build_panel(config, workspace.layout)
    names = [spec.name for spec in info.targets]
    ledger = ledger_of(workspace, context.instance)
    add_partitions(ledger, TARGETS, names)
    retire_partitions(ledger, TARGETS, set(names))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(info.data_hash),
        metadata={
            "dagster/row_count": info.n_rows,
            "dagster/column_schema": dg.MetadataValue.table_schema(_schema(info)),
            "targets": markdown_table(
                ["target", "task", "horizon (bars)"],
                [(t.name, t.task_type.value, t.horizon_bars) for t in info.targets],
            ),
            "symbols": len(info.symbols),
            "window": f"{info.start} to {info.end}",
            "file": file_link(workspace.layout.panel),
            FILES: files_hash(workspace.layout, "panel"),
        },
    )


def is_panel_current(ledger: Ledger, workspace: Workspace) -> bool:
    """Whether the panel was made from its source as that is now, and its files are as they were written."""
    try:
        source = read_source(workspace)
    except PanelError:
        return False
    made, _ = made_from(ledger, "panel", PANEL_SOURCE)
    files, _ = metadata_of(ledger, "panel", FILES)
    return made == source.version and files == files_hash(workspace.layout, "panel")


def _schema(info: PanelInfo) -> dg.TableSchema:
    keys = [
        dg.TableColumn(info.time_column, "timestamp", description="key"),
        dg.TableColumn(info.symbol_column, "string", description="key"),
    ]
    features = [dg.TableColumn(name, "float", description="feature") for name in info.features]
    labels = [
        dg.TableColumn(t.name, "float", description=f"target, {t.task_type.value}") for t in info.targets
    ]
    return dg.TableSchema([*keys, *features, *labels])
