"""The panel on a worker: where it is found, that it is the one of the run, and what is kept of it."""

import dataclasses
import os
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import pandas as pd

from foxml_assets.core.errors import EngineError, PanelError, Problem
from foxml_assets.core.hashing import content_hash
from foxml_assets.panel.files.stored_panel import StoredPanel
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import load_panel_info, read_panel
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore

Value = TypeVar("Value")

# Of no use to a worker that finds everything in object stores.
_NO_ROOT = Path(os.devnull)


class Kept(Generic[Value]):
    """The last thing that was made, by its key: one, so that memory is bounded, and made by one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[Hashable, Value] | None = None
        self._unwanted: Hashable = None

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What was made for `key`, or what `make` makes now. Raises what `make` does."""
        with self._lock:
            if self._held is not None and self._held[0] == key:
                return self._held[1]
            # Gone before there is another: both at once may not fit.
            self._held = self._unwanted = None
            made = make()
            if self._unwanted != key:
                self._held = (key, made)
            return made

    def forget(self, key: Hashable) -> None:
        """Let go of what was made for `key`, or is being made, which is not waited for."""
        self._unwanted = key
        # A worker that waited here would answer nobody meanwhile.
        if self._lock.acquire(blocking=False):
            if self._held is not None and self._held[0] == key:
                self._held = None
            self._lock.release()


def panel_hash_of(info: PanelInfo) -> str:
    """What a worker knows the panel by."""
    return content_hash(info)


@dataclass(frozen=True)
class PanelPlace:
    """Where a worker finds the panel with `panel_hash`: in the store, or else under the root of `layout`."""

    layout: Layout
    store: ObjectStore | None
    panel_hash: str

    def info(self) -> PanelInfo:
        """Its description. Raises EngineError if another is seen here, and as `StoredPanel`."""
        if self._stored is not None:
            return self._stored.info()
        try:
            info = load_panel_info(self.layout)
        except PanelError as error:
            raise _other_panel(self.layout, str(error)) from error
        if panel_hash_of(info) != self.panel_hash:
            raise _other_panel(self.layout, "it is another than that which the run began with")
        return info

    def times(self, info: PanelInfo) -> pd.Series:
        """The times of its bars, some of them often. Raises PanelError and StoreError."""
        if self._stored is not None:
            return self._stored.times(info)
        return self.read(info, [])[info.time_column]

    def read(
        self, info: PanelInfo, columns: Sequence[str], symbols: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """As `read_panel`. Raises PanelError and StoreError."""
        if self._stored is not None:
            return self._stored.read(info, columns, symbols)
        return read_panel(self.layout, info, columns, symbols)

    @property
    def _stored(self) -> StoredPanel | None:
        return StoredPanel(self.store, self.panel_hash) if self.store is not None else None


def place_panel(layout: Layout, store: ObjectStore | None, info: PanelInfo) -> PanelPlace:
    """Where workers find the panel under `layout`, of that `info`: in the `store`, into which it is put.

    A place in a store names no root. Raises as `StoredPanel.put`.
    """
    panel_hash = panel_hash_of(info)
    if store is None:
        return PanelPlace(layout, None, panel_hash)
    StoredPanel(store, panel_hash).put(layout, info)
    return PanelPlace(dataclasses.replace(layout, root=_NO_ROOT), store, panel_hash)


def _other_panel(layout: Layout, what: str) -> EngineError:
    return EngineError(
        "the worker does not see the panel of this run",
        file=layout.panel_info,
        problems=[Problem("panel", what)],
        fix="the root must be on a file system that all workers share, under the same path, "
        "or the panel in an object store: storage.panel in training_config.yaml",
    )
