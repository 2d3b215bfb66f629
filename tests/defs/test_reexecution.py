"""A run of a command can be executed again from the UI."""

import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_graphql.test.utils import execute_dagster_graphql
from shell_world import Shell

from foxml_assets.commands.running.run import run_training

# What the button of the UI sends.
_MUTATION = """
mutation ($parent: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $parent, strategy: ALL_STEPS}) {
    __typename
    ... on LaunchRunSuccess { run { assetSelection { path } } }
    ... on PythonError { message }
  }
}
"""


def test_runs_of_a_command_show_what_they_made_and_can_be_executed_again(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, config_dir = shell.workspace.root, shell.workspace.config_dir
    assert run_training(root, config_dir) == 0
    assert shell.pending() == []
    monkeypatch.setenv("FOXML_ROOT", str(root))
    monkeypatch.setenv("FOXML_CONFIG_DIR", str(config_dir))
    report, training, plan = shell.instance.get_runs(limit=3)
    assert report.remote_job_origin is not None
    assert [run.job_name for run in (report, training, plan)] == ["report", "__ASSET_JOB", "__ASSET_JOB"]
    target = ModuleTarget("foxml_assets.definitions", None, None, None)
    with WorkspaceProcessContext(shell.instance, target) as process:
        for run in (report, training, plan):
            context = process.create_request_context()
            result = execute_dagster_graphql(context, _MUTATION, {"parent": run.run_id})
            answer = result.data["launchRunReexecution"]
            assert answer["__typename"] == "LaunchRunSuccess", answer
            selected = {"/".join(key["path"]) for key in answer["run"]["assetSelection"] or []}
            assert selected == {key.to_user_string() for key in run.asset_selection or ()}
    assert {key.to_user_string() for key in training.asset_selection or ()} == {"symbol_models"}
