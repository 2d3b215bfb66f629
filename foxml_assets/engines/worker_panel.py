"""The panel on a worker: that it is the one of the run, and what is kept of it from task to task."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from foxml_assets.core.errors import EngineError, PanelError, Problem
from foxml_assets.core.hashing import content_hash
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import load_panel_info
from foxml_assets.storage.layout import Layout

Value = TypeVar("Value")


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


def load_same_panel(layout: Layout, panel_hash: str) -> PanelInfo:
    """The description of the panel with `panel_hash`. Raises EngineError if another is seen here."""
    try:
        info = load_panel_info(layout)
    except PanelError as error:
        raise _other_panel(layout, str(error)) from error
    if panel_hash_of(info) != panel_hash:
        raise _other_panel(layout, "it is another than that which the run began with")
    return info


def _other_panel(layout: Layout, what: str) -> EngineError:
    return EngineError(
        "the worker does not see the panel of this run",
        file=layout.panel_info,
        problems=[Problem("panel", what)],
        fix="the root must be on a file system that all workers share, under the same path",
    )
