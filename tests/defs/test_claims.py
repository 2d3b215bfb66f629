"""A claim is made whole or not at all, and what a killed claimant left goes with the next one."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from foxml_assets.defs.running.claims import Role, claimed, find_claims, hold_claim

# Killed when its claim has a file, and not yet its name.
KILLED = """
import os, signal, sys
from pathlib import Path
from foxml_assets.defs.running.claims import Role, hold_claim
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
hold_claim(Path(sys.argv[1]), "key", Role.COMMAND, "foxml train")
"""


def left(root: Path) -> list[Path]:
    return [*(root / ".claims").iterdir()]


@contextmanager
def full_disk() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_a_killed_claimant_left_is_no_claim_and_goes_with_the_next_one(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert len(left(tmp_path)) == 1
    assert find_claims(tmp_path) == {}
    with claimed(tmp_path, "key", Role.COMMAND, "foxml train"):
        assert [path.name for path in left(tmp_path)] == ["key"]
    assert left(tmp_path) == []


def test_a_claim_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with full_disk(), pytest.raises(OSError, match="File too large"):
        hold_claim(tmp_path, "key", Role.COMMAND, "foxml train")
    assert left(tmp_path) == []


def test_a_claim_that_is_being_made_is_left_alone(tmp_path: Path) -> None:
    first = hold_claim(tmp_path, "key", Role.COMMAND, "foxml train")
    unnamed = (tmp_path / ".claims" / "key").rename(tmp_path / ".claims" / f".tmp-{'0' * 16}")
    os.close(hold_claim(tmp_path, "other", Role.SERVER, "foxml dev"))
    assert unnamed.exists()
    os.close(first)
    os.close(hold_claim(tmp_path, "other", Role.SERVER, "foxml dev"))
    assert not unnamed.exists()
