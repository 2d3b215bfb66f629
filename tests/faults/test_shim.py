"""The compiled shim sees what the kernel sees."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from fault_world import FaultWorld, copy_world
from faults import HERE

# As the shim names them; what changes no file (an open without creation, say) is not among them.
_KINDS = {
    "write": "write",
    "pwrite64": "write",
    "fsync": "fsync",
    "fdatasync": "fsync",
    "rename": "rename",
    "renameat": "rename",
    "renameat2": "rename",
    "link": "link",
    "linkat": "link",
    "unlink": "unlink",
    "unlinkat": "unlink",
}
_SCRIPT = """
import ctypes, os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import stages
from foxml_assets.workspace import Workspace
root, config_dir, log = map(Path, sys.argv[2:])
workspace = Workspace(root, config_dir)
shim = ctypes.CDLL(None)
shim.shim_arm(os.fsencode(root), ctypes.c_long(0), 0, 0, 0, os.open(log, os.O_WRONLY | os.O_CREAT, 0o644))
os.path.exists("/armed")
stages.run(workspace)
"""


@pytest.mark.slow
def test_the_shim_sees_every_call_that_strace_sees(shim: Path, trained: FaultWorld, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace to compare with")
    world = copy_world(trained, tmp_path / "world")
    for folder in (world.layout.models, world.layout.training_plan_dir):
        shutil.rmtree(folder)
    trace, log = tmp_path / "trace", tmp_path / "log"
    names = ",".join(_KINDS)
    command = [
        "strace",
        "-f",
        "-y",
        "-o",
        trace,
        "-e",
        f"trace={names},stat,newfstatat",
        "-E",
        f"LD_PRELOAD={shim}",
    ]
    script = [sys.executable, "-c", _SCRIPT, HERE, *world.arguments, log]
    subprocess.run([*command, *script], check=True, capture_output=True)
    lines = trace.read_text(encoding="utf-8", errors="replace").partition('"/armed"')[2].splitlines()
    below = [line for line in lines if str(world.root) in line and " = -1 " not in line]
    calls = [re.match(r"\d+ +(\w+)\(", line) for line in below]
    expected = Counter(_KINDS[call[1]] for call in calls if call and call[1] in _KINDS)
    raw = log.read_bytes()
    seen: Counter[str] = Counter()
    at = 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        fields = raw[at:end].decode().split("\t")
        seen[fields[0].replace("exchange", "rename").replace("rmdir", "unlink")] += 1
        at = end + 1 + int(fields[4])
    assert {name: seen[name] for name in expected} == dict(expected)
    assert sum(expected.values()) > 50
