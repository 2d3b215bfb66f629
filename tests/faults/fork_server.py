"""A process that has imported everything and forks a child for each order, so that a case costs no start-up.

It speaks JSON lines: an order in, what became of its child out. The child is under the shim of `shim.c` if
that is loaded, else under that of `os_shim.py`; it calls one function, with its output in a file.
"""

import ctypes
import importlib
import json
import mmap
import os
import pkgutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Protocol

from os_shim import OsShim

_ACTIONS = ("count", "kill", "fail", "fail from")
# Which calls count, by the path they are for: all, those outside Dagster's home, commits of its databases.
_CALLS = ("all", "artifacts", "commits")
_FAILED = 70
# What stages and commands import while they run.
_LATE = ("lightgbm", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "pyarrow.parquet")
_LATE_COMMANDS = ("dagster._core.storage.runs.sqlite.sqlite_run_storage", "alembic.command")


class Shim(Protocol):
    """Counts calls in this process from `arm` on."""

    def arm(self, order: dict) -> None: ...

    def count(self) -> int: ...


class Compiled:
    """The shim that is loaded before libc."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.shim_counter.restype = ctypes.POINTER(ctypes.c_long)
        self._counter = library.shim_counter()

    def arm(self, order: dict) -> None:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644) if order["log"] else -1
        action, calls = _ACTIONS.index(order["action"]), _CALLS.index(order["calls"])
        root = os.fsencode(order["root"])
        self._library.shim_arm(root, ctypes.c_long(order["at"]), action, order["errno"], calls, log)

    def count(self) -> int:
        return int(self._counter[0])


class InPython:
    """The shim over the functions of `os`."""

    def __init__(self) -> None:
        self._counter = memoryview(mmap.mmap(-1, 8)).cast("q")

    def arm(self, order: dict) -> None:
        OsShim(self._counter).arm(order["at"], order["action"], order["errno"])

    def count(self) -> int:
        return self._counter[0]


def warm_up(*, commands: bool) -> None:
    """Import all that a stage, or a command, may import."""
    import foxml_assets

    outer = tuple(f"foxml_assets.{room}" for room in ("cli", "commands", "components", "defs"))
    for module in pkgutil.walk_packages(foxml_assets.__path__, "foxml_assets."):
        # The definitions read the config of the working folder.
        if module.name != "foxml_assets.definitions" and (commands or not module.name.startswith(outer)):
            importlib.import_module(module.name)
    for name in (*_LATE, *(_LATE_COMMANDS if commands else ())):
        importlib.import_module(name)
    _rehearse()


def _rehearse() -> None:
    """Plan and train once, so that what libraries make at their first use is made before the fork."""
    import stages
    from fault_world import make_world

    from foxml_assets.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder) / "world")
        workspace = Workspace(world.root, world.config_dir)
        stages.import_table(workspace)
        stages.run(workspace)


def serve(shim: Shim) -> None:
    """Obey orders until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _obey(shim, order)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps({"code": code, "calls": shim.count()}) + "\n")
        sys.stdout.flush()


def _obey(shim: Shim, order: dict) -> None:
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    signal.alarm(order["timeout"])
    name, sys.argv = order["call"][0], ["foxml", *order["call"][1]]
    module, _, function = name.partition(":")
    code = _FAILED
    try:
        shim.arm(order)
        code = getattr(importlib.import_module(module), function)() or 0
    except SystemExit as error:
        code = int(error.code or 0)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    warm_up(commands=sys.argv[1] == "commands")
    loaded = ctypes.CDLL(None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    serve(Compiled(loaded) if hasattr(loaded, "shim_arm") else InPython())
