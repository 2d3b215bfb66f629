"""What an asset reads is what it declares: a backfill of everything runs in an order that holds."""

from collections.abc import Sequence

import pytest
from recording import MODELS, PATHS, RecordingWorkspace, paths_of_layout
from shell_world import Shell

from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.running.stage_runs import QUIET, StageRun, evidence_run, partition_key
from foxml_assets.panel.panel_store import load_panel_info
from foxml_assets.stages import Stage

# The models read configs, panel and plans too, but depend on their jobs alone: a job's version is the hash
# of all that decides its models, so that a model is stale only if its own job is another.
BY_THEIR_JOBS = ("cross_sectional_models", "symbol_models")
# The version of the source is a hash of the part of the settings that the panel reads.
BY_ITS_SOURCE = {"panel": {"data_config"}}
# Where targets are evaluated: the engine, and the store of the panel, change no byte of what is found.
WHERE = {"training_config"}


def read_and_declared(shell: Shell, run: StageRun) -> tuple[set[str], set[str]]:
    """What the assets of `run` read but for their own artifacts, and what they declare."""
    workspace = RecordingWorkspace(shell.workspace.root, shell.workspace.config_dir)
    definitions = build_definitions(workspace, checks=False)
    workspace.seen.clear()
    keys = shell.ledger.names.keys(run.assets)
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=shell.instance,
        asset_selection=keys,
        tags=run.tags,
        run_config={**QUIET, **run.config(shell.ledger.names)},
        raise_on_error=False,
    )
    assert result.success
    nodes = definitions.resolve_asset_graph()
    declared = {key.to_user_string() for own in keys for key in nodes.get(own).parent_keys}
    return workspace.seen.difference(run.assets), declared.difference(run.assets)


def test_the_recorder_knows_every_path_of_a_layout() -> None:
    assert paths_of_layout() == set(PATHS)


@pytest.mark.parametrize(
    "assets",
    [
        ("panel",),
        ("routing_candidates",),
        ("routing_plan",),
        Stage.PLAN.assets[:-1],
        ("training_plan_diff",),
        ("routing_audit",),
        ("training_report",),
    ],
    ids=lambda assets: assets[0],
)
def test_what_an_asset_reads_it_declares(shell: Shell, assets: Sequence[str]) -> None:
    read, declared = read_and_declared(shell, StageRun(tuple(assets)))
    # To put aside the models of what left the plan is no reading: no plan depends on what is trained.
    put_aside = set(MODELS) if assets == Stage.PLAN.assets[:-1] else set()
    assert read - put_aside - BY_ITS_SOURCE.get(assets[0], set()) <= declared


def test_what_the_evidence_reads_it_declares(shell: Shell) -> None:
    target = load_panel_info(shell.layout).targets[0].name
    read, declared = read_and_declared(shell, evidence_run(shell.ledger, [target], {target}))
    assert read - WHERE <= declared


def test_models_depend_on_their_jobs_alone(shell: Shell) -> None:
    job = shell.plan.jobs[0]
    run = StageRun(("symbol_models",), {"dagster/partition": partition_key(job)})
    read, declared = read_and_declared(shell, run)
    assert declared == {"symbol_jobs"}
    assert {"master_training_plan", "panel"} <= read
