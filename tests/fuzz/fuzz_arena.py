"""A planned and trained world in which files are replaced for one input, and what holds of every answer."""

import io
import json
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

_CONFIDENCE = {"target_name": "y", "mean_score": 0.6, "sample_size": 12_000, "metric_name": "roc_auc"}
_METRIC = {"name": "roc_auc__cs__mean", "baseline": 0.5, "mean": 0.08, "skill_mean": 0.08, "skill_se": 0.01}
_IMPORTANCES = {
    "method": "lightgbm",
    "features": ["mom", "vol"],
    "importances": [1.0, 2],
    "universe_id": "A:B",
}
# One file of each kind that a FoxML run has.
FOXML_RUN: dict[str, object] = {
    "feature_selections/y/target_confidence.json": _CONFIDENCE,
    "feature_selections/y/model_metadata.json": {
        "y:AAA:lightgbm": {"score": 0.6},
        "y:BBB:rf": {"score": 0.7},
    },
    "feature_selections/y/leakage_report.json": {
        "leakage_flag": "HIGH_SCORE",
        "suspicious_features": {"lightgbm": [["mom", 0.4]]},
        "leaky_features": ["vol"],
    },
    "targets/y/CROSS_SECTIONAL/cohort=c/metrics.json": {
        "primary_metric": _METRIC,
        "coverage": {"n_effective": 50_000},
        "leakage": {"status": "OK"},
    },
    "targets/y/CROSS_SECTIONAL/cohort=c/metadata.json": {"n_samples": 4_000, "horizon_minutes": 60},
    "targets/y/CROSS_SECTIONAL/feature_importance/one.json": _IMPORTANCES,
    "targets/y/CROSS_SECTIONAL/feature_importance/two.json": {**_IMPORTANCES, "importances": [2.0, 1.0]},
}
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
    for name, content in FOXML_RUN.items():
        path = world.folder / "foxml" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
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
