"""A write replaces the whole file or leaves the old one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foxml_assets.storage.files import remove_file, write_atomic, write_chunks_atomic, write_if_changed


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


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    (tmp_path / ".tmp-00dead00dead0000").write_bytes(b"half")
    (tmp_path / ".tmp-of-another-program").write_bytes(b"whole")

    def chunks() -> Iterator[bytes]:
        yield b"slow, "
        write_atomic(tmp_path / "other", b"quick")
        yield b"but whole"

    write_chunks_atomic(tmp_path / "file", chunks())
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tmp-of-another-program", "file", "other"]
    assert (tmp_path / "file").read_bytes() == b"slow, but whole"


def test_a_file_is_removed_once(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"1")
    remove_file(tmp_path / "file")
    remove_file(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
