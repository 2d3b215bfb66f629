"""A write replaces the whole file or leaves the old one."""

from pathlib import Path

import pytest

from foxml_assets.storage.files import write_atomic, write_if_changed


def test_a_write_creates_folders_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    write_atomic(path, b"1")
    assert path.read_bytes() == b"1"
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "target"
    path.mkdir()
    (path / "kept").write_bytes(b"old")
    with pytest.raises(OSError, match="directory"):
        write_atomic(path, b"new")
    assert (path / "kept").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["target"]


def test_unchanged_content_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    assert write_if_changed(path, b"1")
    before = path.stat().st_mtime_ns
    assert not write_if_changed(path, b"1")
    assert path.stat().st_mtime_ns == before
    assert write_if_changed(path, b"2")
