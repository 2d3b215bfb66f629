"""Writing the routing plan's folder: canonical JSON, Parquet, and YAML, Markdown and picture for people."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from foxml_assets.core.stamp import RunStamp
from foxml_assets.routing.decide.fdr_history_file import history_after
from foxml_assets.routing.pages.plan_markdown import PICTURE_NAME, plan_markdown
from foxml_assets.routing.pages.plan_picture import routes_picture
from foxml_assets.routing.plan.plan_json import plan_json, read_metadata
from foxml_assets.routing.plan.plan_parquet import parquet_files
from foxml_assets.routing.plan.plan_yaml import plan_yaml
from foxml_assets.routing.plan.routing_plan import RoutingMetadata, RoutingPlan
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.storage.directories import recover_directory, replacing_directory
from foxml_assets.storage.files import holds, storage_errors, write_chunks_atomic
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock
from foxml_assets.storage.tables import has_pyarrow

JSON_NAME = "routing_plan.json"
YAML_NAME = "routing_plan.yaml"
MARKDOWN_NAME = "routing_plan.md"


def write_routing_plan(plan: RoutingPlan, layout: Layout, output: Output | None = None) -> bool:
    """Write all files of the plan; the folder is replaced at once. True if anything changed.

    A plan whose hash is that of the plan on disk keeps the stamp on disk, so that unchanged files stay
    untouched. The history of false-discovery control is in the folder, so it moves on with the plan or not
    at all. Raises StorageError, LockHeldError or FdrHistoryError, and then leaves what was there before.
    """
    final = layout.routing_plan_dir
    with storage_errors(final), _lock(layout):
        recover_directory(final)
        history = history_after(plan, layout)
        beside = {} if history is None else {layout.fdr_history.name: history}
        files = partial(_files, _with_stamp_on_disk(plan, layout.routing_plan), output or Output(), beside)
        if _are_in(final, files()):
            return False
        with replacing_directory(final) as staged:
            for name, chunks in files():
                write_chunks_atomic(staged / name, chunks)
    return True


def recover_routing_plan(layout: Layout) -> None:
    """Undo a switch of the plan's folder that a kill interrupted. Raises StorageError or LockHeldError."""
    with storage_errors(layout.routing_plan_dir), _lock(layout):
        recover_directory(layout.routing_plan_dir)


def _lock(layout: Layout) -> AbstractContextManager[None]:
    return hold_lock(layout.metrics / ".routing_plan.lock", purpose="writing the routing plan")


def _with_stamp_on_disk(plan: RoutingPlan, path: Path) -> RoutingPlan:
    there: RoutingMetadata | None = read_metadata(path)
    if there is None or there.routing_plan_hash != plan.metadata.routing_plan_hash:
        return plan
    stamp = RunStamp(there.generated_at, there.run_id, there.git_commit)
    return plan.with_stamp(stamp, there.previous_plan_hash)


def _files(
    plan: RoutingPlan, output: Output, beside: Mapping[str, bytes]
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Name and content of each file, to be read in turn: the later ones hold the digest of the first."""
    digest = hashlib.sha256()
    yield JSON_NAME, _hashed(plan_json(plan), digest.update)
    if has_pyarrow():
        for name, content in parquet_files(plan, digest.hexdigest()):
            yield name, (content,)
    for name, content in beside.items():
        yield name, (content,)
    has_yaml = len(plan.pairs) <= output.yaml_max_pairs
    if has_yaml:
        yield YAML_NAME, (plan_yaml(plan),)
    yield PICTURE_NAME, (routes_picture(plan, output),)
    yield MARKDOWN_NAME, (plan_markdown(plan, output, has_yaml=has_yaml).encode(),)


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def _are_in(folder: Path, files: Iterable[tuple[str, Iterable[bytes]]]) -> bool:
    """Whether `folder` holds exactly these files; none is put together after the first that differs."""
    surplus = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name, chunks in files:
        if name not in surplus or not holds(folder / name, chunks):
            return False
        surplus.remove(name)
    return not surplus
