"""A planned and trained world in which files are replaced for one input, and what holds of every answer."""

import io
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fault_world import FaultWorld, make_world
from stages import import_table, run

from foxml_assets.core.errors import FoxmlError
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

MAX_ERROR, MAX_OUTPUT = 20_000, 1_000_000
Call = Callable[[], object]


@dataclass
class Arena:
    """The world, and what stood in it before the present input."""

    world: FaultWorld
    before: dict[Path, bytes | None] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        return self.world.layout

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.world.root, self.world.config_dir)

    @property
    def places(self) -> tuple[Path, Path]:
        """Root and config folder, as the commands take them."""
        return self.world.root, self.world.config_dir

    def original(self, path: Path) -> bytes:
        """What stands in `path` without the present input."""
        raw = self.before.get(path)
        return path.read_bytes() if raw is None else raw

    def put(self, path: Path, raw: bytes) -> None:
        """Replace a file, or make it, for the present input."""
        self.before.setdefault(path, path.read_bytes() if path.exists() else None)
        path.write_bytes(raw)

    def hide(self, path: Path) -> None:
        """Remove a file for the present input."""
        self.before.setdefault(path, path.read_bytes())
        path.unlink()

    def restore(self) -> None:
        """As it was before."""
        for path, raw in self.before.items():
            path.unlink() if raw is None else path.write_bytes(raw)
        self.before.clear()


def make_arena(folder: Path) -> Arena:
    """A world that was planned and trained once."""
    world = make_world(folder)
    workspace = Workspace(world.root, world.config_dir)
    import_table(workspace)
    run(workspace)
    return Arena(world)


def answered(call: Call) -> bool:
    """Whether `call` did what it was asked to; False if it refused with a typed error of some lines.

    Whatever else it raises is raised. What it prints must do a terminal no harm and have an end.
    """
    raw = io.BytesIO()
    output = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
    refusal: FoxmlError | None = None
    with redirect_stdout(output), redirect_stderr(output):
        try:
            call()
        except FoxmlError as error:
            refusal = error
    printed = raw.getvalue().decode()
    assert len(printed) <= MAX_OUTPUT, f"{len(printed)} characters were printed"
    text = str(refusal) if refusal else ""
    assert refusal is None or refusal.problems or refusal.fix, f"{text} has no problem and no fix"
    assert len(text) <= MAX_ERROR, f"the error has {len(text)} characters"
    assert (printed + text).replace("\n", "").isprintable(), "what is shown may steer a terminal"
    return refusal is None


def command(*arguments: str) -> Call:
    """`foxml` with `arguments` as a process would run it, but in this one."""

    def call() -> None:
        from foxml_assets.cli import main

        before, sys.argv = sys.argv, ["foxml", *arguments]
        with pytest.raises(SystemExit) as ended:
            main()
        sys.argv = before
        assert ended.value.code in (0, 1, 2)

    return call


def peak_bytes() -> int:
    """The most memory this process has had."""
    status = Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
