"""Earlier master plans, under `history/<plan hash>.json`."""

import os
import shutil
from pathlib import Path

from foxml_assets.core.errors import PlanMissingError
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.storage.directories import read_version
from foxml_assets.storage.files import refuse_links, sync_directory
from foxml_assets.storage.layout import Layout

_FOLDER = "history"


def history_files(plan_directory: Path) -> tuple[Path, ...]:
    """The earlier plans, latest first. Raises LinkError."""
    folder = plan_directory / _FOLDER
    refuse_links(folder)
    found = folder.glob("*.json")
    # A link has the time of the file it was made of, so this is the order in which plans were written.
    return tuple(sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True))


def find_plan(layout: Layout, prefix: str) -> MasterPlan:
    """The current or an earlier plan whose hash begins with `prefix`.

    Raises PlanMissingError if no plan or more than one does, and what loading it raises.
    """
    return read_version(layout.training_plan_dir, lambda: _find(layout, prefix))


def plan_and_parent(layout: Layout) -> tuple[MasterPlan, MasterPlan | None]:
    """The current plan and the one it replaced, if any. Raises as `find_plan` does."""
    return read_version(layout.training_plan_dir, lambda: _with_parent(layout))


def keep_history(current: Path, staged: Path, previous: MasterPlan | None, *, limit: int) -> None:
    """Fill the history of `staged` from that of `current` and its master plan `previous`; keep `limit`."""
    kept = {path.name: path for path in history_files(current)}
    if previous is not None:
        name = f"{previous.metadata.plan_hash}.json"
        # A plan that was current before, and is retired again, is the latest once more.
        kept.pop(name, None)
        kept = {name: current / "master_training_plan.json", **kept}
    folder = staged / _FOLDER
    folder.mkdir()
    for name, path in list(kept.items())[:limit]:
        _link(path, folder / name)
    sync_directory(folder)


def _find(layout: Layout, prefix: str) -> MasterPlan:
    paths = [path for path in history_files(layout.training_plan_dir) if path.name.startswith(prefix)]
    if layout.master_plan.is_file():
        current = load_master_training_plan(layout.master_plan)
        if current.metadata.plan_hash.startswith(prefix):
            return current
    if len(paths) != 1:
        what = "no plan has" if not paths else f"{len(paths)} plans have"
        raise PlanMissingError(
            f"{what} a hash that begins with {prefix!r}",
            file=layout.training_plan_dir / _FOLDER,
            fix="name a plan that is there; output.plan_history says how many are kept",
        )
    return load_master_training_plan(paths[0])


def _with_parent(layout: Layout) -> tuple[MasterPlan, MasterPlan | None]:
    plan = load_master_training_plan(layout.master_plan)
    parent = plan.metadata.parent_plan_hash
    return plan, _find(layout, parent) if parent else None


def _link(source: Path, copy: Path) -> None:
    try:
        os.link(source, copy)
    except OSError:
        # A file system without hard links; a full disk fails here again.
        shutil.copy2(source, copy)
        with copy.open("rb") as stream:
            os.fsync(stream.fileno())
