"""Evidence per target. One target can be evaluated alone, or several in one run."""

import logging
from collections.abc import Iterator

import dagster as dg

from foxml_assets.defs.assets.events import output_event
from foxml_assets.defs.assets.metadata import file_link, picture
from foxml_assets.defs.graph import asset
from foxml_assets.defs.running.ledger import Names, names_in
from foxml_assets.defs.running.partitions import TARGETS
from foxml_assets.defs.running.stage_runs import MeantFor, check_range
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.evaluating.stale import EVIDENCE_CODE_VERSION, stale_targets
from foxml_assets.evidence.evidence_files import evidence_hash, read_evidence, read_findings, read_importances
from foxml_assets.evidence.pages import evidence_page, leading_findings
from foxml_assets.evidence.profile_picture import profile_picture
from foxml_assets.evidence.target_evidence import TargetEvidence
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

_log = logging.getLogger(__name__)


@asset(
    "feature_selections",
    group="evidence",
    deps=["panel", "data_config"],
    partition_set=TARGETS,
    config=MeantFor,
    backfill_policy=dg.BackfillPolicy.single_run(),
    # Each partition's event is reported by hand, so the step as a whole has none.
    output_required=False,
    code_version=EVIDENCE_CODE_VERSION,
    kinds={"lightgbm"},
)
def feature_selections(
    context: dg.AssetExecutionContext, workspace: Workspace, config: MeantFor
) -> Iterator[dg.AssetMaterialization]:
    """Walk-forward scores, stability and leakage findings of the pooled and the local models."""
    is_batch = check_range(context, config)
    inputs, names = workspace.read_inputs(), names_in(workspace)
    settings, layout, info = inputs.data, inputs.layout, inputs.require_panel()
    asked = context.partition_keys
    if is_batch:
        stale = stale_targets(info, settings, layout)
        known = {spec.name for spec in info.targets}
        for target in (key for key in asked if key in known.difference(stale)):
            _log.info("%s: skipped, its evidence is current", target)
            yield _event(context, names, read_evidence(layout, target), layout)
        asked = [key for key in asked if key in stale]
    engine, store = inputs.training.engine, inputs.training.storage.panel_store
    for evidence in evaluate_targets(asked, info, settings, layout, _log.info, engine, store):
        yield _event(context, names, evidence, layout)


def _event(
    context: dg.AssetExecutionContext, names: Names, evidence: TargetEvidence, layout: Layout
) -> dg.AssetMaterialization:
    version = evidence_hash(layout, evidence.target)
    shown = _metadata(evidence, layout)
    made, observed = ("panel",), ("data_config",)
    return output_event(context, names, evidence.target, version, shown, made=made, observed=observed)


def _metadata(evidence: TargetEvidence, layout: Layout) -> dict[str, dg.MetadataValue]:
    target = evidence.target
    findings = read_findings(layout, target)
    page = evidence_page(evidence, findings, read_importances(layout, target))
    profiles: dict[str, dg.MetadataValue] = {}
    if page.profiles:
        drawn = picture(profile_picture(leading_findings(findings)), "Skill by lag")
        profiles = {"lag profile": dg.MetadataValue.md(page.profiles), "lag profile, drawn": drawn}
    return {
        "verdict": dg.MetadataValue.text(page.verdict),
        "leakage": dg.MetadataValue.md(page.leakage),
        **profiles,
        "pooled model": dg.MetadataValue.md(page.pooled),
        "symbols": dg.MetadataValue.md(page.symbols),
        "importances": dg.MetadataValue.md(page.importances),
        "features": dg.MetadataValue.int(len(evidence.features)),
        "folder": file_link(layout.feature_selection(target)),
    }
