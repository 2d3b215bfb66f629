"""The files of an asset, and the hash by which they are known to be as they were written."""

from collections.abc import Iterable
from pathlib import Path

from foxml_assets.core.hashing import content_hash, file_hash
from foxml_assets.storage.directories import read_version
from foxml_assets.storage.files import refuse_links
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import find_table

# The name of the hash in the metadata of a materialization.
FILES = "hash of its files"


def files_hash(layout: Layout, asset: str) -> str:
    """Hash of the names and bytes of the files of an asset, of those that are there.

    Raises LinkError where one is a link, OSError where one cannot be read, and LockHeldError.
    """
    folder = _folder(layout, asset)
    if folder is None:
        return _hash(layout, _single_files(layout, asset))
    # A plan's folder may be replaced meanwhile.
    return read_version(folder, lambda: _hash(layout, folder.rglob("*")))


def _folder(layout: Layout, asset: str) -> Path | None:
    """The folder that is replaced as a whole with the asset; None if its files stand alone."""
    if asset == "routing_plan":
        return layout.routing_plan_dir
    return layout.training_plan_dir if asset == "master_training_plan" else None


def _single_files(layout: Layout, asset: str) -> Iterable[Path]:
    if asset == "panel":
        return layout.panel, layout.panel_info
    if asset == "routing_candidates":
        return filter(None, [find_table(layout.routing_candidates)])
    return layout.plan_diff, layout.plan_diff.with_suffix(".md")


def _hash(layout: Layout, paths: Iterable[Path]) -> str:
    files = sorted(path for path in paths if path.is_file())
    for path in {path.parent for path in files} | set(files):
        refuse_links(path)
    return content_hash({path.relative_to(layout.root).as_posix(): file_hash(path) for path in files})
