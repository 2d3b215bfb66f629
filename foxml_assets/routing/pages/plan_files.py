"""Writing the routing plan's folder: canonical JSON, Parquet, and YAML, Markdown and picture for people."""

import filecmp
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from foxml_assets.core.stamp import RunStamp
from foxml_assets.routing.decide.fdr_history_file import history_after
from foxml_assets.routing.pages.plan_markdown import PICTURE_NAME, plan_markdown
from foxml_assets.routing.pages.plan_picture import routes_picture
from foxml_assets.routing.plan.plan_json import plan_json, read_metadata
from foxml_assets.routing.plan.plan_parquet import write_parquet
from foxml_assets.routing.plan.plan_yaml import plan_yaml
from foxml_assets.routing.plan.routing_plan import RoutingMetadata, RoutingPlan
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.storage.directories import recover_directory, replacing_directory
from foxml_assets.storage.files import storage_errors, write_atomic, write_chunks_atomic
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock

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


def _lock(layout: Layout) -> AbstractContextManager[None]:
    return hold_lock(layout.metrics / ".routing_plan.lock", purpose="writing the routing plan")


def _with_stamp_on_disk(plan: RoutingPlan, path: Path) -> RoutingPlan:
    there: RoutingMetadata | None = read_metadata(path)
    if there is None or there.routing_plan_hash != plan.metadata.routing_plan_hash:
        return plan
    stamp = RunStamp(there.generated_at, there.run_id, there.git_commit)
    return plan.with_stamp(stamp, there.previous_plan_hash)


def _render(plan: RoutingPlan, folder: Path, output: Output) -> None:
    digest = hashlib.sha256()
    write_chunks_atomic(folder / JSON_NAME, _hashed(plan_json(plan), digest.update))
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
