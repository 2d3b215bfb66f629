"""What the panel is made from, by content."""

from functools import lru_cache
from pathlib import Path

from foxml_assets.core.hashing import content_hash, file_hash
from foxml_assets.panel.data_config import DataConfig, DemoPanel, FilePanel
from foxml_assets.panel.demo import demo_features, demo_noise, demo_targets
from foxml_assets.panel.demo.demo_panel import demo_file
from foxml_assets.panel.files.table_files import panel_files, source_files

# To be raised when the same source makes another panel than before.
_PANEL_CODE_VERSION = "2"


def builder_source_fingerprint(path: str) -> str:
    """Hash of the files of a feature builder's source. Raises PanelError when there are none."""
    return content_hash([[file.as_posix(), file_fingerprint(file)] for file in source_files(path)])


def panel_source_hash(config: DataConfig) -> str:
    """Hash of what the panel is made from: the files' content, how to read and cut them, and the code.

    A file whose size and modification time did not change since this process last read it is not
    read again. Raises PanelError when the source is missing.
    """
    evidence = config.evidence
    # The description counts the rows before the hold-out, and a panel too short for its folds is refused.
    cut = [evidence.holdout_fraction, evidence.n_folds, evidence.embargo_bars]
    return content_hash(
        [_PANEL_CODE_VERSION, _fingerprint(config.panel), config.panel.model_dump(mode="json"), cut]
    )


def _fingerprint(source: DemoPanel | FilePanel) -> str:
    if isinstance(source, DemoPanel):
        builders = (demo_features, demo_noise, demo_targets)
        files = [demo_file(), *(Path(str(module.__file__)) for module in builders)]
        return content_hash([file_fingerprint(path) for path in files])
    return content_hash(
        [[path.as_posix(), file_fingerprint(path)] for path in panel_files(source.path, source.source)]
    )


def file_fingerprint(path: Path) -> str:
    """Hash of a file, read again only after its size or modification time changed."""
    status = path.stat()
    return _hash_at(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=65_536)
def _hash_at(path: Path, size: int, modified_ns: int) -> str:
    return file_hash(path)
