"""The command line in a process of its own, forked from one that has imported the libraries.

Importing them is half of the time of a short command, and tests run a hundred of them. From a fresh
interpreter commands run in test_ci_docs.py, test_killed_run.py and test_live.py.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
# The modules of the command line look at the terminal when they are imported, so they are not among these.
_FORKS.set_forkserver_preload(["foxml_assets.defs.build", "rich", "typer"])
_SECONDS = 300


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`foxml` with `arguments` to its end, in `environment` and nothing else of this process's."""
    with tempfile.TemporaryDirectory() as folder:
        process = _FORKS.Process(target=_command, args=(arguments, environment, cwd, folder))
        process.start()
        process.join(_SECONDS)
        code = process.exitcode
        process.kill()
        assert code is not None, f"foxml {arguments} takes more than {_SECONDS} s"
        printed = [(Path(folder) / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess(arguments, code, *printed)


def _command(arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | None, folder: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for stream, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(folder) / name, os.O_CREAT | os.O_WRONLY), stream)
    if cwd is not None:
        os.chdir(cwd)
    sys.argv = ["foxml", *arguments]
    from foxml_assets.cli import main

    main()
