"""Evidence per target. One target can be evaluated alone, or several in one run."""

import logging
from collections.abc import Iterator

import dagster as dg

from foxml_assets.defs.events import output_event
from foxml_assets.defs.metadata import file_link, markdown_table
from foxml_assets.defs.partitions import targets
from foxml_assets.selection.evaluate import EVIDENCE_CODE_VERSION, evaluate_target
from foxml_assets.selection.evidence import TargetEvidence
from foxml_assets.selection.evidence_files import evidence_hash
from foxml_assets.selection.evidence_timing import stopwatch, write_timing
from foxml_assets.selection.panel import load_panel_info
from foxml_assets.workspace import Workspace

_log = logging.getLogger(__name__)


@dg.asset(
    group_name="evidence",
    deps=["panel", "data_config"],
    partitions_def=targets,
    backfill_policy=dg.BackfillPolicy.single_run(),
    output_required=False,
    code_version=EVIDENCE_CODE_VERSION,
    kinds={"lightgbm", "xgboost"},
)
def feature_selections(
    context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
) -> Iterator[dg.AssetMaterialization]:
    """Walk-forward scores, stability and leakage findings of the pooled and the local models."""
    config, layout = workspace.data_config(), workspace.layout
    info = load_panel_info(layout)
    keys = context.partition_keys
    for number, target in enumerate(keys, start=1):
        _log.info("target %d of %d: %s", number, len(keys), target)
        passed = stopwatch()
        evidence = evaluate_target(target, info, config, layout, _log.info)
        write_timing(layout, target, passed())
        yield output_event(
            context,
            target,
            evidence_hash(layout, target),
            _metadata(evidence) | {"folder": file_link(layout.feature_selection(target))},
            inputs=("panel", "data_config"),
        )


def _metadata(evidence: TargetEvidence) -> dict[str, dg.MetadataValue]:
    rows = [
        (
            row.symbol or "(pooled)",
            "" if row.score.value is None else f"{row.score.value:.3f}",
            "" if row.score.se is None else f"{row.score.se:.3f}",
            row.sample_size,
            row.leakage_status.value,
        )
        for row in evidence.rows
    ]
    header = ["symbol", evidence.score_metric.value, "se", "rows", "leakage"]
    return {
        "scores": markdown_table(header, rows),
        "features": dg.MetadataValue.int(len(evidence.features)),
    }
