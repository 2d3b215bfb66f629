"""Whether candidates and plans stand as another run would leave them, so that none is needed.

A run that makes them carries what it makes them from. It counts once it has succeeded, checks included,
while it is the latest of each of its assets.
"""

from functools import cache
from pathlib import Path

import dagster as dg

import foxml_assets
from foxml_assets.core.errors import PlanError
from foxml_assets.core.hashing import content_hash, file_hash
from foxml_assets.defs.assets.events import data_version_of, metadata_of
from foxml_assets.defs.assets.inputs import read_configs
from foxml_assets.defs.checking.artifact_files import FILES, files_hash
from foxml_assets.defs.running.ledger import Ledger
from foxml_assets.defs.running.stage_runs import MODEL_PARTITIONS, StageRun, partition_key
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.routing.candidates.candidates_file import candidates_source_hash
from foxml_assets.stages import Stage
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

_MADE_FROM_TAG = "foxml/made_from"
_STAGES = (Stage.CANDIDATES, Stage.ROUTING, Stage.PLAN)
_ASSETS = tuple(name for stage in _STAGES for name in stage.assets)
# Those with files of their own; views are in the folder of the plan.
_WITH_FILES = ("routing_candidates", "routing_plan", "master_training_plan", "training_plan_diff")


def plan_run(ledger: Ledger, workspace: Workspace, until: Stage) -> tuple[str, StageRun] | None:
    """The run that makes candidates and plans up to `until`, with its title; None if they stand already.

    Raises ConfigError, and EvidenceError for evidence that cannot be read.
    """
    made_from = _made_from(ledger, workspace)
    if until.includes(Stage.PLAN) and _stands(ledger, workspace.layout, made_from):
        return None
    stages = [stage for stage in _STAGES if until.includes(stage)]
    # Nothing is left to be found out between these, and each run costs some 0.3 s.
    assets = tuple(name for stage in stages for name in stage.assets)
    return ", ".join(stage.heading for stage in stages), StageRun(assets, {_MADE_FROM_TAG: made_from})


def _made_from(ledger: Ledger, workspace: Workspace) -> str:
    """Hash of what they are made from: configs, panel, evidence or an imported table, and this code."""
    inputs = workspace.read_inputs()
    configs = {config.name: config.version for config in read_configs(workspace)}
    source = candidates_source_hash(inputs.layout, inputs.universe)
    panel, _ = data_version_of(ledger, "panel")
    return content_hash([configs, source, panel, _code_hash()])


@cache
def _code_hash() -> str:
    """Hash of this package: what another version would make of the same is not known."""
    folder = Path(foxml_assets.__file__).parent
    files = (path for path in folder.rglob("*") if path.suffix in (".py", ".j2", ".json"))
    return content_hash({path.relative_to(folder).as_posix(): file_hash(path) for path in files})


def _stands(ledger: Ledger, layout: Layout, made_from: str) -> bool:
    records = [
        ledger.instance.get_latest_data_version_record(key, False) for key in ledger.names.keys(_ASSETS)
    ]
    run_ids = {record.run_id if record else None for record in records}
    if len(run_ids) > 1 or None in run_ids:
        return False
    (run_id,) = run_ids
    run = ledger.instance.get_run_by_id(run_id or "")
    return (
        run is not None
        and run.status is dg.DagsterRunStatus.SUCCESS
        and run.tags.get(_MADE_FROM_TAG) == made_from
        and all(metadata_of(ledger, name, FILES)[0] == files_hash(layout, name) for name in _WITH_FILES)
        and _are_partitions(ledger, layout)
    )


def _are_partitions(ledger: Ledger, layout: Layout) -> bool:
    """Whether the jobs of the plan are the partitions, and none is left that had to wait for a run."""
    try:
        jobs = load_master_training_plan(layout.master_plan).jobs
    except PlanError:
        return False
    return all(
        set(ledger.instance.get_dynamic_partitions(ledger.names.flat(partition_set)))
        == {partition_key(job) for job in jobs if job.training_type is kind}
        for kind, partition_set in MODEL_PARTITIONS.items()
    )
