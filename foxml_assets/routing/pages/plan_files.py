"""Writing the routing plan's folder: canonical JSON, Parquet, and YAML, Markdown and picture for people."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec
import yaml

import foxml_assets
from foxml_assets.core.hashing import bytes_hash, canonical_json, content_hash, file_hash
from foxml_assets.core.stamp import RunStamp
from foxml_assets.routing.decide.fdr_history import history_after
from foxml_assets.routing.pages.plan_markdown import PICTURE_NAME, plan_markdown
from foxml_assets.routing.pages.plan_picture import routes_picture
from foxml_assets.routing.plan.plan_json import plan_json, read_metadata
from foxml_assets.routing.plan.plan_reading import parquet_files
from foxml_assets.routing.plan.routing_plan import RoutingMetadata, RoutingPlan
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.storage.directories import recover_directory, replacing_directory
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import holds, storage_errors, write_atomic, write_chunks_atomic
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock

JSON_NAME = "routing_plan.json"
YAML_NAME = "routing_plan.yaml"
MARKDOWN_NAME = "routing_plan.md"
NOTE_NAME = "pages.json"


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the pages were made from, and their hashes, so that none is drawn only to see that it stands."""

    made_from: str
    sha256: Mapping[str, str]


def write_routing_plan(plan: RoutingPlan, layout: Layout, output: Output | None = None) -> bool:
    """Write all files of the plan; the folder is replaced at once. True if anything changed.

    A plan whose hash is that of the plan on disk keeps the stamp on disk, so that unchanged files stay
    untouched. The history of false-discovery control is in the folder, so it moves on with the plan or not
    at all. Raises StorageError, LockHeldError or FdrHistoryError, and then leaves what was there before.
    """
    final, shown = layout.routing_plan_dir, output or Output()
    with storage_errors(final), _lock(layout):
        # First, as the history is read from the folder that an interrupted switch left elsewhere.
        recover_directory(final)
        history = history_after(plan, layout)
        beside = {} if history is None else {layout.fdr_history.name: history}
        kept = _with_stamp_on_disk(plan, layout.routing_plan)
        if _is_in(final, kept, beside, shown):
            return False
        with replacing_directory(final) as staged:
            digest = hashlib.sha256()
            for name, chunks in _data_files(kept, beside, digest):
                write_chunks_atomic(staged / name, chunks)
            pages = dict(_pages(kept, shown))
            hashes = {name: bytes_hash(page) for name, page in pages.items()}
            note = _Note(_pages_source(digest.hexdigest(), shown), hashes)
            pages[NOTE_NAME] = canonical_json(note) + b"\n"
            for name, page in pages.items():
                write_atomic(staged / name, page)
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


def _is_in(folder: Path, plan: RoutingPlan, beside: Mapping[str, bytes], output: Output) -> bool:
    """Whether `folder` holds exactly the files of `plan`. Nothing is put together after a difference."""
    if not folder.is_dir():
        return False
    found = {path.name for path in folder.iterdir()}
    digest, names = hashlib.sha256(), set()
    for name, chunks in _data_files(plan, beside, digest):
        if not holds(folder / name, chunks):
            return False
        names.add(name)
    pages = _standing_pages(folder, _pages_source(digest.hexdigest(), output))
    return bool(pages) and found == names | pages


def _data_files(
    plan: RoutingPlan, beside: Mapping[str, bytes], digest: "hashlib._Hash"
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Name and content of the files for programs, to be read in turn: some hold the digest of the first."""
    yield JSON_NAME, _hashed(plan_json(plan), digest.update)
    for name, content in (*parquet_files(plan, digest.hexdigest()), *beside.items()):
        yield name, (content,)


def _pages(plan: RoutingPlan, output: Output) -> Iterator[tuple[str, bytes]]:
    """Name and content of the files for people; each follows from the plan's JSON."""
    has_yaml = len(plan.pairs) <= output.yaml_max_pairs
    if has_yaml:
        yield YAML_NAME, _yaml(plan)
    yield PICTURE_NAME, routes_picture(plan, output)
    yield MARKDOWN_NAME, plan_markdown(plan, output, has_yaml=has_yaml).encode()


def _yaml(plan: RoutingPlan) -> bytes:
    """The JSON file's content as YAML."""
    content = msgspec.json.decode(b"".join(plan_json(plan)))
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True, encoding="utf-8", width=110)


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def _pages_source(json_sha256: str, output: Output) -> str:
    """Hash of what makes the pages: the plan's JSON, how much of it they may show, and the program itself."""
    return content_hash([json_sha256, output.model_dump(mode="json"), _program_hash()])


def _standing_pages(folder: Path, made_from: str) -> frozenset[str]:
    """The files of `folder` that are note and pages; none where a page is another than was made from that."""
    try:
        note = decode_json((folder / NOTE_NAME).read_bytes(), _Note)
        if note.made_from != made_from or not all(
            file_hash(folder / name) == digest for name, digest in note.sha256.items()
        ):
            return frozenset()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, msgspec.DecodeError):
        return frozenset()
    return frozenset({NOTE_NAME, *note.sha256})


@cache
def _program_hash() -> str:
    """Of all modules and templates of this package, as any may have a word in a page, and of what draws."""
    package = Path(foxml_assets.__file__).parent
    files = (path for kind in ("*.py", "*.md.j2") for path in package.rglob(kind))
    program = {path.relative_to(package).as_posix(): file_hash(path) for path in files}
    return content_hash([program, version("jinja2"), version("matplotlib")])
