"""Every family there is can be named in the evidence settings, and is tried."""

from pathlib import Path

from small_panels import SMALL_EVIDENCE, parquet_config, silent, small_frame

from foxml_assets.evidence.evaluate import evaluate_target
from foxml_assets.layout import Layout
from foxml_assets.selection.panel import build_panel
from foxml_assets.vocabulary import ModelFamily


def test_all_families_are_tried(tmp_path: Path) -> None:
    small_frame().drop(columns="late").to_parquet(tmp_path / "panel.parquet", index=False)
    names = ", ".join(family.value for family in ModelFamily)
    config = parquet_config(tmp_path / "panel.parquet", evidence=f"{SMALL_EVIDENCE}  families: [{names}]\n")
    layout = Layout(tmp_path / "out")
    info = build_panel(config, layout)
    for target in ("fwd_value_2d", "y_up_2d"):
        evidence = evaluate_target(target, info, config, layout, silent)
        assert all(row.successful_families == tuple(ModelFamily) for row in evidence.rows)
        assert not any(row.failed_families for row in evidence.rows)
