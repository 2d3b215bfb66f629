"""The file of a model: beside its manifest, or in the object store that the settings name.

A folder whose file is in a store has a mark instead, so that the folders alone tell what is trained.
"""

import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from foxml_assets.core.errors import FoxmlError, Problem, StoreError, TrainingError
from foxml_assets.core.hashing import bytes_hash
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import refuse_links, write_within
from foxml_assets.storage.object_store import ObjectStore
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.manifest import (
    MANIFEST_FILE,
    Manifest,
    manifest_bytes,
    model_path,
    read_manifest,
)

MARK_FILE = "stored.json"

_SPEC_HASH = re.compile("[0-9a-f]{64}")
_log = logging.getLogger(__name__)


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a model's file was put into the object store of that URL.

    It is looked for in the store that the settings name now: a store may move, and no file below the root
    leads elsewhere.
    """

    url: str


@dataclass(frozen=True)
class ModelFile:
    """The file of one model: at `path`, or else below `key` in the store."""

    path: Path
    key: str
    store: ObjectStore | None

    @property
    def is_stored(self) -> bool:
        """Whether the folder says that it is in a store. What stands beside the manifest comes first."""
        return not os.path.lexists(self.path) and (self.path.parent / MARK_FILE).is_file()

    @property
    def address(self) -> str:
        """Where it is, as a person reads it."""
        if self.is_stored and self.store is not None:
            return self.store.address(self._object)
        return str(self.path)

    def problems(
        self, manifest: Manifest, hash_of: Callable[[Path], str], *, asks_store: bool
    ) -> Iterator[Problem]:
        """What is wrong with it by the manifest; of what is in a store only if that is asked.

        Raises StoreError, LinkError and OSError.
        """
        refuse_links(self.path)
        if self.is_stored:
            refuse_links(self.path.parent / MARK_FILE)
            yield from self._stored_problems(manifest.sha256, asks_store=asks_store)
        elif not self.path.is_file():
            yield Problem("model_file", "is missing", self.path.name)
        elif (found := hash_of(self.path)) != manifest.sha256:
            yield _other_bytes(manifest.sha256, found)

    @contextmanager
    def at_hand(self, sha256: str) -> Iterator[Path]:
        """A file to load the model from: of one in a store a copy, verified, for the block.

        Raises TrainingError and StoreError.
        """
        if not self.is_stored or self.store is None:
            yield self.path
            return
        content = self.store.get(self._object)
        if content is None or bytes_hash(content) != sha256:
            what = "is missing" if content is None else "is not the model's file that was trained"
            raise TrainingError(f"{self.address} {what}", fix=self._mend)
        with tempfile.TemporaryDirectory(prefix="foxml-") as folder:
            copy = Path(folder) / self.path.name
            copy.write_bytes(content)
            yield copy

    def put_in_store(self, folder: Path, manifest: Manifest) -> None:
        """Move the file from the `folder` in which the model is made into the store, if there is one.

        The manifest, written after it, says there that the file is whole. Raises StoreError, OSError.
        """
        if self.store is None:
            return
        made = folder / self.path.name
        self.store.put(self._object, made.read_bytes())
        self.store.put(f"{self.key}/{MANIFEST_FILE}", manifest_bytes(manifest))
        made.unlink()
        write_mark(folder, self.store)

    @property
    def _object(self) -> str:
        return f"{self.key}/{self.path.name}"

    @property
    def _mend(self) -> str:
        return f"put it back there, or delete the folder {self.path.parent} and then: foxml train"

    def _stored_problems(self, sha256: str, *, asks_store: bool) -> Iterator[Problem]:
        if self.store is None:
            url = read_mark(self.path.parent).url
            yield Problem("model_file", "was put into a store; set storage.models to it", url)
        elif asks_store:
            content = self.store.get(self._object)
            found = "nothing" if content is None else bytes_hash(content)
            if found != sha256:
                yield _other_bytes(sha256, found)
                yield Problem("", f"at {self.address}: {self._mend}")


def model_file(job: Job, family: ModelFamily, context: ModelContext) -> ModelFile:
    """The file of one model of `job`."""
    layout = context.layout
    folder = layout.model_folder(job.target, job.symbol, family)
    path = model_path(job, family, layout)
    key = f"{layout.stored_folder(folder)}/{job.spec_hash}"
    return ModelFile(path, key, context.config.storage.model_store)


def write_mark(folder: Path, store: ObjectStore) -> None:
    """Say in a model's folder that its file is in `store`. Raises OSError and LinkError."""
    write_within(folder / MARK_FILE, msgspec.json.encode(Mark(store.url)) + b"\n")


def read_mark(folder: Path) -> Mark:
    """The mark in a model's folder. Raises TrainingError for a damaged one, LinkError and OSError."""
    path = folder / MARK_FILE
    refuse_links(path)
    try:
        return decode_json(path.read_bytes(), Mark)
    except msgspec.DecodeError as error:
        problem = Problem("", str(error))
        raise TrainingError(
            "the mark cannot be read", file=path, problems=[problem], fix="train the job again"
        ) from error


@contextmanager
def superseding(job: Job, family: ModelFamily, context: ModelContext) -> Iterator[None]:
    """A block that may put a model of the job's spec in its place: what an earlier one has in the store goes.

    Nothing goes where the block puts none there, or fails.
    """
    layout, store = context.layout, context.config.storage.model_store
    folder = layout.model_folder(job.target, job.symbol, family)
    place = layout.models / folder
    earlier = spec_in(place) if store is not None and (place / MARK_FILE).is_file() else None
    yield
    if store is None or earlier in (None, job.spec_hash) or spec_in(place) != job.spec_hash:
        return
    try:
        store.delete_folder(f"{layout.stored_folder(folder)}/{earlier}")
    except StoreError as error:
        # The new model stands, and nothing reads what is left of the earlier one.
        _log.warning("%s", error)


def spec_in(folder: Path) -> str | None:
    """The hash of the spec of the model in `folder`; None if it cannot be read, or is none."""
    try:
        found = read_manifest(folder / MANIFEST_FILE).spec_hash
    except FoxmlError:
        return None
    # It becomes part of a key.
    return found if _SPEC_HASH.fullmatch(found) else None


def _other_bytes(sha256: str, found: str) -> Problem:
    return Problem("model_file", f"is not the one that was trained, of SHA-256 {sha256}", found)
