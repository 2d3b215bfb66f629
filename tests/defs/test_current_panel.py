"""The panel is made again when it would be another, or its files are not what was written, and not else."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from shell_world import Shell

from foxml_assets.defs.running.execution import stages
from foxml_assets.stages import Stage
from foxml_assets.storage.layout import Layout


def made(shell: Shell) -> bool:
    """Whether the panel was made; its run is executed as a command does."""
    runs = list(stages(shell.instance, shell.workspace, Stage.PANEL))
    return all(shell.execute(run).success for _, run in runs) and bool(runs)


def other_byte(path: Path) -> None:
    """A disk's error: the file looks as before."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def source_of(shell: Shell) -> Path:
    return shell.workspace.config_dir.parent / "source.parquet"


def other_rows(shell: Shell) -> None:
    pd.read_parquet(source_of(shell)).iloc[:-3].to_parquet(source_of(shell), index=False)


CHANGES: dict[str, Callable[[Shell, Layout], object]] = {
    "another source": lambda shell, _: other_rows(shell),
    "another hold-out": lambda shell, _: shell.edit("data_config.yaml", evidence={"holdout_fraction": 0.3}),
    "other folds": lambda shell, _: shell.edit("data_config.yaml", evidence={"n_folds": 3}),
    "a damaged file": lambda _, layout: other_byte(layout.panel),
    "a damaged description": lambda _, layout: other_byte(layout.panel_info),
    "no file": lambda _, layout: layout.panel.unlink(),
}


def test_a_panel_that_is_that_of_its_source_is_not_made_again(shell: Shell) -> None:
    assert made(shell)
    assert not made(shell)
    source_of(shell).write_bytes(source_of(shell).read_bytes())
    assert not made(shell), "the same content at another time"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_panel_that_would_be_another_or_is_damaged_is_made_again(
    shell: Shell, change: Callable[[Shell, Layout], object]
) -> None:
    assert made(shell)
    change(shell, shell.layout)
    assert made(shell)
    assert not made(shell)


def test_a_source_that_is_gone_is_told_by_the_run(shell: Shell) -> None:
    assert made(shell)
    source_of(shell).unlink()
    ((_, run),) = stages(shell.instance, shell.workspace, Stage.PANEL)
    assert not shell.execute(run).success
