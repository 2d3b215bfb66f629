"""Nothing below the root may be a link: what it leads to is neither written, removed nor replaced."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from foxml_assets.core.errors import LinkError
from foxml_assets.core.pictures import new_figure, png_bytes
from foxml_assets.defs.graph import Graph
from foxml_assets.defs.running.claims import Role, find_claims, forget_claim, hold_claim
from foxml_assets.defs.running.instance import open_instance, prepare_home
from foxml_assets.defs.running.requested import requested_runs, withdraw
from foxml_assets.storage.directories import recover_directory, replacing_directory
from foxml_assets.storage.files import write_atomic
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock
from foxml_assets.workspace import current_workspace

FOXML = [sys.executable, "-c", "from foxml_assets.cli import main; main()"]
CONFIG_DIR = Path(__file__).parents[2] / "config"


def outside(tmp_path: Path) -> tuple[Path, Callable[[], object]]:
    """A folder elsewhere that holds a file, and what is known of it."""
    folder = tmp_path / "elsewhere"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "precious.json").write_text("precious", encoding="utf-8")

    def state() -> object:
        return [(path, path.lstat().st_mtime_ns, path.lstat().st_ino) for path in sorted(folder.rglob("*"))]

    return folder, state


LEVELS = [
    "METRICS",
    "METRICS/feature_selections",
    "METRICS/feature_selections/y",
    "METRICS/routing_plan",
    "METRICS/training_plan",
    "METRICS/training_plan/history",
    "METRICS/routing_audit",
    "MODELS",
    "MODELS/symbol_specific",
    "MODELS/symbol_specific/y",
    "MODELS/symbol_specific/y/AAA",
    "MODELS/symbol_specific/y/AAA/ridge",
    "DATA",
]


@pytest.mark.parametrize("level", LEVELS)
def test_no_file_is_written_through_a_link(level: str, tmp_path: Path) -> None:
    folder, state = outside(tmp_path)
    before = state()
    link = tmp_path / "root" / level
    link.parent.mkdir(parents=True)
    link.symlink_to(folder)
    for path in (link / "inner" / "precious.json", link / "new.json", link / "new" / "new.json"):
        with pytest.raises(LinkError, match="only the root as a whole") as refused:
            write_atomic(path, b"overwritten")
        assert refused.value.file == link
        with pytest.raises(LinkError), hold_lock(path, purpose="testing"):
            pass
    assert state() == before


@pytest.mark.parametrize("name", ["plan", ".plan.staged", ".plan.retired"])
@pytest.mark.parametrize("parent", ["METRICS", "linked"])
def test_no_folder_is_replaced_or_removed_through_a_link(name: str, parent: str, tmp_path: Path) -> None:
    folder, state = outside(tmp_path)
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(folder)
    (root / parent).mkdir(exist_ok=True)
    (root / parent / name).symlink_to(folder / "inner")
    before = state()
    with pytest.raises(LinkError):
        recover_directory(root / parent / "plan")
    with pytest.raises(LinkError), replacing_directory(root / parent / "plan") as staged:
        (staged / "new").touch()
    assert state() == before


def test_a_link_as_file_is_not_replaced_nor_a_claim_made_through_one(tmp_path: Path) -> None:
    folder, state = outside(tmp_path)
    before = state()
    (tmp_path / "file.json").symlink_to(folder / "inner" / "precious.json")
    (tmp_path / ".claims").symlink_to(folder)
    with pytest.raises(LinkError):
        write_atomic(tmp_path / "file.json", b"overwritten")
    with pytest.raises(LinkError):
        hold_claim(tmp_path, "key", Role.COMMAND, "testing")
    assert state() == before


REMOVALS: dict[str, Callable[[Path], object]] = {
    ".claims": lambda root: forget_claim(root, "inner"),
    ".requests": lambda root: withdraw(root, "request"),
}


@pytest.mark.parametrize("name", REMOVALS)
def test_no_claim_and_no_request_is_removed_through_a_link(name: str, tmp_path: Path) -> None:
    folder, state = outside(tmp_path)
    (folder / "request.json").write_text("{}", encoding="utf-8")
    root = tmp_path / "root"
    root.mkdir()
    (root / name).symlink_to(folder)
    before = state()
    with pytest.raises(LinkError):
        REMOVALS[name](root)
    assert state() == before


def test_no_claim_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / ".claims").symlink_to(outside(tmp_path)[0])
    with pytest.raises(LinkError):
        find_claims(tmp_path)


def test_the_sensor_of_requests_refuses_a_linked_folder(tmp_path: Path) -> None:
    folder, state = outside(tmp_path)
    request = {"command": "gone", "assets": [], "tags": {}, "checks": None, "keys": []}
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    workspace = current_workspace(tmp_path / "root", CONFIG_DIR)
    workspace.root.mkdir()
    (workspace.root / ".requests").symlink_to(folder)
    before = state()
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(LinkError),
        dg.build_sensor_context(instance=instance) as context,
    ):
        requested_runs(Graph(workspace))(context)
    assert state() == before


def test_a_dagster_folder_below_the_root_is_no_link_while_another_home_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = outside(tmp_path)
    (folder / "dagster.yaml").write_text("{}", encoding="utf-8")
    workspace = current_workspace(tmp_path / "root", CONFIG_DIR)
    workspace.root.mkdir()
    (workspace.root / "dagster").symlink_to(folder)
    before = state()
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with pytest.raises(LinkError), open_instance(workspace.dagster_home):
        pass
    assert state() == before
    monkeypatch.setenv("DAGSTER_HOME", str(workspace.root / "dagster"))
    prepare_home(workspace.dagster_home)
    assert workspace.dagster_home == folder


def test_a_run_over_a_linked_plan_folder_ends_with_one_error_and_leaves_it(tmp_path: Path) -> None:
    folder, state = outside(tmp_path)
    layout = Layout(tmp_path / "root")
    layout.metrics.mkdir(parents=True)
    table = tmp_path / "candidates.csv"
    table.write_text(
        "target,symbol,score,score_metric,sample_size\ny,,0.6,auc,900\ny,A,0.6,auc,90\n", encoding="utf-8"
    )
    places = ["--root", str(layout.root), "--config-dir", str(CONFIG_DIR)]
    assert subprocess.run([*FOXML, "import-candidates", str(table), *places], check=False).returncode == 0
    layout.training_plan_dir.symlink_to(folder)
    before = state()
    run = subprocess.run(
        [*FOXML, "run", "--until", "plan", *places], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "is a link" in run.stderr
    assert "Traceback" not in run.stderr
    assert state() == before


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "disk")
    workspace = current_workspace(tmp_path / "root", CONFIG_DIR)
    write_atomic(workspace.layout.master_plan, b"plan")
    assert (tmp_path / "disk" / workspace.layout.master_plan.relative_to(workspace.root)).is_file()


def test_what_is_written_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomic(tmp_path / "file", b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_failed_second_rename_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system that cannot exchange two names, as NFS."""
    final = tmp_path / "plan"
    final.mkdir()
    (final / "old").touch()
    monkeypatch.setattr("foxml_assets.storage.directories._exchange", lambda one, other: False)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == ".plan.staged":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output"), replacing_directory(final) as staged:
        (staged / "new").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]
    assert [path.name for path in final.iterdir()] == ["old"]


def test_what_a_killed_writer_staged_is_gone_before_the_next_look(tmp_path: Path) -> None:
    (tmp_path / ".plan.staged" / "inner").mkdir(parents=True)
    assert not recover_directory(tmp_path / "plan")
    assert list(tmp_path.iterdir()) == []


def test_pictures_write_nothing_into_the_home(tmp_path: Path) -> None:
    code = "from foxml_assets.core.pictures import *; png_bytes(new_figure(width=1, height=1))"
    kept = ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in kept}
    subprocess.run([sys.executable, "-c", code], env={**environment, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
    assert png_bytes(new_figure(width=1, height=1))
