"""Candidates and plans are made again when they could be others, or files or records are, and not else."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from shell_world import Shell, copy_root, copy_under_same_source, open_shell

from foxml_assets.core.errors import LinkError
from foxml_assets.defs.checking import standing_plan
from foxml_assets.defs.running.execution import stages
from foxml_assets.defs.running.partitions import SYMBOL_JOBS
from foxml_assets.defs.running.stage_runs import StageRun
from foxml_assets.stages import Stage


@pytest.fixture(scope="module")
def commanded_root(planned_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose plan was made from imported candidates, as a command makes it. Not to be changed."""
    folder = tmp_path_factory.mktemp("commanded")
    with open_shell(copy_root(planned_root, folder), folder) as shell:
        shutil.copy(shell.layout.routing_candidates, shell.layout.imported_candidates)
        assert made(shell)
    return folder


@pytest.fixture
def planned(commanded_root: Path, tmp_path: Path) -> Iterator[Shell]:
    """A root of its own with that plan."""
    with open_shell(copy_under_same_source(commanded_root, tmp_path), tmp_path) as opened:
        yield opened


def made(shell: Shell) -> bool:
    """Whether the plan was made; its run is executed as a command does."""
    runs = list(stages(shell.instance, shell.workspace, Stage.PLAN))
    return all(shell.execute(run).success for _, run in runs) and bool(runs)


def longer(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b" ")


def without_a_row(path: Path) -> None:
    table = pd.read_parquet(path)
    table[table["symbol"] != "DDD"].to_parquet(path, index=False)


def without_partition(shell: Shell) -> None:
    name = shell.ledger.names.flat(SYMBOL_JOBS)
    shell.instance.delete_dynamic_partition(name, shell.instance.get_dynamic_partitions(name)[0])


def with_failed_run(shell: Shell) -> None:
    run = shell.instance.get_runs(limit=1)[0]
    shell.instance.report_run_failed(run)


CHANGES: dict[str, Callable[[Shell], object]] = {
    "policy": lambda shell: shell.edit("routing_config.yaml", output={"plan_history": 3}),
    "training settings": lambda shell: shell.edit("training_config.yaml", batch_size=7),
    "data settings": lambda shell: shell.edit("data_config.yaml", checks={"max_shrink": 0.5}),
    "candidates": lambda shell: without_a_row(shell.layout.imported_candidates),
    "another panel": lambda shell: shell.execute(StageRun(Stage.PANEL.assets)),
    "an edited plan": lambda shell: longer(shell.layout.master_plan),
    "an edited view": lambda shell: longer(next(shell.layout.training_plan_dir.glob("by_target/*.json"))),
    "an edited page": lambda shell: longer(shell.layout.routing_plan_dir / "routing_plan.md"),
    "a file more": lambda shell: longer(shell.layout.training_plan_dir / "by_route" / "more.json"),
    "no table of candidates": lambda shell: shell.layout.routing_candidates.unlink(),
    "no page of changes": lambda shell: shell.layout.plan_diff.with_suffix(".md").unlink(),
    "a wiped asset": lambda shell: shell.instance.wipe_assets([shell.ledger.names.key("plan_by_route")]),
    "an asset made alone": lambda shell: shell.execute(StageRun(("routing_plan",))),
    "a deleted partition": without_partition,
    "a partition left over": lambda shell: shell.instance.add_dynamic_partitions(
        shell.ledger.names.flat(SYMBOL_JOBS), ["gone@AAA"]
    ),
    "a failed run": with_failed_run,
}


def test_a_plan_that_stands_is_not_made_again(planned: Shell) -> None:
    assert not made(planned)
    planned.layout.master_plan.touch()
    assert not made(planned), "the same content at another time"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_plan_that_could_be_another_or_is_damaged_is_made_again(
    planned: Shell, change: Callable[[Shell], object]
) -> None:
    change(planned)
    assert made(planned)
    assert not made(planned)


def test_what_other_code_made_is_made_again(planned: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_plan, "_code_hash", lambda: "of another version")
    assert made(planned)


def test_a_part_of_the_plan_is_made_when_it_is_asked_for(planned: Shell) -> None:
    ((title, run),) = stages(planned.instance, planned.workspace, Stage.ROUTING)
    assert title == "Candidates, Routing plan"
    assert planned.execute(run).success
    assert made(planned), "the plan was made by another run than its routes"


def test_a_plan_behind_a_link_is_refused(planned: Shell) -> None:
    folder = planned.layout.training_plan_dir
    folder.rename(planned.workspace.root.parent / "elsewhere")
    folder.symlink_to(planned.workspace.root.parent / "elsewhere")
    with pytest.raises(LinkError):
        list(stages(planned.instance, planned.workspace, Stage.PLAN))


def test_a_command_that_makes_no_plan_says_so(planned: Shell, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        assert not made(planned)
    assert "Training plan: up to date with configs and evidence" in caplog.messages
