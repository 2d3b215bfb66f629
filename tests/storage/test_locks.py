"""A lock excludes every other holder, and ends with its holder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from foxml_assets.core.errors import LockHeldError
from foxml_assets.storage.locks import hold_lock

HOLD = (
    "import sys, time; from pathlib import Path; from foxml_assets.storage.locks import hold_lock\n"
    "with hold_lock(Path(sys.argv[1]), purpose='testing'):\n    print('held', flush=True); time.sleep(60)"
)


def test_a_held_lock_is_refused_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    with (
        hold_lock(path, purpose="planning"),
        pytest.raises(LockHeldError, match="another process is planning") as caught,
        hold_lock(path, purpose="planning"),
    ):
        pass
    assert str(os.getpid()) in str(caught.value)
    with hold_lock(path, purpose="planning"):
        pass


def test_holding_a_lock_again_leaves_its_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold_lock(path, purpose="planning"):
        pass
    before = path.stat().st_mtime_ns, path.read_bytes()
    with hold_lock(path, purpose="planning"):
        pass
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


def test_a_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), hold_lock(tmp_path / "lock", purpose="planning"):
        raise RuntimeError
    with hold_lock(tmp_path / "lock", purpose="planning"):
        pass


def test_a_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockHeldError, match=str(holder.pid)), hold_lock(path, purpose="planning"):
            pass
        holder.kill()
        holder.wait()
    with hold_lock(path, purpose="planning"):
        pass
