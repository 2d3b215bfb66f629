"""The routing plan's folder: canonical JSON, columnar Parquet, and YAML, Markdown, picture for people."""

import filecmp
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from foxml_assets.core.errors import Problem, RoutingPlanError
from foxml_assets.core.hashing import file_hash
from foxml_assets.core.stamp import RunStamp
from foxml_assets.routing.decide.fdr_history_file import history_after
from foxml_assets.routing.pages.plan_markdown import PICTURE_NAME, plan_markdown
from foxml_assets.routing.pages.plan_picture import routes_picture
from foxml_assets.routing.plan.plan_json import parse_plan, plan_json, read_metadata
from foxml_assets.routing.plan.plan_parquet import PAIRS_NAME, read_parquet, write_parquet
from foxml_assets.routing.plan.plan_yaml import plan_yaml
from foxml_assets.routing.plan.routing_plan import RoutingMetadata, RoutingPlan, routing_plan_hash
from foxml_assets.routing.policy.routing_config import Output, RoutingPolicy
from foxml_assets.storage.files import (
    recover_directory,
    replacing_directory,
    storage_errors,
    write_atomic,
    write_chunks_atomic,
)
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock
from foxml_assets.storage.tables import has_pyarrow

JSON_NAME = "routing_plan.json"
YAML_NAME = "routing_plan.yaml"
MARKDOWN_NAME = "routing_plan.md"

_FIX = "run `foxml run --until plan` again"
_log = logging.getLogger(__name__)


def write_routing_plan(plan: RoutingPlan, layout: Layout, output: Output | None = None) -> bool:
    """Write all files of the plan; the folder is replaced at once. True if anything changed.

    A plan whose hash is that of the plan on disk keeps the stamp on disk, so that unchanged files stay
    untouched. The history of false-discovery control is in the folder, so it moves on with the plan or not
    at all. Raises StorageError, LockHeldError or FdrHistoryError, and then leaves what was there before.
    """
    final = layout.routing_plan_dir
    rendered = final.with_name(f".{final.name}.rendered")
    with storage_errors(final), _lock(layout):
        recover_directory(final)
        history = history_after(plan, layout)
        kept = _with_stamp_on_disk(plan, layout.routing_plan)
        shutil.rmtree(rendered, ignore_errors=True)
        rendered.mkdir(parents=True)
        try:
            _render(kept, rendered, output or Output())
            if history is not None:
                write_atomic(rendered / layout.fdr_history.name, history)
            if _same_files(rendered, final):
                return False
            with replacing_directory(final) as staged:
                for file in rendered.iterdir():
                    file.rename(staged / file.name)
        finally:
            shutil.rmtree(rendered, ignore_errors=True)
    return True


def recover_routing_plan(layout: Layout) -> None:
    """Undo a switch of the plan's folder that a kill interrupted. Raises StorageError or LockHeldError."""
    with storage_errors(layout.routing_plan_dir), _lock(layout):
        recover_directory(layout.routing_plan_dir)


def read_routing_plan(layout: Layout) -> RoutingPlan:
    """The plan on disk, from its columnar form where pyarrow can be imported, else from the JSON.

    Raises RoutingPlanError if there is none, it cannot be parsed, its files do not belong together, or
    its hash is not that of its content.
    """
    path = layout.routing_plan
    if not path.is_file():
        raise RoutingPlanError("there is no routing plan", file=path, fix=_FIX)
    columnar = has_pyarrow() and (layout.routing_plan_dir / PAIRS_NAME).is_file()
    plan = _read_columnar(path) if columnar else _read_json(path)
    found = routing_plan_hash(plan.metadata, (plan.targets, plan.pairs, plan.quarantine))
    if found != plan.metadata.routing_plan_hash:
        problem = Problem(
            "metadata.routing_plan_hash", f"the content's hash is {found}", plan.metadata.routing_plan_hash
        )
        raise RoutingPlanError(
            "the plan was changed after it was written", file=path, problems=[problem], fix=_FIX
        )
    return plan


def plan_to_remember(layout: Layout, policy: RoutingPolicy) -> RoutingPlan | None:
    """The plan on disk, if the policy holds states by it; None if there is none that can be read."""
    if policy.hysteresis == 0 or not layout.routing_plan.is_file():
        return None
    try:
        return read_routing_plan(layout)
    except RoutingPlanError as error:
        _log.warning("the plan on disk cannot be read, so that no state is held by it: %s", error)
        return None


def _lock(layout: Layout) -> AbstractContextManager[None]:
    return hold_lock(layout.metrics / ".routing_plan.lock", purpose="writing the routing plan")


def _read_columnar(path: Path) -> RoutingPlan:
    plan, digest = read_parquet(path.parent)
    found = file_hash(path)
    if found != digest:
        problem = Problem("sha256", f"{PAIRS_NAME} was written with {digest}", found)
        raise RoutingPlanError(
            "does not belong to the Parquet files beside it", file=path, problems=[problem], fix=_FIX
        )
    return plan


def _read_json(path: Path) -> RoutingPlan:
    try:
        return parse_plan(path.read_bytes())
    except msgspec.DecodeError as error:
        problem = Problem("", str(error))
        raise RoutingPlanError("is not a routing plan", file=path, problems=[problem], fix=_FIX) from error


def _with_stamp_on_disk(plan: RoutingPlan, path: Path) -> RoutingPlan:
    there: RoutingMetadata | None = read_metadata(path)
    if there is None or there.routing_plan_hash != plan.metadata.routing_plan_hash:
        return plan
    stamp = RunStamp(there.generated_at, there.run_id, there.git_commit)
    return plan.with_stamp(stamp, there.previous_plan_hash)


def _render(plan: RoutingPlan, folder: Path, output: Output) -> None:
    digest = hashlib.sha256()
    write_chunks_atomic(folder / JSON_NAME, _hashed(plan_json(plan), digest.update))
    if has_pyarrow():
        write_parquet(plan, folder, digest.hexdigest())
    has_yaml = len(plan.pairs) <= output.yaml_max_pairs
    if has_yaml:
        write_atomic(folder / YAML_NAME, plan_yaml(plan))
    write_atomic(folder / PICTURE_NAME, routes_picture(plan, output))
    write_atomic(folder / MARKDOWN_NAME, plan_markdown(plan, output, has_yaml=has_yaml).encode())


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def _same_files(one: Path, other: Path) -> bool:
    if not other.is_dir():
        return False
    names = sorted(file.name for file in one.iterdir())
    if names != sorted(file.name for file in other.iterdir()):
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)
