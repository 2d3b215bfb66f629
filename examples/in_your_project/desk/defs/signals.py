"""The desk's own asset, downstream of the routing: what its models predict for the latest day."""

from pathlib import Path

import dagster as dg

from desk.defs.features import PANEL
from foxml_assets.api import predict

PROJECT = Path(__file__).parents[2]
SIGNALS = PROJECT / "data" / "signals.parquet"


@dg.asset(group_name="desk", deps=[dg.AssetKey(["routing", "training_report"])], kinds={"parquet"})
def signals() -> dg.MaterializeResult[None]:
    """One row per target and symbol that has a model."""
    found = predict(PANEL, root=PROJECT / "output" / "routing", config_dir=Path(__file__).parent / "routing")
    latest = found.frame[found.frame["timestamp"] == found.frame["timestamp"].max()]
    latest.to_parquet(SIGNALS, index=False)
    return dg.MaterializeResult(metadata={"dagster/row_count": len(latest), "unserved": found.unserved})
