"""Writing the plan: its whole directory is built beside the old one and takes its place at once.

So master plan, mirrors and views always belong together, whatever moment a kill or a full disk picks,
and a view of a vanished target cannot survive. History files move along as hard links.
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from foxml_assets.core.errors import PlanError, PlanMissingError
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.history import keep_history
from foxml_assets.planning.store.tree import VIEWS, PlanFile, plan_files, tree_problems
from foxml_assets.storage.directories import recover_directory, replacing_directory
from foxml_assets.storage.files import storage_errors, sync_directory
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock

# More threads do not make fsync faster.
_WRITERS = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlanWrite:
    """What a write came to.

    `plan` is the plan now on disk: with the old stamp if nothing `changed`.
    """

    plan: MasterPlan
    changed: bool


def write_plan(plan: MasterPlan, layout: Layout, *, history: int) -> PlanWrite:
    """Make `plan` the master training plan, with all mirrors and views; keep `history` earlier plans.

    A plan with the hash of the one on disk is not written, and the recorded parent is always the plan
    that is replaced. Raises LockHeldError if another process is planning, and StorageError; the old
    plan is then still there as a whole.
    """
    final = layout.training_plan_dir
    with storage_errors(final), planner_lock(layout):
        recover_directory(final)
        previous = current_plan(layout)
        if previous is not None and previous.metadata.plan_hash == plan.metadata.plan_hash:
            # The same plan in other words or at another time: what is on disk stays, if it is whole.
            if tree_problems(previous, final):
                _replace(previous, layout, retired=None, history=history)
            return PlanWrite(previous, changed=False)
        parent = previous.metadata.plan_hash if previous is not None else None
        chained = MasterPlan(replace(plan.metadata, parent_plan_hash=parent), plan.jobs, plan.summary)
        _replace(chained, layout, retired=previous, history=history)
        return PlanWrite(chained, changed=True)


def planner_lock(layout: Layout) -> AbstractContextManager[None]:
    """The lock of whoever writes the plan. Raises LockHeldError at once if it is held."""
    return hold_lock(layout.metrics / ".training_plan.lock", purpose="writing the training plan")


def current_plan(layout: Layout) -> MasterPlan | None:
    """The plan on disk, or None if there is none that can be read."""
    try:
        return load_master_training_plan(layout.master_plan)
    except PlanMissingError:
        return None
    except PlanError as error:
        _log.warning("the plan on disk cannot be read and is not counted as the parent: %s", error)
        return None


def _replace(plan: MasterPlan, layout: Layout, *, retired: MasterPlan | None, history: int) -> None:
    final = layout.training_plan_dir
    with replacing_directory(final) as staged:
        for view in VIEWS:
            (staged / view).mkdir()
        with ThreadPoolExecutor(_WRITERS) as writers:
            # Going through the results raises what a writer raised.
            for _ in writers.map(lambda file: _write(staged / file.path, file), plan_files(plan)):
                pass
        keep_history(final, staged, retired, limit=history)
        for view in VIEWS:
            # The files are durable by now; this makes their names so.
            sync_directory(staged / view)


def _write(path: Path, file: PlanFile) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        stream.writelines(file.chunks())
        stream.flush()
        os.fsync(stream.fileno())
