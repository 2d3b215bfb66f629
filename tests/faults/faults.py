"""The harness: worlds in which a command is killed or fails at one call, and what must hold afterwards."""

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from fault_world import FaultWorld

from foxml_assets.core.hashing import file_hash
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.manifest import MANIFEST_FILE, model_folders

HERE = Path(__file__).parent
_STAMPS = re.compile(
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{8}_\d{6}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    # What fits took, in the report, on its page, and in the hash of what it is made from.
    rb'|"seconds": [\d.e-]+|"basis": "\w+"|\| [\d.]+ \| [\d.]+ \| (?:\d+ %)? \|'
)
# Dagster's own records, locks that end with their process, and what is only remembered of the models.
_RECORDS = ("dagster", ".claims", ".cache")
_STAGING = Layout(Path()).staged_models.as_posix()
_TIMING = "timing.json"
# Digests of what holds the time and the run of its making.
_PAGES_NOTE = "pages.json"


@dataclass(frozen=True)
class Fault:
    """What happens at call number `at`."""

    at: int
    action: str = "kill"
    code: int = 0

    def __str__(self) -> str:
        return f"{self.action} {errno.errorcode.get(self.code, '')} at call {self.at}"


NONE = Fault(0, "count")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: its signal), its output, and the calls it made."""

    code: int
    calls: int
    output: str


@dataclass(frozen=True)
class Server:
    """Executes commands in forked children."""

    process: "subprocess.Popen[str]"

    def run(
        self,
        world: FaultWorld,
        call: str,
        *arguments: str,
        fault: Fault = NONE,
        calls: str = "all",
        log: Path | None = None,
    ) -> Ended:
        """Run `call` (`module:function`) with arguments over `world`, with `fault` in its way."""
        output = world.folder / "output.txt"
        order = {
            "call": [call, list(arguments)],
            "root": str(world.root),
            "at": fault.at,
            "action": fault.action,
            "errno": fault.code,
            "log": str(log) if log else None,
            "calls": calls,
            "output": str(output),
            "timeout": 300,
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return Ended(answer["code"], answer["calls"], output.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def serving(shim: Path | None, *, commands: bool = False) -> Iterator[Server]:
    """A server under the compiled `shim`, or, if it is None, under that of Python.

    `commands`: it has imported the command line and Dagster too.
    """
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("FOXML_", "DAGSTER_"))
    }
    if shim is not None:
        environment["LD_PRELOAD"] = str(shim)
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(HERE / "fork_server.py"),
        "commands" if commands else "stages",
    ]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield Server(process)
        finally:
            process.kill()


def compile_shim(folder: Path) -> Path | None:
    """The compiled shim; None without a C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    built = folder / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", built, HERE / "shim.c", "-ldl"], check=True)
    return built


def contents(root: Path) -> dict[str, str]:
    """A hash of every artifact, by its path, without the time, run and place of its making."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        # The folder in which models are made stays, empty, once one was.
        if name.split("/")[0] in _RECORDS or name == _STAGING:
            continue
        if path.is_dir() and any(path.iterdir()):
            continue
        found[name] = "folder" if path.is_dir() else _content(path)
    return found


def _content(path: Path) -> str:
    if path.name == _TIMING:
        return "timing"
    if path.name == _PAGES_NOTE:
        pages = json.loads(path.read_bytes())["sha256"]
        # A killed process may have removed a part of what it staged.
        there = {name: path.with_name(name) for name in pages}
        return repr({name: one.is_file() and file_hash(one) == pages[name] for name, one in there.items()})
    if path.suffix == ".parquet":
        return hashlib.sha256(repr(pq.read_table(path).to_pylist()).encode()).hexdigest()
    return hashlib.sha256(_STAMPS.sub(b"", path.read_bytes())).hexdigest()


def model_stamps(world: FaultWorld) -> dict[Path, tuple[int, int]]:
    """Inode and time of all files that a committed model consists of."""
    found = {}
    for folder in model_folders(world.layout):
        manifest = folder / MANIFEST_FILE
        model = folder / json.loads(manifest.read_bytes())["model_file"]
        for path in (manifest, model):
            if path.exists():
                found[path] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return found
