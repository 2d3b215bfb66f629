"""A look at all models of a plan. What an earlier look has read is not read again while it is unchanged."""

import os
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from msgspec.structs import replace

from foxml_assets.core.hashing import file_hash
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.registry import find_family
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.manifest import MANIFEST_FILE, ModelState
from foxml_assets.training.models.memory import Memory, Stamp, Verified, recall
from foxml_assets.training.models.model_location import MARK_FILE
from foxml_assets.training.models.stored import StoredModel, record_problems, stored_model

# Within this time a file may change twice and have the same stamp; some file systems count in two seconds.
_TICK_NS = 2_000_000_000


@dataclass(frozen=True)
class Look:
    """What is there of each family of each job; and what to remember of it, None if nothing is new."""

    models: tuple[tuple[StoredModel, ...], ...]
    memory: Memory | None


def look_at(jobs: Iterable[Job], context: ModelContext) -> Look:
    """The models of `jobs`, by the content of their files as far as that may have changed."""
    earlier = recall(context)
    looker = _Looker(context, earlier.models)
    models = tuple(tuple(looker.look(job, family) for family in job.model_families) for job in jobs)
    if not looker.news:
        return Look(models, None)
    return Look(models, replace(earlier, models={**earlier.models, **looker.read}))


@dataclass(frozen=True)
class _Looker:
    """`read` are the models that had to be read and are trained; of those in `news` that was not known."""

    context: ModelContext
    earlier: Mapping[str, Verified]
    read: dict[str, Verified] = field(default_factory=dict)
    news: set[str] = field(default_factory=set)
    folders: dict[str, bool] = field(default_factory=dict)

    def look(self, job: Job, family: ModelFamily) -> StoredModel:
        folder = self.context.layout.model_folder(job.target, job.symbol, family)
        # Taken before anything is read: what changes meanwhile has other stamps at the next look.
        stamps = self._stamps(folder, family)
        known = self._unchanged(folder, stamps)
        if known is not None and known.spec_hash == job.spec_hash:
            sha256 = known.manifest_sha256
            if not record_problems(sha256, job, family, self.context):
                return StoredModel(ModelState.TRAINED, "", sha256, known.model_sha256)
        now = time.time_ns()
        # Unchanged files have their hash already; only the manifest is held against the job again.
        hash_of = file_hash if known is None else lambda _: known.model_sha256
        stored = stored_model(job, family, self.context, hash_of=hash_of, asks_store=False)
        if stored.state is ModelState.TRAINED and stamps is not None:
            is_settled = all(now - max(one.mtime_ns, one.ctime_ns) > _TICK_NS for one in stamps)
            hashes = (stored.manifest_sha256, stored.model_sha256)
            self._keep(folder, Verified(job.spec_hash, *hashes, stamps, is_settled))
        return stored

    def _unchanged(self, folder: str, stamps: tuple[Stamp, Stamp] | None) -> Verified | None:
        """What is known of a model whose files are those of an earlier look."""
        known = self.earlier.get(folder)
        return known if known is not None and known.is_settled and known.stamps == stamps else None

    def _keep(self, folder: str, verified: Verified) -> None:
        self.read[folder] = verified
        known = self.earlier.get(folder)
        if known is None or replace(known, is_settled=verified.is_settled) != verified:
            self.news.add(folder)

    @cached_property
    def _root(self) -> str:
        return str(self.context.layout.models)

    def _stamps(self, folder: str, family: ModelFamily) -> tuple[Stamp, Stamp] | None:
        """Those of manifest and model, of one in a store those of its mark.

        None unless they are plain files, with no link on the way to them.
        """
        if not self._is_plain(folder):
            return None
        path = f"{self._root}/{folder}/{find_family(family).model_file}"
        if self.context.config.storage.models is not None and _status(path) is None:
            path = f"{self._root}/{folder}/{MARK_FILE}"
        manifest, model = _stamp(f"{self._root}/{folder}/{MANIFEST_FILE}"), _stamp(path)
        return (manifest, model) if manifest is not None and model is not None else None

    def _is_plain(self, folder: str) -> bool:
        known = self.folders.get(folder)
        if known is None:
            is_within = not folder or self._is_plain(folder.rpartition("/")[0])
            status = _status(f"{self._root}/{folder}")
            known = is_within and status is not None and stat.S_ISDIR(status.st_mode)
            self.folders[folder] = known
        return known


def _stamp(path: str) -> Stamp | None:
    status = _status(path)
    if status is None or not stat.S_ISREG(status.st_mode):
        return None
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
