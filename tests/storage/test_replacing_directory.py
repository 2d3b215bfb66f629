"""A directory is replaced as a whole or not at all."""

import errno
from pathlib import Path

import pytest

from foxml_assets.core.errors import StorageError
from foxml_assets.storage import directories
from foxml_assets.storage.directories import (
    is_switch_interrupted,
    recover_directory,
    replacing_directory,
)
from foxml_assets.storage.files import storage_errors


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(name)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["exchange", "two renames"])
def final(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with an old file, on a file system that can and on one that cannot exchange."""
    if request.param == "two renames":
        monkeypatch.setattr(directories, "_exchange", lambda one, other: False)
    folder = tmp_path / "plan"
    folder.mkdir()
    fill(folder, "old")
    return folder


def test_the_new_directory_takes_the_place_of_the_old_one(final: Path) -> None:
    with replacing_directory(final) as staged:
        fill(staged, "new")
        assert names_in(final) == ["old"]
    assert names_in(final) == ["new"]
    assert names_in(final.parent) == ["plan"]


def test_the_first_directory_needs_no_old_one(tmp_path: Path) -> None:
    with replacing_directory(tmp_path / "deep" / "plan") as staged:
        fill(staged, "new")
    assert names_in(tmp_path / "deep") == ["plan"]


def test_an_error_in_the_block_keeps_the_old_directory(final: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing_directory(final) as staged:
        fill(staged, "new", "no/such/folder")
    assert names_in(final) == ["old"]
    assert names_in(final.parent) == ["plan"]


def test_what_a_killed_process_left_is_not_taken_over(final: Path) -> None:
    left = final.parent / ".plan.staged"
    left.mkdir()
    fill(left, "half")
    with replacing_directory(final) as staged:
        fill(staged, "new")
    assert names_in(final) == ["new"]
    assert names_in(final.parent) == ["plan"]


def test_a_switch_interrupted_between_two_renames_is_undone(final: Path) -> None:
    assert not is_switch_interrupted(final)
    assert not recover_directory(final)
    final.rename(final.parent / ".plan.retired")
    assert is_switch_interrupted(final)
    assert recover_directory(final)
    assert names_in(final) == ["old"]


def test_a_switch_interrupted_after_both_renames_is_cleaned_up(final: Path) -> None:
    retired = final.parent / ".plan.retired"
    retired.mkdir()
    fill(retired, "older")
    assert not recover_directory(final)
    assert names_in(final.parent) == ["plan"]
    assert names_in(final) == ["old"]


@pytest.mark.parametrize("existed", [True, False])
def test_a_switch_that_cannot_be_made_durable_is_taken_back(
    existed: bool, final: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(directory: Path) -> None:
        if directory == final.parent:
            raise OSError(errno.EIO, "Input/output error", str(directory))

    if not existed:
        (final / "old").unlink()
        final.rmdir()
    monkeypatch.setattr(directories, "sync_directory", fail)
    with pytest.raises(OSError, match="Input/output"), replacing_directory(final) as staged:
        fill(staged, "new")
    assert names_in(final.parent) == (["plan"] if existed else [])
    assert not existed or names_in(final) == ["old"]


def test_this_file_system_exchanges_in_one_step(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    fill(one, "1")
    if not directories._exchange(one, other):
        pytest.skip("directories cannot be exchanged here")
    assert names_in(one) == []
    assert names_in(other) == ["1"]


def test_an_exchange_that_fails_for_another_reason_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        directories._exchange(tmp_path / "none", tmp_path / "neither")


def test_a_storage_error_names_the_file_the_cause_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path / "plan"):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "plan" / "part"))
    message = str(caught.value)
    assert "part" in message
    assert "No space left" in message
    assert "free some space" in message
