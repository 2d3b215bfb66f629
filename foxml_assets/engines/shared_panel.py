"""The panel as a worker sees it, which must be that of the run."""

from foxml_assets.core.errors import EngineError, PanelError, Problem
from foxml_assets.core.hashing import content_hash
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import load_panel_info
from foxml_assets.storage.layout import Layout


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
