"""Models that no job asks for any more: put aside, with the time and the reason, until the job returns.

Nothing but `prune` deletes one. Each has a folder of its spec, at the place that it had among the models.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec

from foxml_assets.core.errors import FoxmlError, LinkError, Problem, StoreError
from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.registry import find_family
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.storage.directories import discard_directory, move_directory, sweep_staged
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import refuse_links, remove_file, storage_errors, write_atomic
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore
from foxml_assets.training.models.manifest import MANIFEST_FILE, Manifest, model_folders, read_manifest
from foxml_assets.training.models.model_location import MARK_FILE, read_mark, spec_in

RECORD_FILE = "retired.json"

# Target and symbol, None for the pooled model.
Pair = tuple[str, str | None]

_SPEC_HASH = re.compile("[0-9a-f]{64}")


class Reason(StrEnum):
    """Why nothing asks for a model any more."""

    NO_JOB = "its job left the plan"
    OTHER_FAMILIES = "its job has other families"


class Retirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a model was retired, and why."""

    retired_at: Annotated[datetime, msgspec.Meta(tz=True)]
    reason: Reason


@dataclass(frozen=True)
class RetiredModel:
    """A retired model by its `name`, the folder that it had and its spec.

    It has no `record` after a kill between two steps, or where that is damaged, until the next plan.
    """

    folder: Path
    name: str
    record: Retirement | None

    @property
    def described(self) -> str:
        """Its name, when it was retired, and why."""
        record = self.record
        return f"{self.name}: {record.retired_at:%Y-%m-%d}, {record.reason}" if record else self.name


def retire_models(
    plan: MasterPlan, layout: Layout, now: datetime, *, waiting: Set[Pair] = frozenset()
) -> tuple[str, ...]:
    """Put aside the models that no job of `plan` asks for, but those of the pairs that are `waiting`.

    Returns the folders that they had. What cannot be told to be the model of its folder stays where it is.
    Raises StorageError and LinkError.
    """
    asked_for = {
        layout.model_folder(job.target, job.symbol, family)
        for job in plan.jobs
        for family in job.model_families
    }
    moved = []
    with storage_errors(layout.retired_models):
        for folder in model_folders(layout):
            name = folder.relative_to(layout.models).as_posix()
            manifest = _own_manifest(folder, layout) if name not in asked_for else None
            if manifest is None or (manifest.target, manifest.symbol) in waiting:
                continue
            final = layout.retired_models / name / manifest.spec_hash
            move_directory(folder, final, staging=layout.staged_models)
            moved.append(name)
        planned = {PurePosixPath(name).parent for name in asked_for}
        # Written last, so that no model in use has one, at whatever step this ends.
        for model in retired_models(layout):
            if model.record is None:
                _write_record(model, planned, now)
    return tuple(moved)


def take_back(job: Job, family: ModelFamily, layout: Layout) -> bool:
    """Put the retired model of the job's very spec in the place of what the job has; False if there is none.

    Whether it is sound is for the caller to find out, as of any model. Raises OSError and LinkError.
    """
    retired, final = _place(job, family, layout), layout.model_dir(job.target, job.symbol, family)
    if not (retired / MANIFEST_FILE).is_file():
        return False
    try:
        remove_file(retired / RECORD_FILE)
        move_directory(retired, final, staging=layout.staged_models)
    except FileNotFoundError:
        # Pruned meanwhile.
        return False
    return True


def is_retired(job: Job, family: ModelFamily, layout: Layout) -> bool:
    """Whether a model of the job's very spec lies ready to be taken back. Its file is not read."""
    place = _place(job, family, layout)
    files = (place / find_family(family).model_file, place / MARK_FILE)
    return spec_in(place) == job.spec_hash and any(path.is_file() for path in files)


def retired_models(layout: Layout) -> tuple[RetiredModel, ...]:
    """All of them, by name. Raises LinkError."""
    root = layout.retired_models
    refuse_links(root)
    folders = sorted(path.parent for path in root.rglob(MANIFEST_FILE))
    return tuple(
        RetiredModel(folder, folder.relative_to(root).as_posix(), _read_record(folder)) for folder in folders
    )


def prune(
    layout: Layout,
    store: ObjectStore | None = None,
    *,
    before: datetime,
    is_rehearsal: bool = False,
) -> Iterator[RetiredModel]:
    """Delete the models that were retired before that time, and yield each; a rehearsal deletes nothing.

    One without a record is kept until a plan has given it one. What is in `store` is deleted first. Raises
    OSError, LinkError and StoreError, the last also for a model whose file is in a store if there is none.
    """
    sweep_staged(layout.staged_models)
    for model in retired_models(layout):
        if model.record is None or model.record.retired_at >= before:
            continue
        if not is_rehearsal:
            _delete_stored(model, layout, store)
            discard_directory(model.folder, staging=layout.staged_models)
            _remove_empty(model.folder.parent, layout.retired_models)
        yield model


def _delete_stored(model: RetiredModel, layout: Layout, store: ObjectStore | None) -> None:
    """Delete what a retired model has in the store, unless a model in use has the same there."""
    if not (model.folder / MARK_FILE).is_file():
        return
    if store is None:
        url = read_mark(model.folder).url
        raise StoreError(
            "the file of a retired model is in an object store",
            file=model.folder,
            problems=[Problem("storage.models", "is not set; the file was put into a store", url)],
            fix="set storage.models in training_config.yaml, or delete the folder by hand",
        )
    in_use = layout.models / PurePosixPath(model.name).parent
    if spec_in(in_use) != PurePosixPath(model.name).name:
        store.delete_folder(layout.stored_folder(model.name))


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove `folder` and those on the way to it from `root`, as far as nothing is left in them."""
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _place(job: Job, family: ModelFamily, layout: Layout) -> Path:
    folder = layout.model_folder(job.target, job.symbol, family)
    return layout.retired_models / folder / job.spec_hash


def _own_manifest(folder: Path, layout: Layout) -> Manifest | None:
    """The manifest in a model's folder, if it says of itself that it belongs there."""
    try:
        manifest = read_manifest(folder / MANIFEST_FILE)
        own = layout.model_dir(manifest.target, manifest.symbol, manifest.family)
    except FoxmlError:
        return None
    # The hash becomes the name of a folder.
    return manifest if own == folder and _SPEC_HASH.fullmatch(manifest.spec_hash) else None


def _write_record(model: RetiredModel, planned: Set[PurePosixPath], now: datetime) -> None:
    # Family and spec come last in the name.
    has_job = PurePosixPath(model.name).parents[1] in planned
    reason = Reason.OTHER_FAMILIES if has_job else Reason.NO_JOB
    record = Retirement(now.replace(microsecond=0), reason)
    content = msgspec.json.format(canonical_json(record), indent=2) + b"\n"
    write_atomic(model.folder / RECORD_FILE, content)


def _read_record(folder: Path) -> Retirement | None:
    path = folder / RECORD_FILE
    try:
        refuse_links(path)
        return decode_json(path.read_bytes(), Retirement)
    except (OSError, LinkError, msgspec.DecodeError):
        return None
